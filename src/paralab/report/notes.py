"""What a reader must know to read a table rightly: said under it, never left to be guessed."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from paralab.record.read import Run
from paralab.report.gather import Block, left_out, of_tuning
from paralab.report.variants import config

FEW = 6  # below it no test of the protocol can say anything


def notes(block: Block, runs: Sequence[Run]) -> list[str]:
    """Of one block: seeds, what the figures are, and where budgets do not mean the same for every method."""
    said = [_seeds(block), "± is the standard deviation of a single seed; intervals are 95 % t intervals of the mean."]
    if block.split == "all":
        said.append("split=all: judged on the very rows that were seen.")
    said += _paradigms(block)
    said += _clusters(block)
    if any(name.endswith("oracle_accuracy") for cell in block.cells for name in cell.metrics):
        said.append(
            "oracle accuracy: clusters named one to one by the test labels themselves, which no method may see."
        )
    missing = [run for run in left_out(runs) if run.problem == block.problem]
    if any(run.status in ("failed", "diverged") for run in missing):
        said.append("Failed and diverged runs are in no mean, which flatters their methods.")
    tuned = [run for run in runs if of_tuning(run) and run.problem == block.problem]
    if tuned:
        said.append(f"Tuning took {len(tuned)} more runs, on seeds of its own and never scored on test: in no figure.")
    return said


def _seeds(block: Block) -> str:
    numbers = Counter(cell.score.n for cell in block.cells)
    if len(numbers) > 1:
        fewer = f"{min(numbers)} to {max(numbers)} seeds a cell (n is said where it is below {max(numbers)})"
    else:
        n = min(numbers)
        fewer = f"{n} seed{'s' if n > 1 else ''} a cell"
    return f"{fewer}{': descriptive only' if min(numbers) < FEW else ''}."


def _paradigms(block: Block) -> list[str]:
    present = {method.paradigm for method in block.methods}
    if len(block.budgets) == 1 or "reinforcement" not in present:
        return []
    said = ["For a bandit the labels column counts pulls, each answered by one reward."]
    if present - {"reinforcement"}:
        said.append("Label budgets are stratified: they carry class proportions that a bandit does not get.")
    return said


def _clusters(block: Block) -> list[str]:
    """The number of clusters is the trainer's own setting: a table that sets it to the truth says so."""
    told = []
    for method in block.methods:
        folder = next(iter(method.cells.values())).runs[0].folder
        classes = _clustered(folder)
        trainer = config(folder).get("trainer") if classes else None
        if isinstance(trainer, dict) and classes in (trainer.get("clusters"), trainer.get("components")):
            told.append(f"{method.name} is told k = {classes}, the true number of classes.")
    return told


def _clustered(folder: Path) -> int | None:
    """How many classes the test rows of a clusterer hold; None where they were not clustered, or not kept."""
    import numpy as np

    try:
        with np.load(folder / "predictions.npz", allow_pickle=False) as kept:
            truth = kept["truth"] if "cluster" in kept.files else np.empty(0)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return len(np.unique(truth)) if truth.dtype.kind in "iu" else None
