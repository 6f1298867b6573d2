"""Any clusterer, transformer, outlier detector or mixture with scikit-learn's interface, by its name and settings.

What it is, the first row that holds:

| it says it is, or has          | answer    | by                                                        |
|--------------------------------|-----------|-----------------------------------------------------------|
| outlier detector               | ANOMALY   | score_samples, or negative_outlier_factor_ of rows shown  |
| clusterer that has fit_predict | CLUSTER   | predict, or the labels of the rows shown                  |
| density estimator, predict     | CLUSTER   | predict: a mixture's likeliest component                  |
| score_samples                  | ANOMALY   | score_samples: the rarer, the stranger                    |
| transform or fit_transform     | EMBEDDING | transform, or fit_transform of the rows shown             |
| mahalanobis                    | ANOMALY   | the squared distance from the mean, in deviations         |
| row_labels_                    | CLUSTER   | the biclusters' labels of the rows shown                  |

Where only the rows shown have an answer, a new row gets that of the nearest of them (train/surrogate is 1, and the log
says so): exact on the rows shown, but for copies of one row that were answered apart.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.cluster import Birch
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from paralab.core import Array, Model, Snapshot, State, Unlabelled
from paralab.errors import Mismatch
from paralab.record.log import say
from paralab.trainers.door import Encode, Role, called, can, fitted, last, name_of, prepared, role, settled
from paralab.trainers.estimators import once
from paralab.trainers.preparation import Prepared
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_file import again
from paralab.trainers.skops_models import AnomalyModel, ClusterModel, EmbeddingModel


@final
@dataclass(frozen=True)
class Sklearn:
    """One fit of a copy of the estimator, every random_state inside it from the run's seed.

    Noise, a label below 0, is a cluster of its own, the last. Raises Mismatch where the estimator needs answers or
    gives none, Refused as `prepare`, Failed where it cannot be fitted or saved.
    """

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    estimator: BaseEstimator
    scale: Scale
    encode: Encode

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        estimator = settled(self.estimator, seed)
        own = role(estimator)
        if own in ("classifier", "regressor") or get_tags(estimator).target_tags.required:
            remedy = "name it" if own in ("classifier", "regressor") else "put it before a classifier in a Pipeline,"
            raise Mismatch(
                f"{name_of(estimator)} is {called(own)} and learns from answers: {remedy} under supervised/sklearn"
            )
        ready = prepared(self.encode, self.scale, shown.task.inputs, shown.inputs)
        model, metrics, surrogate = self._learn(estimator, own, ready, shown)
        if surrogate:
            say(f"{name_of(estimator)} answers only rows that it has seen: a new one gets the answer of the nearest")
            metrics["train/surrogate"] = 1.0
        yield once(model, metrics)

    def _learn(
        self, estimator: BaseEstimator, own: Role, ready: Prepared, shown: Unlabelled
    ) -> tuple[Model, dict[str, float], bool]:
        """The model, its metrics, and whether it is a surrogate."""
        space, takes = shown.task.inputs, ready.takes
        outlier, cluster = own == "outlier detector", own == "clusterer" and can(estimator, "fit_predict")
        if cluster or (own == "density" and can(estimator, "predict")):
            labels, metrics = fitted(estimator, lambda: estimator.fit_predict(ready.rows))
            direct = can(estimator, "predict") and not isinstance(last(estimator), Birch)  # skops cannot hold a Birch
            pipeline = _pipeline(ready, estimator) if direct else _nearest(ready, estimator, labels)
            return ClusterModel.of(pipeline, space, _count(labels, last(estimator)), takes=takes), metrics, not direct
        if outlier or (own != "transformer" and can(estimator, "score_samples")):
            _, metrics = fitted(estimator, lambda: estimator.fit(ready.rows))
            if can(estimator, "score_samples"):
                return AnomalyModel.of(_pipeline(ready, estimator), space, takes=takes), metrics, False
            strange = -last(estimator).negative_outlier_factor_
            nearest = _nearest(ready, estimator, strange)
            return AnomalyModel.of(nearest, space, ask="predict", takes=takes), metrics, True
        if own == "transformer" or can(estimator, "transform"):
            said, metrics = fitted(estimator, lambda: estimator.fit_transform(ready.rows))
            spread = _dense(said)
            if can(estimator, "transform"):
                pipeline = _pipeline(ready, estimator)
                return EmbeddingModel.of(pipeline, space, spread.shape[1], takes=takes), metrics, False
            nearest = _nearest(ready, estimator, spread)
            return EmbeddingModel.of(nearest, space, spread.shape[1], ask="predict", takes=takes), metrics, True
        _, metrics = fitted(estimator, lambda: estimator.fit(ready.rows))
        if can(last(estimator), "mahalanobis"):
            return AnomalyModel.of(_pipeline(ready, estimator), space, ask="mahalanobis", takes=takes), metrics, False
        if "row_labels_" in vars(last(estimator)):
            labels = last(estimator).row_labels_
            nearest = _nearest(ready, estimator, labels)
            return ClusterModel.of(nearest, space, _count(labels, last(estimator)), takes=takes), metrics, True
        raise Mismatch(f"{name_of(estimator)} gives no answer: name a clusterer, transformer or outlier detector")


def _pipeline(ready: Prepared, estimator: BaseEstimator) -> Pipeline:
    return again(Pipeline([*ready.steps, ("estimator", estimator)]))


def _nearest(ready: Prepared, estimator: BaseEstimator, answers: Array) -> Pipeline:
    """Answers (n,) or (n, width) of the rows shown, by the nearest row as the estimator itself was given them.

    A tree, not brute force: that would find a row at a distance of 1e-8 from itself, and another one nearer.
    """
    steps, rows = list(ready.steps), ready.rows
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        steps.append(("before", estimator[:-1]))
        rows = estimator[:-1].transform(rows)
    kind: Any = KNeighborsClassifier if answers.dtype.kind == "i" else KNeighborsRegressor
    nearest = kind(1, algorithm="kd_tree", n_jobs=1).fit(_dense(rows), answers)
    return again(Pipeline([*steps, ("nearest", nearest)]))


def _count(labels: Array, estimator: BaseEstimator) -> int:
    """How many clusters there are, those without a row shown too, and one more for noise."""
    held = [vars(estimator)[name] for name in ("cluster_centers_", "weights_") if name in vars(estimator)]
    return max(int(labels.max()) + 1, *[len(each) for each in held], 0) + bool(np.any(labels < 0))


def _dense(rows: Any) -> Array:
    return np.asarray(rows.toarray() if issparse(rows) else rows, np.float64)
