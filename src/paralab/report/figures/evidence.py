"""predictions.npz read: what a run answered on the test rows."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np

from paralab.compare.gather import Block, Method
from paralab.core import Array
from paralab.record.read import Run
from paralab.report.figures.looks import at, best, fullest

SEEDS = 20  # of a method that are read
Panel = TypeVar("Panel")


def kept(run: Run, *names: str) -> Mapping[str, Array] | None:
    """These arrays of a run, of equal lengths; None where one is not there, or the file cannot be read."""
    try:
        with (run.folder / "predictions.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if any(name not in file.files for name in names):
                return None
            found = {name: np.asarray(file[name]) for name in names}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    lengths = {len(array) for array in found.values() if array.ndim == 1}
    return found if len(lengths) == 1 and 0 not in lengths else None


def leaders(block: Block, panel: Callable[[Method, Sequence[Run]], Panel | None]) -> list[Panel]:
    """The panel of each paradigm's best method that has one, at the budget that most methods have."""
    budget = fullest(block)
    found: list[Panel] = []
    for _, methods in best(at(block, budget))[0].paradigms:
        ranked = sorted(methods, key=lambda method: -method.cells[budget].score.mean)
        made = (panel(method, method.cells[budget].runs) for method in ranked)
        found += islice((each for each in made if each is not None), 1)
    return found
