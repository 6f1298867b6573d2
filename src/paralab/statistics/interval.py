"""An effect never goes without its interval: what both are, and how values must be to have one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paralab.statistics.summary import quantile

NO_SPREAD = "no spread"  # the method of an interval that is one point: all values were equal, so no width can be told


@dataclass(frozen=True)
class Interval:
    """A figure and where it lies; low == high only where the values had no spread, or the figure is at its bound."""

    value: float
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, eq=False)
class Band:
    """A curve with an interval at each of its points, one by one and not for all of them together."""

    points: NDArray[np.float64]  # (k,)
    values: NDArray[np.float64]  # (k,)
    low: NDArray[np.float64]  # (k,)
    high: NDArray[np.float64]  # (k,)
    level: float
    method: str


def student(value: float, error: float, freedom: float, level: float, method: str) -> Interval:
    """Value ± the t quantile times its standard error; a point named NO_SPREAD where the error is 0."""
    checked_level(level)
    if error == 0:
        return Interval(value, value, value, level, NO_SPREAD)
    half = quantile(0.5 + level / 2, freedom) * error
    return Interval(value, value - half, value + half, level, method)


def two_sided(statistic: float, freedom: float) -> float:
    """The p-value of a t statistic."""
    from scipy.special import stdtr

    return min(1.0, 2 * float(stdtr(freedom, -abs(statistic))))


def checked(given: ArrayLike, what: str, least: int, dimensions: int = 1) -> NDArray[np.float64]:
    """As float64; raises ValueError naming `what` under `least` values along axis 0, or where one is not finite."""
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != dimensions:
        raise ValueError(f"{what} of shape {values.shape} given; {dimensions} axes are needed")
    if len(values) < least or values.size == 0:
        raise ValueError(f"{what} of shape {values.shape} given; at least {least} are needed")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {values.size} {what} are not finite; leave them out")
    return values


def settled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With values apart by less than the 12th digit of the largest made equal: .9 - .85 and .85 - .8 are a tie."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return values
    grain = 10.0 ** (math.floor(math.log10(largest)) - 11)
    values = np.where(np.abs(values) <= grain, 0.0, values)
    order = np.sort(values, axis=None)
    least = order[np.concatenate([[True], np.diff(order) > grain])]
    settled: NDArray[np.float64] = least[np.searchsorted(least, values, side="right") - 1]
    return settled


def checked_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level {level} given; it lies between 0 and 1, such as 0.95")
