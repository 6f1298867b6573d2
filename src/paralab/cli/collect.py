"""`paralab collect`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.keep.collect import Step

SAID = {  # what became of runs, as the table's heads
    "collected": "new", "replaced": "replaced", "here": "already here", "conflict": "conflicts", "damaged": "damaged",
    "skipped": "skipped",
}  # fmt: skip


def collect(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Folders of other machines: roots, experiments or runs.", show_default=False),
    ],
    into: Annotated[Path, typer.Option("--into", help="Where experiments lie here.")] = Path("experiments"),
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of a table.")] = False,
) -> None:
    """Merge run folders of several machines, checked by digest.

    Example: paralab collect /mnt/b/experiments ~/from-c/experiments

    Nothing finished is overwritten: a run that is here with other scores or predictions is named, and the exit code
    is 1, as for a damaged one. A finished run takes the place of an unfinished one, which moves to runs/.replaced.
    The folders given are only read; links inside them are not followed.
    """
    from paralab.cli.counting import counted
    from paralab.keep.beside import bring_extras
    from paralab.keep.collect import BAD, merge, plan

    runs, extras = plan(sources, into)
    steps = list(counted(merge(runs, into, dry), len(runs), "runs"))
    arrived = {step.experiment for step in steps if step.action in ("collected", "replaced", "here")}
    said = list(bring_extras(extras, into, arrived, dry))
    if as_json:
        import json

        print(json.dumps(_plain(steps, said, into, dry), indent=1))
    else:
        _show(steps, said, into, dry)
    raise typer.Exit(1 if any(step.action in BAD for step in steps) else 0)


def _plain(steps: Sequence[Step], said: Sequence[str], into: Path, dry: bool) -> dict[str, object]:
    rows = [
        {
            "action": step.action, "source": str(step.source), "folder": str(step.target),
            "experiment": step.experiment, "why": step.why or None, "bytes": step.bytes,
        }
        for step in steps
    ]  # fmt: skip
    return {"into": str(into), "dry_run": dry, "runs": rows, "beside": list(said)}


def _show(steps: Sequence[Step], said: Sequence[str], into: Path, dry: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from paralab.cli.failure import printable
    from paralab.keep.collect import counts

    console = Console(highlight=False)
    found = counts(steps)
    heads = [name for name in SAID if any(count[name] for count in found.values())]
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("experiment", overflow="fold")
    for name in heads:
        table.add_column(SAID[name], justify="right")
    for experiment, count in sorted(found.items()):
        table.add_row(Text(printable(experiment)), *(str(count[name] or "") for name in heads))
    try:
        console.print(table)
        for step in steps:
            if step.why:
                style = "yellow" if step.action == "skipped" else "red"
                console.print(Text(printable(f"{step.action}: {step.why}"), style), soft_wrap=True)
        for line in said:
            console.print(Text(printable(line)), soft_wrap=True)
        brought = [step for step in steps if step.action in ("collected", "replaced")]
        size, runs = decimal(sum(step.bytes for step in brought)), f"{len(brought)} run{'s' * (len(brought) != 1)}"
        done = f"would be copied into {into}; nothing was changed (--dry-run)" if dry else f"copied into {into}"
        console.print(Text(printable(f"{runs} ({size}) {done}")), soft_wrap=True)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return
