"""Intervals by resampling runs: percentile within each task, studentised between two groups of one task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paralab.statistics.aggregate import iqm, optimality_gap, profile
from paralab.statistics.interval import NO_SPREAD, Band, Interval, checked, checked_level
from paralab.statistics.resample import iqms, means

Statistic = Literal["mean", "iqm", "optimality_gap"]
RESAMPLES = 50_000
CHUNK = 1 << 18  # numbers resampled at a time, 2 MB: they stay in the processor's cache


def stratified(
    scores: ArrayLike,
    statistic: Statistic,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> Interval:
    """The statistic of scores (runs, tasks) with a percentile interval, runs drawn anew within each task.

    As rliable does. One task, (runs,) or (runs, 1), is served too, yet covers too little under 20 runs (protocol.md).
    """
    given = np.asarray(scores, dtype=np.float64)
    values = checked(given[:, None] if given.ndim == 1 else given, "runs x tasks", 2, 2)
    _checked_draws(level, resamples)
    value = _figure(values, statistic)
    drawn = iqms if statistic == "iqm" else means
    found = drawn(np.maximum(1 - values, 0) if statistic == "optimality_gap" else values, resamples, rng)
    if np.ptp(found) <= 1e-12 * np.abs(values).max():
        return Interval(value, value, value, level, NO_SPREAD)
    low, high = _ends(found, level)
    return Interval(value, low, high, level, "stratified bootstrap" if values.shape[1] > 1 else "percentile bootstrap")


def studentised(
    one: ArrayLike,
    two: ArrayLike,
    statistic: Literal["mean", "iqm"],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> Interval:
    """The statistic of one less that of two, independent runs of one task, with a bootstrap-t interval.

    The standard error of an IQM is Yuen's, from the winsorised variance (Yuen 1974). Raises ValueError where the runs
    are so few that too many resamples have none.
    """
    groups = [checked(group, "runs of a group", 2) for group in (one, two)]
    _checked_draws(level, resamples)
    (first, first_error), (second, second_error) = (_with_error(group[None], statistic) for group in groups)
    value, error = float(first[0] - second[0]), float(np.hypot(first_error, second_error)[0])
    if error == 0:
        return Interval(value, value, value, level, NO_SPREAD)
    roots = np.empty(resamples)
    for start, stop in _chunks(resamples, sum(map(len, groups))):
        (left, left_error), (right, right_error) = (
            _with_error(group[rng.integers(0, len(group), size=(stop - start, len(group)))], statistic)
            for group in groups
        )
        strayed, errors = left - right - value, np.hypot(left_error, right_error)
        known = errors > 0
        endless = np.where(np.isclose(strayed, 0, atol=1e-12 * error), 0.0, np.copysign(np.inf, strayed))
        roots[start:stop] = np.where(known, strayed / np.where(known, errors, 1.0), endless)
    low, high = np.quantile(roots, [0.5 - level / 2, 0.5 + level / 2], method="inverted_cdf")
    if not np.isfinite([low, high]).all():
        sizes = " and ".join(str(len(group)) for group in groups)
        raise ValueError(f"{sizes} runs are too few, or too equal, for a studentised bootstrap; use the t interval")
    return Interval(value, value - float(high) * error, value - float(low) * error, level, "studentised bootstrap")


def profile_band(scores: ArrayLike, thresholds: ArrayLike, *, level: float = 0.95) -> Band:
    """The performance profile of scores (runs, tasks) with the stratified percentile band of infinitely many resamples.

    None is drawn: a task's share is binomial under resampling, and their sum a convolution. Where every run of every
    task lies on one side of a threshold the band is a point, as any percentile bootstrap's.
    """
    given = np.asarray(scores, dtype=np.float64)
    values = checked(given[:, None] if given.ndim == 1 else given, "runs x tasks", 2, 2)
    checked_level(level)
    points = np.asarray(thresholds, dtype=np.float64)
    shares = profile(values, points, axis=0)  # (tasks, k)
    ends = np.array([_binomial_ends(column, len(values), level) for column in shares.T])
    return Band(points, shares.mean(axis=0), ends[:, 0], ends[:, 1], level, "stratified bootstrap")


def _figure(values: NDArray[np.float64], statistic: Statistic) -> float:
    if statistic == "mean":
        return float(values.mean())
    return iqm(values) if statistic == "iqm" else optimality_gap(values)


def _binomial_ends(shares: NDArray[np.float64], runs: int, level: float) -> tuple[float, float]:
    from scipy.special import bdtr

    total = np.ones(1)
    for share in shares:
        total = np.convolve(total, np.diff(bdtr(np.arange(runs + 1), runs, share), prepend=0.0))
    cumulated = np.cumsum(total)
    low, high = np.searchsorted(cumulated, [0.5 - level / 2 + 1e-12, 0.5 + level / 2 - 1e-12])
    return float(low / (len(total) - 1)), float(high / (len(total) - 1))


def _with_error(rows: NDArray[np.float64], statistic: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The statistic of each row and its standard error."""
    runs = rows.shape[-1]
    cut = runs // 4 if statistic == "iqm" else 0
    ordered = np.sort(rows, axis=-1)
    middle = ordered[:, cut : runs - cut]
    winsorised = np.clip(ordered, middle[:, :1], middle[:, -1:])
    squares = winsorised.var(axis=-1) * runs
    squares[middle[:, 0] == middle[:, -1]] = 0.0
    kept = runs - 2 * cut
    return middle.mean(axis=-1), np.sqrt(squares / (kept * (kept - 1)))


def _ends(found: NDArray[np.float64], level: float) -> tuple[float, float]:
    """As np.quantile, in a third of its time."""
    shares = np.array([0.5 - level / 2, 0.5 + level / 2])
    low, high = np.interp(shares * (len(found) - 1), np.arange(len(found)), np.sort(found))
    return float(low), float(high)


def _chunks(resamples: int, size: int) -> Iterator[tuple[int, int]]:
    step = max(1, CHUNK // size)
    return ((start, min(start + step, resamples)) for start in range(0, resamples, step))


def _checked_draws(level: float, resamples: int) -> None:
    checked_level(level)
    if resamples < 100:
        raise ValueError(f"{resamples} resamples asked for; the ends of an interval need at least 100")
