"""`paralab list problems|trainers|experiments`: what can be named on the command line."""

from __future__ import annotations

from pathlib import Path
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
    width = max(map(len, found), default=0)
    for name, description in found.items():
        print(f"{name:<{width}}  {description}".rstrip())


def _description(group: str, name: str, paths: list[Path]) -> str:
    """The comment that opens the YAML."""
    file = next(path / group / f"{name}.yaml" for path in paths if (path / group / f"{name}.yaml").is_file())
    comments = [
        line
        for line in file.read_text(errors="replace").splitlines()
        if line.startswith("#") and "@package" not in line
    ]
    return comments[0].lstrip("# ") if comments else ""
