"""Self-training around logistic regression: what it is sure of becomes a label (Yarowsky 1995, ACL)."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from paralab.core import PartlyLabelled, Snapshot, State
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import ClassifierModel
from paralab.trainers.targets import classes, varied


@final
@dataclass(frozen=True)
class SelfTraining:
    """One fit of `rounds` logistic regressions; raises Mismatch where the answer is no label, Refused where one class
    only is shown.
    """

    view: ClassVar[type[PartlyLabelled]] = PartlyLabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    threshold: float
    rounds: int
    C: float
    max_iter: int

    def train(self, shown: PartlyLabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        classes(shown.task, "self_training")
        varied(shown.targets[shown.known], "self_training")
        targets = np.where(shown.known, shown.targets, -1)
        inner = LogisticRegression(C=self.C, max_iter=self.max_iter)
        trainer = seeded(SelfTrainingClassifier(inner, threshold=self.threshold, max_iter=self.rounds), seed)
        with warnings.catch_warnings():
            # With every row labelled it is the plain logistic regression, which is what was asked for.
            warnings.filterwarnings("ignore", "y contains no unlabeled samples", UserWarning)
            pipeline = fit(prepare(self.scale, shown.task.inputs, shown.inputs), trainer, targets)
        metrics = {
            "train/rounds": float(trainer.n_iter_),
            "train/pseudo_labels": float(np.sum(trainer.labeled_iter_ > 0)),
            "train/converged": float(trainer.estimator_.n_iter_.max() < self.max_iter),  # of the last regression
        }
        yield once(ClassifierModel.of(pipeline, shown.task), metrics)
