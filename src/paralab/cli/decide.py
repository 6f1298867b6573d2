"""`paralab decide`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.compare.answered import Answered

CODES = {"yes": 0, "no": 1, "not yet": 3}


def decide(
    experiment: Annotated[
        str, typer.Argument(help="Name of the experiment: a folder under the root.", show_default=False)
    ],
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Answer an experiment's declared question: yes, no or not yet.

    Example: paralab decide label_efficiency

    Exit code 0 for yes, 1 for no, 3 for not yet; 2 where there is no rule, or it does not fit the runs.
    """
    from paralab.compare.answered import demand
    from paralab.record import read

    found = demand(root, experiment, read.demand(root, experiment))
    if as_json:
        import json
        from dataclasses import asdict

        shown = {**asdict(found.decision), "digest": found.digest, "changed": found.changed, "commands": found.commands}
        typer.echo(json.dumps(shown, indent=1, allow_nan=False))
    else:
        typer.echo("\n".join(_lines(found)))
    raise typer.Exit(CODES[found.decision.answer])


def _lines(found: Answered) -> list[str]:
    from textwrap import wrap

    from paralab.cli.failure import printable
    from paralab.compare.decide import figures, level, question

    decision, rule = found.decision, found.decision.rule
    facts = [("why", decision.why)]
    if decision.effect is not None:
        facts += [("effect", f"{figures(decision)}, {level(decision)}"), ("about", decision.about)]
    if decision.failed:
        facts.append(("failed", f"{', '.join(decision.failed)}: counted against the candidate"))
    facts.append(("rule", found.digest[:12] + ("" if found.changed else ", under which every run was begun")))
    if found.changed:
        facts.append(("but", found.changed))
    lines = wrap(f"{decision.answer}: {printable(question(decision))}?", 80)
    for name, text in facts:
        lines += wrap(printable(text), 80, initial_indent=f"  {name:<8}", subsequent_indent=" " * 10)
    if found.commands:
        lines += ["", f"For the look at {decision.next_look} of {rule.max_seeds} seeds:", *found.commands]
    return lines
