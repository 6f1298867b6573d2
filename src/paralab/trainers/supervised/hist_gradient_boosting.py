"""Gradient boosting on binned columns, of labels or of values (Ke et al. 2017, LightGBM), in warm starts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import ClassVar, final

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from paralab.core import Labelled, Snapshot, State
from paralab.trainers.estimators import fit, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_file import pack, unpack
from paralab.trainers.supervised.answers import asks_value, model
from paralab.trainers.targets import ClassWeight


@final
@dataclass(frozen=True)
class HistGradientBoosting:
    """A snapshot every `stride` trees, without end; on K > 2 classes a "tree" is a round of K of them.

    Goes on exactly from its state, which is the estimator itself. Raises as `answers.asks_value`.
    """

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "trees"

    scale: Scale
    learning_rate: float
    max_leaves: int
    min_leaf: int  # rows
    l2: float
    stride: int  # trees
    class_weight: ClassWeight

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        kind = (
            HistGradientBoostingRegressor
            if asks_value(shown, "hist_gradient_boosting", self.class_weight)
            else HistGradientBoostingClassifier
        )
        boosting = seeded(
            kind(
                learning_rate=self.learning_rate,
                max_leaf_nodes=self.max_leaves,
                min_samples_leaf=self.min_leaf,
                l2_regularization=self.l2,
                early_stopping=False,  # the loop stops early, and on rows of its own choice
                warm_start=True,
            ),
            seed,
        )
        if self.class_weight is not None:
            boosting.set_params(class_weight=self.class_weight)
        if state is not None:
            boosting = unpack(state["estimator"])
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs, impute=False)  # a split sends NaN its own way
        done = 0 if state is None else boosting.n_iter_
        for trees in count(done + self.stride, self.stride):
            boosting.set_params(max_iter=trees)
            pipeline = fit(prepared, boosting, shown.targets)
            learned = model(pipeline, shown)
            yield Snapshot(trees, learned, {}, lambda: {"estimator": pack(boosting)})
