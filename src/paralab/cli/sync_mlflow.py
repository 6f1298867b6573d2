"""`paralab sync-mlflow`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.mirror.mlflow import Step


def sync_mlflow(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Every experiment under the root.")] = False,
    uri: Annotated[str, typer.Option("--uri", help="The store: sqlite:///FILE, a database or server.")] = (
        "sqlite:///mlflow.db"
    ),
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Also copy models, predictions and logs; without, they are linked.")
    ] = False,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of text.")] = False,
) -> None:
    """Copy an experiment's runs into an MLflow store, once each.

    Example: paralab sync-mlflow label_efficiency --uri sqlite:///mlflow.db

    The same command brings what is new and leaves the rest; a run that changed is copied anew and the old copy
    deleted. Running and damaged runs are left out, and named.
    """
    from paralab.cli.counting import counted
    from paralab.cli.export import chosen
    from paralab.mirror.mlflow import shown, sync

    found = chosen(root, experiment, every)
    steps = list(counted(sync(found, uri, artifacts), len(found), "runs"))
    if as_json:
        import json

        left = [{"folder": str(step.run.folder), "why": step.why} for step in steps if step.why]
        print(json.dumps({"uri": shown(uri), "runs": _counts(steps), "left_out": left}, indent=1))
    else:
        _show(steps, shown(uri))


def _counts(steps: Sequence[Step]) -> dict[str, int]:
    counts = Counter(step.done for step in steps)
    return {"new": counts["new"], "replaced": counts["replaced"], "there": counts["there"],
            "left out": counts["left out"]}  # fmt: skip


def _show(steps: Sequence[Step], uri: str) -> None:
    from paralab.cli.failure import printable

    for name in dict.fromkeys(step.run.experiment for step in steps):
        counts = _counts([step for step in steps if step.run.experiment == name])
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        print(printable(f"{name}: {said}"))
    for step in steps:
        if step.why:
            print(printable(f"left out: {step.run.folder}: {step.why}"))
    print(f"{len(steps)} runs, {uri}" if steps else "no runs yet")
