"""scikit-learn pipelines as models, one class a kind of answer.

One adapter for everything is a trap: a forest takes a hidden label, -1, for one more class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import gymnasium as gym
import numpy as np
from sklearn.pipeline import Pipeline

from paralab.core import Answers, Array, Meaning, Model, Signature, Space
from paralab.trainers import skops_file


@dataclass(frozen=True, eq=False)
class SkopsModel(Model):
    """What they share: how a pipeline lies on disk."""

    pipeline: Pipeline
    signature: Signature

    def save(self, folder: Path) -> None:
        skops_file.write(folder, self.pipeline, self.signature)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*skops_file.read(folder))


@final
@dataclass(frozen=True, eq=False)
class ClassifierModel(SkopsModel):
    """LABEL, and PROBABILITY (n, K): a class never shown gets 0, a row that nothing is known of 1 / K for each."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, count: int) -> Self:
        label, probability = gym.spaces.Discrete(count), gym.spaces.Box(0, 1, (count,), np.float64)
        return cls(pipeline, Signature(inputs, {Meaning.LABEL: label, Meaning.PROBABILITY: probability}))

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        with np.errstate(invalid="ignore"):  # LabelSpreading divides 0 by 0 on rows that no label reaches
            seen = self.pipeline.predict_proba(inputs)
        count = gym.spaces.flatdim(self.signature.outputs[Meaning.PROBABILITY])
        probability = scatter(seen, self.pipeline.classes_, count)
        return {Meaning.LABEL: probability.argmax(axis=1), Meaning.PROBABILITY: probability}


@final
@dataclass(frozen=True, eq=False)
class RegressorModel(SkopsModel):
    """VALUE (n,)."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space) -> Self:
        return cls(pipeline, Signature(inputs, {Meaning.VALUE: gym.spaces.Box(-np.inf, np.inf, (), np.float64)}))

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {Meaning.VALUE: np.asarray(self.pipeline.predict(inputs), np.float64)}


@final
@dataclass(frozen=True, eq=False)
class ClusterModel(SkopsModel):
    """CLUSTER (n,): the number of the nearest or likeliest of `count` clusters."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, count: int) -> Self:
        return cls(pipeline, Signature(inputs, {Meaning.CLUSTER: gym.spaces.Discrete(count)}))

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {Meaning.CLUSTER: np.asarray(self.pipeline.predict(inputs), np.int64)}


@final
@dataclass(frozen=True, eq=False)
class EmbeddingModel(SkopsModel):
    """EMBEDDING (n, width): what the pipeline transforms the inputs into."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space, width: int) -> Self:
        return cls(
            pipeline, Signature(inputs, {Meaning.EMBEDDING: gym.spaces.Box(-np.inf, np.inf, (width,), np.float64)})
        )

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {Meaning.EMBEDDING: np.asarray(self.pipeline.transform(inputs), np.float64)}


@final
@dataclass(frozen=True, eq=False)
class AnomalyModel(SkopsModel):
    """ANOMALY (n,): greater is stranger, the negative of scikit-learn's score_samples."""

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Space) -> Self:
        return cls(pipeline, Signature(inputs, {Meaning.ANOMALY: gym.spaces.Box(-np.inf, np.inf, (), np.float64)}))

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {Meaning.ANOMALY: -np.asarray(self.pipeline.score_samples(inputs), np.float64)}


def scatter(probabilities: Array, classes: Array, count: int) -> Array:
    """Probabilities of the classes seen, (n, seen), into their columns of (n, count); rows of NaN become uniform."""
    wide = np.zeros((len(probabilities), count))
    wide[:, classes] = probabilities
    wide[np.isnan(probabilities).any(axis=1)] = 1 / count
    return wide
