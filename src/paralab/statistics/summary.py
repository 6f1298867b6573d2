"""Seeds summarised: how far one seed strays (sd), and, apart from it, where their mean lies (t interval)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """n values of which each is one seed's; what n is too small to tell is None."""

    n: int
    mean: float
    sd: float | None  # of a single seed, ddof 1; None under two values
    low: float | None  # the interval of the mean, not of a seed
    high: float | None


def summary(values: Sequence[float], level: float = 0.95) -> Summary:
    """Mean, sd of a single value and Student's t interval of the mean; raises ValueError where there is no value."""
    n = len(values)
    if n == 0:
        raise ValueError("no value to summarise")
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None, None, None)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = quantile(0.5 + level / 2, n - 1) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half)


def quantile(probability: float, freedom: float) -> float:
    """Of Student's t distribution."""
    from scipy.special import stdtrit  # a tenth of the import time of scipy.stats

    return float(stdtrit(freedom, probability))
