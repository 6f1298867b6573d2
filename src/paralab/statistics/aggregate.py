"""Scores of many runs on several tasks as one figure or one curve (Agarwal et al. 2021, "Statistical Precipice")."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray


@overload
def iqm(scores: ArrayLike, axis: None = None) -> float: ...
@overload
def iqm(scores: ArrayLike, axis: int) -> NDArray[np.float64]: ...
def iqm(scores: ArrayLike, axis: int | None = None) -> float | NDArray[np.float64]:
    """The mean of the middle half, a quarter of the values (rounded down) cut at each end; of all where axis is None.

    Raises ValueError where there is no value, or one is NaN.
    """
    values = _given(scores)
    ordered = np.sort(values, axis=None) if axis is None else np.sort(np.moveaxis(values, axis, -1), axis=-1)
    count = ordered.shape[-1]
    middle = ordered[..., count // 4 : count - count // 4].mean(axis=-1)
    return float(middle) if axis is None else np.asarray(middle)


@overload
def optimality_gap(scores: ArrayLike, target: float = 1.0, axis: None = None) -> float: ...
@overload
def optimality_gap(scores: ArrayLike, target: float = 1.0, *, axis: int) -> NDArray[np.float64]: ...
def optimality_gap(scores: ArrayLike, target: float = 1.0, axis: int | None = None) -> float | NDArray[np.float64]:
    """How far scores stay below the target on average; one above it makes up for none below. Less is better."""
    gap = np.maximum(target - _given(scores), 0.0).mean(axis=axis)
    return float(gap) if axis is None else np.asarray(gap)


def profile(scores: ArrayLike, thresholds: ArrayLike, axis: int | None = None) -> NDArray[np.float64]:
    """The share of runs above each threshold, (k,); with an axis the others lead, (..., k)."""
    values, points = _given(scores), np.asarray(thresholds, dtype=np.float64)
    if points.ndim != 1 or not np.isfinite(points).all():
        raise ValueError("thresholds are finite numbers in one row")
    ordered = values.ravel() if axis is None else np.moveaxis(values, axis, -1)
    return np.asarray((ordered[..., None, :] > points[:, None]).mean(axis=-1))


def _given(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0:
        raise ValueError("no score to aggregate")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} of {values.size} scores are NaN; leave those runs out")
    return values
