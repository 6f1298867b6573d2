"""scikit-learn pipelines as models, one class a kind of answer.

One adapter for everything is a trap: a forest takes a hidden label, -1, for one more class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, final

import gymnasium as gym
import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from paralab.core import Answers, Array, Meaning, Model, Signature, Space
from paralab.datasets.rows import frame
from paralab.trainers import skops_file
from paralab.trainers.inputs import Takes, check, matrix_of

if TYPE_CHECKING:
    from pandas import DataFrame

Ask = Literal["predict", "predict_proba", "transform", "score_samples", "mahalanobis"]  # the method that answers


@dataclass(frozen=True, eq=False)
class SkopsModel(Model):
    """What they share: how a pipeline lies on disk, what it is given and what it is asked."""

    pipeline: Pipeline
    signature: Signature
    ask: Ask
    takes: Takes
    classes: tuple[int, ...] = ()  # of a classifier: the class index of each of the pipeline's classes

    def save(self, folder: Path) -> None:
        notes = {"ask": self.ask, "takes": self.takes, "classes": list(self.classes)}
        skops_file.write(folder, self.pipeline, self.signature, notes)

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        pipeline, signature = skops_file.read(folder, trust)
        notes = skops_file.notes(folder)
        return cls(pipeline, signature, notes["ask"], notes["takes"], tuple(notes["classes"]))

    def rows(self, inputs: Array) -> Array | DataFrame:
        """Inputs as the pipeline takes them; raises Refused where they are not of the signature's kind."""
        return rows_of(inputs, self.signature.inputs, self.takes)


def rows_of(inputs: Array, space: Space, takes: Takes) -> Array | DataFrame:
    """Inputs as a pipeline takes them; raises Refused as `inputs.check`."""
    if takes == "matrix":
        return matrix_of(inputs, space)
    check(inputs, space)
    return frame(inputs, space)


@final
@dataclass(frozen=True, eq=False)
class ClassifierModel(SkopsModel):
    """LABEL, and PROBABILITY (n, K) where the pipeline knows it: a class never shown gets 0, a row that nothing is
    known of 1 / K for each. Asked to predict_proba, LABEL is the likeliest class; to predict, what the pipeline says.
    """

    @classmethod
    def of(
        cls,
        pipeline: Pipeline,
        task: Signature,
        *,
        ask: Ask = "predict_proba",
        odds: bool = True,
        takes: Takes = "matrix",
        classes: Sequence[int] | None = None,
    ) -> Self:
        """The model of a task that asks for a label; `classes`: their indices, where not the pipeline's own names."""
        label = task.outputs[Meaning.LABEL]
        outputs: dict[Meaning, Space] = {Meaning.LABEL: label}
        if odds:
            outputs[Meaning.PROBABILITY] = gym.spaces.Box(0, 1, (gym.spaces.flatdim(label),), np.float64)
        indices = pipeline.classes_ if classes is None else classes
        return cls(pipeline, Signature(task.inputs, outputs), ask, takes, tuple(int(each) for each in indices))

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        rows, estimator, indices = self.rows(inputs), self.pipeline[-1], np.array(self.classes)
        for _, step in self.pipeline.steps[:-1]:  # once, for predict and predict_proba
            rows = step.transform(rows)
        answers: dict[Meaning, Array] = {}
        with np.errstate(invalid="ignore"):  # LabelSpreading divides 0 by 0 on rows that no label reaches
            if self.ask == "predict":
                said = np.asarray(estimator.predict(rows)).reshape(len(inputs))
                answers[Meaning.LABEL] = indices[np.searchsorted(estimator.classes_, said)]
            if (space := self.signature.outputs.get(Meaning.PROBABILITY)) is not None:
                probability = scatter(estimator.predict_proba(rows), indices, gym.spaces.flatdim(space))
                answers = {Meaning.LABEL: probability.argmax(axis=1), **answers, Meaning.PROBABILITY: probability}
        return answers


@final
@dataclass(frozen=True, eq=False)
class RegressorModel(SkopsModel):
    """VALUE (n,)."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, *, takes: Takes = "matrix") -> Self:
        value: Space = gym.spaces.Box(-np.inf, np.inf, (), np.float64)
        return cls(pipeline, Signature(inputs, {Meaning.VALUE: value}), "predict", takes)

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        said = np.asarray(self.pipeline.predict(self.rows(inputs)), np.float64)
        return {Meaning.VALUE: said.reshape(len(inputs))}


@final
@dataclass(frozen=True, eq=False)
class ClusterModel(SkopsModel):
    """CLUSTER (n,): the number of the nearest or likeliest of `count` clusters; noise, -1, is the last of them."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, count: int, *, takes: Takes = "matrix") -> Self:
        return cls(pipeline, Signature(inputs, {Meaning.CLUSTER: gym.spaces.Discrete(count)}), "predict", takes)

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        said = np.asarray(self.pipeline.predict(self.rows(inputs)), np.int64)
        last = gym.spaces.flatdim(self.signature.outputs[Meaning.CLUSTER]) - 1
        return {Meaning.CLUSTER: np.where(said < 0, last, said)}


@final
@dataclass(frozen=True, eq=False)
class EmbeddingModel(SkopsModel):
    """EMBEDDING (n, width): what the pipeline transforms the inputs into."""

    @classmethod
    def of(
        cls, pipeline: Pipeline, inputs: Space, width: int, *, ask: Ask = "transform", takes: Takes = "matrix"
    ) -> Self:
        space: Space = gym.spaces.Box(-np.inf, np.inf, (width,), np.float64)
        return cls(pipeline, Signature(inputs, {Meaning.EMBEDDING: space}), ask, takes)

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        rows = self.rows(inputs)
        said = self.pipeline.predict(rows) if self.ask == "predict" else self.pipeline.transform(rows)
        dense = np.asarray(said.toarray() if issparse(said) else said, np.float64)
        return {Meaning.EMBEDDING: dense.reshape(len(inputs), -1)}


@final
@dataclass(frozen=True, eq=False)
class AnomalyModel(SkopsModel):
    """ANOMALY (n,): greater is stranger: the negative of scikit-learn's score_samples, a distance, or what is said."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, *, ask: Ask = "score_samples", takes: Takes = "matrix") -> Self:
        space: Space = gym.spaces.Box(-np.inf, np.inf, (), np.float64)
        return cls(pipeline, Signature(inputs, {Meaning.ANOMALY: space}), ask, takes)

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        rows = self.rows(inputs)
        match self.ask:
            case "score_samples":
                said = -self.pipeline.score_samples(rows)
            case "mahalanobis":
                said = _mahalanobis(self.pipeline, rows)
            case _:
                said = self.pipeline.predict(rows)
        return {Meaning.ANOMALY: np.asarray(said, np.float64)}


def _mahalanobis(estimator: BaseEstimator, rows: Array | DataFrame) -> Array:
    """The squared distances (n,), which a Pipeline does not hand on."""
    while isinstance(estimator, Pipeline):
        for _, step in estimator.steps[:-1]:
            rows = step.transform(rows)
        estimator = estimator[-1]
    return np.asarray(estimator.mahalanobis(rows))


def scatter(probabilities: Array, classes: Array, count: int) -> Array:
    """Probabilities of the classes seen, (n, seen), into their columns of (n, count); rows of NaN become uniform."""
    wide = np.zeros((len(probabilities), count))
    wide[:, classes] = probabilities
    wide[np.isnan(probabilities).any(axis=1)] = 1 / count
    return wide
