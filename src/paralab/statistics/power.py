"""What n seeds can tell apart: the least difference a t test finds with a given power, and the seeds one needs.

By the noncentral t distribution, two-sided; checked against statsmodels. `ratio` is that of the corrected resampled t
test (Nadeau and Bengio): resamplings that share rows leave a variance that no number of seeds removes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MOST = 100_000  # seeds: more is as good as never


def detectable(sd: float, n: int, alpha: float = 0.05, power: float = 0.8, ratio: float = 0.0) -> float:
    """The least mean of n (paired) differences that a t test finds; sd is of one difference, in its unit."""
    _checked(n, sd, alpha, power)
    return sd * math.sqrt(1 / n + ratio) * _noncentrality(n - 1, alpha, power)


def detectable_two(sd: float, n1: int, n2: int, alpha: float = 0.05, power: float = 0.8) -> float:
    """The least difference between the means of two independent groups of one sd that a t test finds."""
    _checked(min(n1, n2), sd, alpha, power)
    return sd * math.sqrt(1 / n1 + 1 / n2) * _noncentrality(n1 + n2 - 2, alpha, power)


def seeds_needed(
    sd: float, difference: float, alpha: float = 0.05, power: float = 0.8, ratio: float = 0.0
) -> int | None:
    """The least n at which `detectable` is no more than the difference; None where no n up to 100,000 is enough."""
    return _least(lambda n: detectable(sd, n, alpha, power, ratio) <= abs(difference))


def seeds_needed_two(sd: float, difference: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """The least n of each of two independent groups that finds the difference; None where 100,000 are not enough."""
    return _least(lambda n: detectable_two(sd, n, n, alpha, power) <= abs(difference))


@lru_cache(4096)  # a comparison of many pairs asks for the same few numbers of seeds
def _noncentrality(freedom: int, alpha: float, power: float) -> float:
    """At which a two-sided t test of level alpha has the power; by bisection, which is monotone and needs no start."""
    from scipy.special import ndtr, stdtrit

    critical = float(stdtrit(freedom, 1 - alpha / 2))
    deviation, weight = _deviations(freedom, critical)

    def reached(shift: float) -> float:
        found = ndtr(shift - critical * deviation) + ndtr(-shift - critical * deviation)
        return float(found @ weight)

    low, high = 0.0, 2.0
    while reached(high) < power:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < power else (low, middle)
    return high


def _deviations(freedom: int, critical: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample sd where the true one is 1, and how likely each is, by Simpson's rule.

    Instead of scipy's nctdtr (1.17), which is NaN for some noncentralities at one or two degrees of freedom.
    """
    from scipy.special import gammaln, xlogy

    reach = 10 / math.sqrt(2 * freedom)  # ten of its standard errors
    low, high = max(0.0, 1 - reach), 1 + reach
    count = 2 * math.ceil(max(200.0, 4 * critical * (high - low))) + 1
    at = np.linspace(low, high, count)
    logarithm = (
        xlogy(freedom - 1, at) - freedom * at**2 / 2 + freedom / 2 * math.log(freedom / 2) - gammaln(freedom / 2)
    )
    simpson = np.where(np.arange(count) % 2 == 1, 4.0, 2.0)
    simpson[[0, -1]] = 1.0
    return at, 2 * np.exp(logarithm) * simpson * (high - low) / (3 * (count - 1))


def _least(enough: Callable[[int], bool]) -> int | None:
    high = 2
    while not enough(high):
        if high == MOST:
            return None
        high = min(2 * high, MOST)
    low = max(1, high // 2)  # not enough, or no number of seeds at all
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _checked(n: int, sd: float, alpha: float, power: float) -> None:
    if n < 2:
        raise ValueError(f"{n} seeds have no spread: needs two or more")
    if not (math.isfinite(sd) and sd >= 0):
        raise ValueError(f"{sd} is no standard deviation")
    if not 0 < alpha < power < 1:
        raise ValueError(f"needs 0 < alpha < power < 1, not alpha {alpha} and power {power}")
