"""Logistic regression, multinomial, by L-BFGS."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.linear_model import LogisticRegression

from paralab.core import Labelled, Snapshot, State
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import ClassifierModel
from paralab.trainers.targets import ClassWeight, classes, varied


@final
@dataclass(frozen=True)
class Logistic:
    """One fit; raises Mismatch where the answer is no label, Refused where one class only is shown."""

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    C: float
    max_iter: int
    class_weight: ClassWeight

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        classes(shown.task, "logistic")
        varied(shown.targets, "logistic")
        estimator = seeded(LogisticRegression(C=self.C, max_iter=self.max_iter, class_weight=self.class_weight), seed)
        pipeline = fit(prepare(self.scale, shown.task.inputs, shown.inputs), estimator, shown.targets)
        iterations = int(estimator.n_iter_.max())
        metrics = {"train/iterations": float(iterations), "train/converged": float(iterations < self.max_iter)}
        yield once(ClassifierModel.of(pipeline, shown.task), metrics)
