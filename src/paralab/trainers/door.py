"""What the doors for any estimator share: what it is, a seeded and quiet copy of it, and its fit, told in one line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from paralab.core import Array, Space
from paralab.errors import Failed, Interrupted, Mismatch, Refused
from paralab.record.log import say
from paralab.trainers.estimators import seeded
from paralab.trainers.preparation import Prepared, prepare
from paralab.trainers.scaling import Scale

Encode = Literal["auto", "none"]
Role = Literal["classifier", "regressor", "clusterer", "outlier detector", "density", "transformer", "stranger"]

# Boosters print as they go, write files beside the run, and take threads and seeds under names of their own.
QUIET: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "lightgbm": lambda seed: {"verbosity": -1, "deterministic": True, "force_col_wise": True},  # else a clock decides
    "xgboost": lambda seed: {"verbosity": 0},
    "catboost": lambda seed: {
        "logging_level": "Silent", "allow_writing_files": False, "random_seed": seed,
        "thread_count": int(os.environ.get("OMP_NUM_THREADS", "1")),
    },
}  # fmt: skip


def settled(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """A copy that is not fitted, all its randomness from `seed`, and silent."""
    own = seeded(clone(estimator), seed)
    for part in parts(own):
        quiet = QUIET.get(type(part).__module__.partition(".")[0])
        if quiet is not None:
            settings = dict(quiet(seed))
            if part.get_params().get("force_row_wise"):
                settings.pop("force_col_wise", None)
            part.set_params(**settings)
    return own


def parts(estimator: BaseEstimator) -> Iterator[BaseEstimator]:
    """The estimator and all inside it."""
    yield estimator
    yield from (part for part in estimator.get_params().values() if isinstance(part, BaseEstimator))


def prepared(encode: Encode, scale: Scale, space: Space, inputs: Array) -> Prepared:
    """What the estimator is given: as `prepare` has it, or with encode=none a table's raw columns by name."""
    if encode == "auto" or not isinstance(space, gym.spaces.Dict):
        return prepare(scale, space, inputs)
    if scale != "none":
        raise Refused(
            f"encode=none hands a table on as it is, and scale={scale} would scale it: set trainer.scale=none"
        )
    from paralab.datasets.rows import frame

    return Prepared([], frame(inputs, space), "frame")


def fitted(estimator: BaseEstimator, call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `call`, which fits the estimator, gives back, and train/converged; warnings go to the log, a line each.

    Raises Failed with the estimator's own words where it cannot be fitted.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            got = call()
        except Interrupted:
            raise
        except Exception as error:  # a third party's: whatever it raises is its answer to these rows
            words = " ".join(str(error).split()) or type(error).__name__
            raise Failed(f"{name_of(estimator)} cannot be fitted on these rows: {words[:300]}") from error
    for line in dict.fromkeys(f"{each.category.__name__}: {' '.join(str(each.message).split())}" for each in caught):
        say(f"{name_of(estimator)}: {line}")
    stopped = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return got, {"train/converged": float(not stopped)}


def role(estimator: BaseEstimator) -> Role:
    """What an estimator is: by its own tag, then by its methods; raises Mismatch where it cannot say."""
    try:
        tags = get_tags(estimator)
    except AttributeError as error:
        reason = "does not say what it is; an estimator that it needs inside may be missing"
        raise Mismatch(f"trainer.estimator: {name_of(estimator)} {reason}") from error
    match tags.estimator_type:
        case "classifier":
            return "classifier"
        case "regressor":
            return "regressor"
        case "clusterer":
            return "clusterer"
        case "outlier_detector":
            return "outlier detector"
        case "density_estimator":
            return "density"
    if tags.transformer_tags is not None or can(estimator, "transform") or can(estimator, "fit_transform"):
        return "transformer"
    return "stranger"


def called(own: Role) -> str:
    """A role in a message."""
    if own == "stranger":
        return "neither classifier nor regressor"
    return f"{'an' if own == 'outlier detector' else 'a'} {own}"


def can(estimator: BaseEstimator, method: str) -> bool:
    """Whether it has the method as it is set now: many have one only under some settings, or only once fitted."""
    return callable(getattr(estimator, method, None))


def last(estimator: BaseEstimator) -> BaseEstimator:
    """The last step of a Pipeline, of whatever depth; the estimator itself where it is none."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return estimator


def name_of(estimator: BaseEstimator) -> str:
    """Its class, and of a Pipeline that of its last step."""
    end = last(estimator)
    return type(end).__name__ if end is estimator else f"Pipeline of {type(end).__name__}"


def dense(targets: Array) -> tuple[Array, Array]:
    """Labels shown (n,) numbered from 0 without a gap, and the class index of each number."""
    seen, numbers = np.unique(targets, return_inverse=True)
    return numbers.astype(np.int64), seen
