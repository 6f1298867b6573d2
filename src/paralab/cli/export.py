"""`paralab export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.record.read import Run


def export(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Every experiment under the root.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="A .csv, .parquet or .json file; without, CSV is printed.", show_default=False
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the curves as TensorBoard files into the folder -o.")
    ] = False,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of CSV.")] = False,
) -> None:
    """Write all scores and costs as CSV, Parquet or TensorBoard files.

    Example: paralab export label_efficiency -o scores.parquet

    One row a run, whatever its status: what it is, the settings that differ, every score and cost by the name that
    scores.json gives it. `tuning` marks runs that a tuner chose by, which are none to report.
    """
    from paralab.errors import Refused

    found = chosen(root, experiment, every)
    if tensorboard:
        if output is None or as_json:
            raise Refused("--tensorboard writes files: name their folder with -o DIR, without --json")
        from paralab.mirror.events import write as draw

        print(f"curves of {draw(found, output)} runs in {output}; see them: tensorboard --logdir {output}")
        return
    from paralab.mirror import tables
    from paralab.mirror.frame import table

    if output is not None:
        tables.kind_of(output)
        if as_json:
            raise Refused(f"--json prints; for a file of it: -o {output.with_suffix('.json')}")
        rows = table(found)
        tables.write(rows, output)
        print(f"{len(rows)} runs, {len(rows.columns)} columns: {output}")
        return
    typer.echo((tables.as_json if as_json else tables.csv)(table(found)), nl=False)


def chosen(root: Path, experiment: str | None, every: bool) -> list[Run]:
    """The runs of the experiment named, or of all; raises Refused where it is neither or both."""
    from paralab.errors import Refused
    from paralab.record import read

    if (experiment is None) != every:
        raise Refused("name one experiment, or give --all for every one" + " (not both)" * every)
    return read.runs(root) if experiment is None else read.demand(root, experiment)
