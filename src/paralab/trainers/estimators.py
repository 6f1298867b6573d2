"""scikit-learn estimators as the lab fits them: scaled in front, seeded throughout, silent."""

from __future__ import annotations

import warnings
from typing import TypeVar

import gymnasium as gym
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from paralab.core import Array, Metrics, Model, Snapshot, Space
from paralab.errors import Refused
from paralab.trainers.scaling import Scale, resolve

E = TypeVar("E", bound=BaseEstimator)
Steps = list[tuple[str, BaseEstimator]]


def scaler(scale: Scale, space: Space, inputs: Array) -> Steps:
    """The fitted first step of a Pipeline, or none; raises Refused as `scaling.resolve`."""
    match resolve(scale, space):
        case "range":
            assert isinstance(space, gym.spaces.Box)
            return [("scale", MinMaxScaler().fit(np.stack([space.low, space.high]).astype(np.float64)))]
        case "standard":
            return [("scale", StandardScaler().fit(inputs))]
        case "none":
            return []


def fit(steps: Steps, estimator: BaseEstimator, inputs: Array, targets: Array | None = None) -> Pipeline:
    """Fit `estimator` behind fitted steps, inputs (n, d), targets (n,); the Pipeline holds the same objects.

    That a fit stopped at its last iteration is for the trainer to say, as the metric train/converged.
    """
    for _, step in steps:
        inputs = step.transform(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(inputs, targets)
    return Pipeline([*steps, ("estimator", estimator)])


def seeded(estimator: E, seed: int) -> E:
    """Set every random_state of the estimator and of those inside it, each its own, from one seed."""
    names = sorted(name for name in estimator.get_params() if name.split("__")[-1] == "random_state")
    words = np.random.SeedSequence(seed).generate_state(len(names))
    estimator.set_params(**{name: int(word) for name, word in zip(names, words, strict=True)})
    return estimator


def enough(rows: int, wanted: int, field: str) -> None:
    """Raise Refused where fewer rows are shown than `trainer.field` asks for."""
    if rows < wanted:
        raise Refused(f"{field}={wanted} needs at least {wanted} rows, {rows} are shown: set trainer.{field}={rows}")


def once(model: Model, metrics: Metrics) -> Snapshot:
    """The one snapshot of a trainer whose work is one fit: nothing is left to go on from."""
    return Snapshot(step=1, model=model, metrics=metrics, state=dict)
