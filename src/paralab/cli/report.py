"""`paralab report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    experiment: Annotated[
        str | None, typer.Argument(help="Name of the experiment: a folder under the root.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every experiment, and an index over them.")] = False,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print what table.json holds instead of tables.")] = False,
) -> None:
    """Write and show an experiment's tables, figures and page.

    Example: paralab report label_efficiency
    """
    from paralab.errors import Refused
    from paralab.report.write import report as write
    from paralab.report.write import report_all

    if every == (experiment is not None):
        raise Refused(
            "give the name of one experiment, or --all (`paralab runs` lists them); see paralab report --help"
        )
    if experiment is None:
        written, index = report_all(root)
    else:
        written, index = [write(root, experiment)], None
    if as_json:
        from paralab.report.tables import machine

        summaries: list[dict[str, object]] = [each.summary for each in written]
        said: dict[str, object] = summaries[0] if index is None else {"experiments": summaries}
        more: dict[str, object] = {} if index is None else {"page": index.as_posix()}
        typer.echo(machine(said | more), nl=False)
        return
    from rich.console import Console

    from paralab.report.terminal import show, show_all

    console = Console(highlight=False)
    if index is None:
        show(written[0], console)
    else:
        show_all(written, index, console)
