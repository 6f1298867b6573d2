"""Any classifier that learns from hidden labels too, as those of sklearn.semi_supervised do, by its name."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from paralab.core import PartlyLabelled, Snapshot, State
from paralab.errors import Mismatch
from paralab.trainers.door import Encode, called, can, fitted, name_of, prepared, role, settled
from paralab.trainers.estimators import once
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_file import again
from paralab.trainers.skops_models import ClassifierModel
from paralab.trainers.targets import classes, varied


@final
@dataclass(frozen=True)
class Sklearn:
    """One fit of a copy of the estimator, every random_state inside it from the run's seed; a hidden label is -1.

    Raises Mismatch where the answer is no label, or where the estimator takes -1 for one more class; Refused as
    `prepare` and where one class only is shown, Failed where it cannot be fitted or saved.
    """

    view: ClassVar[type[PartlyLabelled]] = PartlyLabelled
    unit: ClassVar[str] = "fits"

    estimator: BaseEstimator
    scale: Scale
    encode: Encode

    def train(self, shown: PartlyLabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        classes(shown.task, "semi_supervised/sklearn")
        varied(shown.targets[shown.known], "semi_supervised/sklearn")
        estimator = settled(self.estimator, seed)
        if (own := role(estimator)) != "classifier":
            raise Mismatch(f"{name_of(estimator)} is {called(own)}, this problem asks for a label: name a classifier")
        ready = prepared(self.encode, self.scale, shown.task.inputs, shown.inputs)
        targets = np.where(shown.known, shown.targets, -1)
        _, metrics = fitted(estimator, lambda: estimator.fit(ready.rows, targets))
        if -1 in estimator.classes_:
            raise Mismatch(
                f"{name_of(estimator)} takes a hidden label for one more class: "
                "put it inside sklearn.semi_supervised.SelfTrainingClassifier"
            )
        pipeline = again(Pipeline([*ready.steps, ("estimator", estimator)]))
        odds = can(pipeline[-1], "predict_proba")
        yield once(ClassifierModel.of(pipeline, shown.task, ask="predict", odds=odds, takes=ready.takes), metrics)
