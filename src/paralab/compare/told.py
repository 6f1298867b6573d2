"""What a reader must know of how the methods of a table came by their answers."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from paralab.compare.gather import Block
from paralab.compare.result import Pair, Standing
from paralab.compare.units import RETURNS
from paralab.compare.variants import config
from paralab.record.read import Run
from paralab.statistics.defaults import LEAST, least_n

NAMED = 5  # methods of which no run finished
ORACLE = "oracle accuracy: clusters named one to one by the test labels themselves, which no method may see."


def paradigms(block: Block) -> list[str]:
    """Where label budgets do not mean the same for every method."""
    present = {method.paradigm for method in block.methods}
    if len(block.budgets) == 1 or "reinforcement" not in present:
        return []
    said = ["For a bandit the labels column counts pulls, each answered by one reward."]
    if present - {"reinforcement"}:
        said.append("Label budgets are stratified: they carry class proportions that a bandit does not get.")
    return said


def clusters(block: Block) -> list[str]:
    """The number of clusters is the trainer's own setting: a table that sets it to the truth says so."""
    told = []
    for method in block.methods:
        folder = next(iter(method.cells.values())).runs[0].folder
        classes = _clustered(folder)
        trainer = config(folder).get("trainer") if classes else None
        if isinstance(trainer, dict) and classes in (trainer.get("clusters"), trainer.get("components")):
            told.append(f"{method.name} is told k = {classes}, the true number of classes.")
    return told


def seen(split: str) -> list[str]:
    return ["split=all: judged on the very rows that were seen."] if split == "all" else []


def failures(runs: Sequence[Run]) -> list[str]:
    """Of the runs that no mean contains, and of the methods that are therefore in no table."""
    lost = sum(run.score is None and run.status in ("failed", "diverged") for run in runs)
    if not lost:
        return []
    said = [f"{lost} run{'s' if lost > 1 else ''} failed or diverged and {'are' if lost > 1 else 'is'} in no mean, "
            "which flatters the methods they are of."]  # fmt: skip
    scored = {run.config_id for run in runs if run.score is not None}
    gone = {run.config_id: run for run in runs if run.status in ("failed", "diverged") and run.config_id not in scored}
    names = sorted(f"{run.problem} {run.trainer} {run.config_id}" for run in gone.values())
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        said.append(f"In no table, for no run of theirs finished: {', '.join(names[:NAMED])}{more}.")
    return said


def coverage(standings: Sequence[Standing], pairs: Sequence[Pair]) -> list[str]:
    """Intervals of fewer seeds than those from which simulations found one of their kind to hold what it promises."""
    shown = [("t of one mean", each.place.metric, each.n) for each in standings if each.kind == "ours"]
    for pair in (each for each in pairs if each.p is not None):
        intervals = (pair.effect, pair.improvement, pair.iqm)
        shown += [(each.method, pair.place.metric, pair.n) for each in intervals if each is not None]
    asked = {(method, metric): n for method, metric, n in sorted(shown, key=lambda each: -each[2]) if n > 1}
    told = []
    for (method, metric), n in sorted(asked.items()):
        if method in LEAST and ((least := least_n(method, _humps(metric))) is None or n < least):
            below = "with any number of seeds" if least is None else f"under {least} seeds"
            told.append(
                f"{metric}: the 95 % interval named '{method}' is optimistic {below}; for scores that are skewed, or "
                "have two humps, it held the truth less than 93 % of the time in simulations (docs/statistics.md)."
            )
    return told


def _humps(metric: str) -> Literal[1, 2]:
    """Of returns some seeds solve the task and others do not."""
    return 2 if metric.removeprefix("test/") in RETURNS else 1


def _clustered(folder: Path) -> int | None:
    """How many classes the test rows of a clusterer hold; None where they were not clustered, or not kept."""
    import numpy as np

    try:
        with np.load(folder / "predictions.npz", allow_pickle=False) as kept:
            truth = kept["truth"] if "cluster" in kept.files else np.empty(0)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return len(np.unique(truth)) if truth.dtype.kind in "iu" else None
