"""scikit-learn estimators as the lab fits them: behind what prepares their inputs, seeded throughout, silent."""

from __future__ import annotations

import warnings
from typing import TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.pipeline import Pipeline

from paralab.core import Array, Metrics, Model, Snapshot
from paralab.errors import Refused
from paralab.trainers.preparation import Prepared

SPLITTERS = (BaseCrossValidator, BaseShuffleSplit)  # no estimators, so they have no parameters to set
E = TypeVar("E", bound=BaseEstimator)


def fit(prepared: Prepared, estimator: BaseEstimator, targets: Array | None = None) -> Pipeline:
    """Fit `estimator` behind fitted steps, targets (n,); the Pipeline holds the same objects.

    That a fit stopped at its last iteration is for the trainer to say, as the metric train/converged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(prepared.rows, targets)
    return Pipeline([*prepared.steps, ("estimator", estimator)])


def seeded(estimator: E, seed: int) -> E:
    """Set every random_state of the estimator, of those inside it and of their splitters, each its own, from a seed."""
    settings = estimator.get_params()
    names = sorted(name for name in settings if name.split("__")[-1] == "random_state")
    splitters = [settings[name] for name in sorted(settings) if isinstance(settings[name], SPLITTERS)]
    words = np.random.SeedSequence(seed).generate_state(len(names) + len(splitters)).tolist()
    estimator.set_params(**dict(zip(names, words, strict=False)))
    for splitter, word in zip(splitters, words[len(names) :], strict=True):
        if "random_state" in vars(splitter):
            splitter.random_state = word
    return estimator


def enough(rows: int, wanted: int, field: str) -> None:
    """Raise Refused where fewer rows are shown than `trainer.field` asks for."""
    if rows < wanted:
        raise Refused(f"{field}={wanted} needs at least {wanted} rows, {rows} are shown: set trainer.{field}={rows}")


def once(model: Model, metrics: Metrics) -> Snapshot:
    """The one snapshot of a trainer whose work is one fit: nothing is left to go on from."""
    return Snapshot(step=1, model=model, metrics=metrics, state=dict)
