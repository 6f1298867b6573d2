"""`paralab runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from paralab.record.read import Run


def runs(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment; all where left out.")] = None,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of runs instead of a table.")] = False,
) -> None:
    """Show every run with its status, score and training seconds.

    Example: paralab runs label_efficiency
    """
    from paralab.record import read

    found = read.runs(root) if experiment is None else read.demand(root, experiment)
    if as_json:
        import json

        typer.echo(json.dumps([_plain(run) for run in found], indent=1, allow_nan=False))
    elif found:
        _show(found, headed=experiment is None)
    else:
        where = root if experiment is None else root / experiment
        typer.echo(f"No runs in {where} yet. Try: paralab train problem=digits trainer=supervised/logistic")


def _plain(run: Run) -> dict[str, object]:
    """One run as JSON: a score that is no finite number is null."""
    from math import isfinite

    return {
        "experiment": run.experiment, "problem": run.problem, "trainer": run.trainer, "labels": run.labels,
        "seed": run.seed, "config_id": run.config_id, "status": run.status, "objective": run.objective or None,
        "score": run.score, "scores": {k: v if isfinite(v) else None for k, v in run.scores.items()},
        "error": run.error, "parent": run.parent, "folder": run.folder.as_posix(),
    }  # fmt: skip


def _show(found: list[Run], headed: bool) -> None:
    """A table an experiment, then why runs did not finish."""
    from rich.console import Console
    from rich.text import Text

    from paralab.cli.failure import printable

    console = Console(highlight=False)
    try:
        for place, name in enumerate(dict.fromkeys(run.experiment for run in found)):
            members = [run for run in found if run.experiment == name]
            if headed:
                console.print(Text("\n" * (place > 0) + printable(name), "bold"), soft_wrap=True)
            console.print(_table(members))
            for run in members:
                if run.parent:
                    console.print(Text(printable(f"{run.folder}: continued from {run.parent}")), soft_wrap=True)
                if run.error and run.status != "finished":
                    where = "" if run.status == "damaged" else f"{run.folder}: "
                    console.print(Text(printable(f"{run.status}: {where}{run.error}")), soft_wrap=True)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _table(found: list[Run]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    styles = {"finished": "green", "running": "cyan", "interrupted": "yellow", "pruned": "yellow"}
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("problem", overflow="fold")
    table.add_column("trainer", no_wrap=True)  # what is typed again: a name in two halves cannot be copied
    for name in ("labels", "seed"):
        table.add_column(name, justify="right")
    table.add_column("status", no_wrap=True)
    for name in ("score", "seconds"):
        table.add_column(name, justify="right")
    for run in found:
        seconds = run.scores.get("cost/seconds")
        table.add_row(
            Text(run.problem), Text(run.trainer),
            _labels(run), str(run.seed),
            Text(run.status, styles.get(run.status, "red")),
            "" if run.score is None else f"{run.score:.4g}", "" if seconds is None else f"{seconds:.3g}",
        )  # fmt: skip
    return table


def _labels(run: Run) -> str:
    if run.status == "damaged":  # its record tells of none
        return "?"
    return "all" if run.labels is None else str(run.labels)
