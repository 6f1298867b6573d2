"""`paralab clean`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from paralab.keep.clean import Removal
    from paralab.keep.sizes import Usage

SHOWN = 10  # paths listed; --json has all
NO_MORE = "A finished run without its checkpoint cannot be continued by budget.steps=MORE; its model and scores stay."


def clean(
    experiments: Annotated[
        list[str] | None, typer.Argument(help="Names of experiments; all where left out.", show_default=False)
    ] = None,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, it is only shown.")] = False,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help='Only runs that fit: "status=failed trainer=supervised/* older=7d".'),
    ] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints/--no-checkpoints", help="Remove checkpoints of finished runs, or keep them.")
    ] = True,
    replaced: Annotated[bool, typer.Option("--replaced", help="Also remove what lies in runs/.replaced.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of tables.")] = False,
) -> None:
    """Show the disk used; remove failed runs and old checkpoints.

    Example: paralab clean label_efficiency --where "older=7d" --yes

    Nothing is removed without --yes, and a run under way never is. Meant are runs that failed, diverged or were
    pruned, checkpoints of finished ones, and what killed processes left. --where narrows it by status, problem,
    trainer, seed, labels, config_id (several: seed=1,2) and older (30m, 12h, 7d, 2w). Where it says status=, runs of
    that status are removed whole: the only way for an interrupted, damaged or finished one.
    """
    from paralab.cli.counting import counted
    from paralab.errors import Failed
    from paralab.keep.clean import candidates, remove
    from paralab.keep.filters import parse
    from paralab.keep.sizes import usage
    from paralab.record import read

    names = list(dict.fromkeys(experiments)) if experiments else read.experiments(root)
    runs = {name: read.demand(root, name) for name in names}
    which = parse(" ".join(where or ()), [run for found in runs.values() for run in found])
    try:
        found = [
            (name, each)
            for name in names
            for each in candidates(root, name, runs[name], which, checkpoints=checkpoints, replaced=replaced)
        ]
        todo = found if yes else []
        whys = [*counted((remove(root, *each) for each in todo), len(todo), "removed")]
        sizes = [usage(root, name) for name in names]
    except OSError as error:
        raise Failed(f"{error.filename} cannot be read ({error.strerror})") from error
    removals = [each for _, each in found]
    left = {each.path: why for each, why in zip(removals, whys, strict=False) if why}
    busy = sum(run.status == "running" for each in runs.values() for run in each)
    if as_json:
        import json

        print(json.dumps(_plain(root, sizes, removals, left, yes, busy), indent=1))
    else:
        _show(root, sizes, removals, left, yes, busy)
    raise typer.Exit(1 if left else 0)


def _plain(
    root: Path, sizes: Sequence[Usage], found: Sequence[Removal], left: Mapping[Path, str], yes: bool, busy: int
) -> dict[str, object]:
    return {
        "root": str(root),
        "experiments": [{"name": each.experiment, "total": each.total, "bytes": each.bytes} for each in sizes],
        "removals": [
            {
                "path": str(each.path), "what": each.what, "why": each.why, "bytes": each.bytes,
                "removed": yes and each.path not in left, "left": left.get(each.path),
            }
            for each in found
        ],
        "under_way": busy,
    }  # fmt: skip


def _show(
    root: Path, sizes: Sequence[Usage], found: Sequence[Removal], left: Mapping[Path, str], yes: bool, busy: int
) -> None:
    from rich.console import Console

    if not sizes:
        typer.echo(f"No runs in {root} yet. Try: paralab train problem=digits trainer=supervised/logistic")
        return
    console = Console(highlight=False)
    try:
        _used(console, sizes)
        if busy:
            console.print(f"{busy} run{'s' * (busy > 1)} under way: left alone", soft_wrap=True)
        _removed(console, [each for each in found if each.path not in left], yes)
        _lines(console, [f"left: {why}" for why in left.values()])
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _used(console: Console, sizes: Sequence[Usage]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from paralab.cli.failure import printable
    from paralab.keep.sizes import KINDS

    heads = [kind for kind in KINDS if any(each.bytes[kind] for each in sizes)]
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("experiment", overflow="fold")
    for name in (*heads, "total"):
        table.add_column(name, justify="right")
    for each in sorted(sizes, key=lambda usage: -usage.total):
        counts = [decimal(each.bytes[kind]) if each.bytes[kind] else "" for kind in heads]
        table.add_row(Text(printable(each.experiment)), *counts, decimal(each.total))
    console.print(table)


def _removed(console: Console, found: Sequence[Removal], yes: bool) -> None:
    """What went, or would: how many of each kind, the first paths, and what it means."""
    from rich.filesize import decimal

    if not found:
        console.print("Nothing was removed." if yes else "Nothing to remove.")
        return
    if not yes:
        found = sorted(found, key=lambda each: each.what != "run")
        listed = [f"{each.what} ({each.why}): {each.path}" for each in found[:SHOWN]]
        _lines(console, [*listed, *[f"and {len(found) - SHOWN} more, all of them in --json"] * (len(found) > SHOWN)])
    kinds = dict.fromkeys(each.what for each in found)
    numbers = {kind: sum(each.what == kind for each in found) for kind in kinds}
    said = ", ".join(f"{number} {kind}{'s' * (number > 1 and kind != 'replaced')}" for kind, number in numbers.items())
    size = decimal(sum(each.bytes for each in found))
    console.print(f"{'Removed' if yes else 'Would be removed'}: {said}, {size}", soft_wrap=True)
    if not yes:
        if "checkpoint" in kinds:
            console.print(NO_MORE, soft_wrap=True)
        console.print("Nothing was changed: --yes does it.")


def _lines(console: Console, lines: Sequence[str]) -> None:
    from rich.text import Text

    from paralab.cli.failure import printable

    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)
