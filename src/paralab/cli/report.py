"""`paralab report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    experiment: Annotated[
        str, typer.Argument(help="Name of the experiment: a folder under the root.", show_default=False)
    ],
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print what table.json holds instead of tables.")] = False,
) -> None:
    """Write and show an experiment's tables, figures and page.

    Example: paralab report label_efficiency
    """
    from paralab.report.write import report as write

    written = write(root, experiment)
    if as_json:
        from paralab.report.tables import machine

        typer.echo(machine(written.summary), nl=False)
    else:
        from rich.console import Console

        from paralab.report.terminal import show

        show(written, Console(highlight=False))
