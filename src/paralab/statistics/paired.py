"""Two methods on the same seeds: tests and intervals of their differences, one a seed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paralab.statistics.exact import DRAWS, EXACT, doubled_ranks, flips_beyond, rank_sums
from paralab.statistics.interval import NO_SPREAD, Interval, checked, settled, student, two_sided

WILCOXON_EXACT = 200  # differences; counting takes a millisecond at 50, a tenth of a second at 200
SEED = 20_000  # of the random flips above EXACT differences: the same differences, the same p


def mean_difference(d: ArrayLike, level: float = 0.95) -> Interval:
    """The mean of differences (n,) with Student's t interval; ValueError under two, or where one is not finite."""
    values = settled(checked(d, "differences", 2))
    return _interval(values, 0.0, level, "t")


def corrected_t(d: ArrayLike, ratio: float, level: float = 0.95) -> tuple[Interval, float]:
    """The corrected resampled t of differences (n,) over random splits of one data set (Nadeau & Bengio 2003).

    The ratio is test rows over the rows that the resampling shares: their splits overlap, so the variance of the mean
    is (1/n + ratio) of theirs. Differences without spread have no t: the p is then that of sign flips.
    """
    values = settled(checked(d, "differences", 2))
    if not (ratio >= 0 and math.isfinite(ratio)):
        raise ValueError(f"ratio {ratio} given; it is test rows over rows shared, 0 or more")
    interval = _interval(values, ratio, level, "corrected t")
    if interval.method == NO_SPREAD:
        return interval, sign_flip(values)
    error = _error(values, ratio)
    return interval, two_sided(interval.value / error, len(values) - 1)


def sign_flip(d: ArrayLike) -> float:
    """Two-sided p of the mean difference under random signs: exact up to 32 differences, 50,000 draws above."""
    values = settled(checked(d, "differences", 1))
    observed = abs(math.fsum(values))
    if len(values) <= EXACT:
        return flips_beyond(values, observed)
    rng, beyond = np.random.default_rng(SEED), 0
    for _ in range(DRAWS // 1000):
        flipped = rng.integers(0, 2, size=(1000, len(values)), dtype=np.int8) * 2.0 - 1
        beyond += int((np.abs(flipped @ values) >= observed * (1 - 1e-9)).sum())
    return (1 + beyond) / (1 + DRAWS)


def wilcoxon(d: ArrayLike) -> float:
    """Two-sided p of the signed-rank test, zeros left out; exact up to 200 differences, ties or not, else normal.

    With nothing but zeros there is nothing to tell apart: 1.
    """
    values = settled(checked(d, "differences", 1))
    values = values[values != 0]
    if len(values) == 0:
        return 1.0
    if len(values) > WILCOXON_EXACT:
        from scipy.stats import wilcoxon as of_scipy

        return float(of_scipy(values, method="asymptotic", correction=True).pvalue)
    doubled = doubled_ranks(settled(np.abs(values)))
    positive, total = int(doubled[values > 0].sum()), int(doubled.sum())
    chances = rank_sums(doubled)
    extreme = max(positive, total - positive)
    return min(1.0, 2 * float(chances[extreme:].sum()))


def _interval(values: NDArray[np.float64], ratio: float, level: float, method: str) -> Interval:
    return student(math.fsum(values) / len(values), _error(values, ratio), len(values) - 1, level, method)


def _error(values: NDArray[np.float64], ratio: float) -> float:
    if (values == values[0]).all():
        return 0.0
    return float(values.std(ddof=1)) * math.sqrt(1 / len(values) + ratio)
