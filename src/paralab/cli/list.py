"""`paralab list problems|trainers|experiments`: what can be named on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated

import typer

from paralab.catalog import folders, names
from paralab.errors import Refused, closest

WHAT = ("problems", "trainers", "experiments")


def list_(
    what: Annotated[str, typer.Argument(help="What to list.", metavar="|".join(WHAT))],
    config_dir: Annotated[Path | None, typer.Option("--config-dir", "-cd", help="A conf folder of your own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object of names and descriptions.")] = False,
) -> None:
    """List problems, trainers or experiments, yours in ./conf included.

    Example: paralab list trainers
    """
    if what not in WHAT:
        raise Refused(f"there is no '{what}' to list. {closest(what, WHAT)}")
    group = what.removesuffix("s")
    paths = folders(config_dir)
    found = {name: _description(group, name, paths) for name in names(group, paths)}
    if as_json:
        import json

        print(json.dumps(found, indent=1))
        return
    print("\n".join(_lines(found)))


def _lines(found: dict[str, str]) -> Iterator[str]:
    """A name a line, an empty one between two paradigms; on a terminal, descriptions fold under themselves."""
    width = max(map(len, found), default=0)
    most = get_terminal_size().columns if sys.stdout.isatty() else 10_000
    before = ""
    for name, description in found.items():
        paradigm = name.rpartition("/")[0]
        if before and paradigm != before:
            yield ""
        before = paradigm
        lead, rest = f"{name:<{width}}  ", " " * (width + 2)
        shown = fill(  # what is copied stays in one piece, though it may overhang
            description, max(most, width + 30), initial_indent=lead, subsequent_indent=rest,
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
        yield shown or lead.rstrip()


def _description(group: str, name: str, paths: list[Path]) -> str:
    """The comment that opens the YAML."""
    file = next(path / group / f"{name}.yaml" for path in paths if (path / group / f"{name}.yaml").is_file())
    comments = [
        line
        for line in file.read_text(errors="replace").splitlines()
        if line.startswith("#") and "@package" not in line
    ]
    return comments[0].lstrip("# ") if comments else ""
