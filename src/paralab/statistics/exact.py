"""What is counted rather than drawn: sums under all signs, under all choices, and of ranks.

All signs of n values are those of one half met with those of the other: 2 x 2**(n/2) sums instead of 2**n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EXACT = 32  # values: two halves of 2**16 choices each
DRAWS = 50_000  # where there are more


def flips_beyond(values: NDArray[np.float64], least: float) -> float:
    """The share of all choices of signs under which the sum's size is at least `least`; up to EXACT values."""
    bar = _bar(values, least)
    if bar <= 0:
        return 1.0
    doubled = 2 * values  # a sum under signs is minus the sum of all, plus twice the chosen
    half = len(values) // 2
    sums, others = _subsets(doubled[:half])[0] - values.sum(), _subsets(doubled[half:])[0]
    return float(_beyond(sums, others, bar) / 2 ** len(values))


def choices_beyond(values: NDArray[np.float64], chosen: int, least: float) -> float:
    """The share of all subsets of `chosen` members whose sum's size is at least `least`; up to EXACT values."""
    bar = _bar(values, least)
    if bar <= 0:
        return 1.0
    half = len(values) // 2
    (sums, sizes), (others, other_sizes) = _subsets(values[:half]), _subsets(values[half:])
    found = total = 0
    for size in range(max(0, chosen - (len(values) - half)), min(half, chosen) + 1):
        mine, theirs = sums[sizes == size], others[other_sizes == chosen - size]
        found += _beyond(mine, theirs, bar)
        total += len(mine) * len(theirs)
    return found / total


def rank_sums(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chance of each sum, from 0 up, where every one of these whole ranks is in or out by a coin."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        chances[rank:] = 0.5 * (chances[rank:] + chances[:-rank])
        chances[:rank] *= 0.5
    return chances


def doubled_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the rank from the least up, (n,): ties share the mean of theirs, and twice that is a whole number."""
    _, which, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((2 * np.cumsum(times) - times + 1)[which])


def _bar(values: NDArray[np.float64], least: float) -> float:
    """A sum equal to the least but for rounding counts as reaching it."""
    return least - 1e-10 * float(np.abs(values).sum())


def _beyond(sums: NDArray[np.float64], others: NDArray[np.float64], bar: float) -> int:
    """Pairs whose sum is at least the bar or at most minus the bar; the bar is above 0."""
    ordered = np.sort(others)
    above = len(ordered) - np.searchsorted(ordered, bar - sums, side="left")
    below = np.searchsorted(ordered, -bar - sums, side="right")
    return int(above.sum() + below.sum())


def _subsets(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    sums, sizes = np.zeros(1), np.zeros(1, dtype=np.int64)
    for value in values:
        sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
    return sums, sizes
