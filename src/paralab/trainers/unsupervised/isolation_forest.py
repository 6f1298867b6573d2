"""Isolation forest: a stranger is parted from the rest in few random splits (Liu, Ting and Zhou 2008, ICDM)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.ensemble import IsolationForest as Isolation

from paralab.core import Snapshot, State, Unlabelled
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import AnomalyModel


@final
@dataclass(frozen=True)
class IsolationForest:
    """One fit; each tree sees `rows_per_tree` of the rows shown, or all where there are fewer."""

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    trees: int
    rows_per_tree: int

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        rows = min(self.rows_per_tree, len(shown.inputs))
        forest = seeded(Isolation(n_estimators=self.trees, max_samples=rows, n_jobs=1), seed)
        pipeline = fit(prepare(self.scale, shown.task.inputs, shown.inputs), forest)
        yield once(AnomalyModel.of(pipeline, shown.task.inputs), {})
