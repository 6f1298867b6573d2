"""`paralab compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    experiment: Annotated[
        str, typer.Argument(help="Name of the experiment: a folder under the root.", show_default=False)
    ],
    by: Annotated[
        str, typer.Option("--by", help="What is compared: trainer, paradigm, labels, or a setting that was swept.")
    ] = "trainer",
    metric: Annotated[
        str | None, typer.Option("--metric", help="Such as test/ari; each problem's objective where left out.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="The baseline: all others against it; else every two.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", help="One label budget, a number or all; every one where left out.")
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Refuse where seeds or test rows of two methods do not match.")
    ] = False,
    rope: Annotated[
        float | None, typer.Option("--rope", help="A difference too small to matter: also say how likely that is.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print standings, pairs and areas as CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX tables (booktabs).")] = False,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
) -> None:
    """Say which method is better, by the test that fits the case.

    Example: paralab compare label_efficiency --against logistic
    """
    from paralab.compare.compare import compare as made
    from paralab.errors import Refused
    from paralab.record.read import demand

    if as_json + as_csv + as_markdown + as_latex > 1:
        raise Refused("one of --json, --csv, --markdown and --latex at a time")
    if rope is not None and not rope >= 0:
        raise Refused(f"--rope {rope}: a difference, 0 or more, such as 0.01")
    found = made(
        demand(root, experiment),
        by=by,
        metric=metric,
        against=against,
        budget=_budget(budget),
        paired=paired,
        rope=rope,
    )
    if as_json or as_csv or as_markdown or as_latex:
        from paralab.compare import formats

        write = next(
            way
            for asked, way in (
                (as_json, formats.machine), (as_csv, formats.comma_separated),
                (as_markdown, formats.markdown), (as_latex, formats.latex),
            )
            if asked
        )  # fmt: skip
        typer.echo(write(found), nl=False)
    else:
        from rich.console import Console

        from paralab.compare.terminal import show

        show(found, Console(highlight=False))


def _budget(said: str | None) -> int | str | None:
    """Raises Refused for what is no number of labels."""
    from paralab.errors import Refused

    if said is None or said == "all":
        return said
    if not (said.isascii() and said.isdigit()):
        raise Refused(f"--budget {said}: a number of labels, or all")
    return int(said)
