"""Any classifier or regressor that keeps to scikit-learn's interface, by its name and settings."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from paralab.core import Labelled, Model, Snapshot, State
from paralab.errors import Mismatch
from paralab.trainers.door import Encode, called, can, dense, fitted, last, name_of, parts, prepared, role, settled
from paralab.trainers.estimators import once
from paralab.trainers.preparation import Prepared
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_file import again
from paralab.trainers.skops_models import Ask, ClassifierModel, RegressorModel
from paralab.trainers.supervised.answers import asks_value

# They predict the likeliest class by definition: asking them twice, for the class and the odds, takes twice the time.
LIKELIEST = {
    "BaggingClassifier", "CatBoostClassifier", "DecisionTreeClassifier", "ExtraTreesClassifier", "GaussianNB",
    "HistGradientBoostingClassifier", "LGBMClassifier", "LogisticRegression", "MultinomialNB", "RandomForestClassifier",
    "XGBClassifier",
}  # fmt: skip


@final
@dataclass(frozen=True)
class Sklearn:
    """One fit of a copy of the estimator, every random_state inside it from the run's seed.

    Labels are given as class indices; a class never shown has probability 0, and an estimator that knows no
    probabilities answers LABEL alone. Raises Mismatch where the estimator is no classifier and a label is asked for, or
    no regressor and a value is; Refused as `prepare`, Failed where it cannot be fitted or saved.
    """

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "fits"

    estimator: BaseEstimator
    scale: Scale
    encode: Encode

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        wanted = "regressor" if asks_value(shown, "supervised/sklearn") else "classifier"
        estimator = settled(self.estimator, seed)
        if (own := role(estimator)) != wanted:
            asked = " or ".join(f"a {meaning}" for meaning in shown.task.outputs)
            raise Mismatch(f"{name_of(estimator)} is {called(own)}, this problem asks for {asked}: name a {wanted}")
        ready = prepared(self.encode, self.scale, shown.task.inputs, shown.inputs)
        targets, seen = shown.targets, np.unique(shown.targets)
        if wanted == "classifier" and any(type(part).__module__.startswith("xgboost.") for part in parts(estimator)):
            targets, seen = dense(targets)  # it refuses labels with a gap
        _, metrics = fitted(estimator, lambda: estimator.fit(ready.rows, targets))
        pipeline = again(Pipeline([*ready.steps, ("estimator", estimator)]))
        yield once(_model(pipeline, shown, ready, [int(each) for each in seen]), metrics)


def _model(pipeline: Pipeline, shown: Labelled, ready: Prepared, seen: list[int]) -> Model:
    if role(pipeline) == "regressor":
        return RegressorModel.of(pipeline, shown.task.inputs, takes=ready.takes)
    odds = can(pipeline[-1], "predict_proba")
    ask: Ask = "predict_proba" if odds and type(last(pipeline)).__name__ in LIKELIEST else "predict"
    return ClassifierModel.of(pipeline, shown.task, ask=ask, odds=odds, takes=ready.takes, classes=seen)
