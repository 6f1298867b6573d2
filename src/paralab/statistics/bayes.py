"""Three probabilities instead of one p: that one method is worse, practically equal, or better.

A region of practical equivalence (`rope`) is the largest difference nobody would act on. Benavoli, Corani, Demšar and
Zaffalon, "Time for a change", JMLR 18 (2017); checked against baycomp 1.0.3 (tests/unit/baycomp_1_0_3.json).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 0.5  # weight of a pseudo-difference of 0 beside the observed ones, each of weight 1: baycomp's default
CHUNK = 5_000  # posterior samples held at once


@dataclass(frozen=True)
class Beliefs:
    """Probabilities that the difference lies below -rope, within it, above rope; they add up to 1."""

    left: float
    rope: float
    right: float


def correlated_t(d: NDArray[np.float64], ratio: float, rope: float) -> Beliefs:
    """Posterior of the mean difference on one data set, over (n,) resamplings that share rows.

    The posterior is Student's t of n - 1 degrees of freedom around the mean, its variance that of the corrected
    resampled t test: var(d) · (1/n + ratio), ratio being test rows over the rows shared. ValueError under two values.
    """
    from scipy.special import stdtr

    n = _checked(d, rope, 2)
    mean, scale = float(np.mean(d)), float(np.sqrt(np.var(d, ddof=1) * (1 / n + ratio)))
    if scale == 0:
        left = float(mean < -rope) + (0.5 if mean == rope == 0 else 0.0)
        right = float(mean > rope) + (0.5 if mean == rope == 0 else 0.0)
    else:
        left = float(stdtr(n - 1, (-rope - mean) / scale))
        right = float(stdtr(n - 1, (mean - rope) / scale))
    return Beliefs(left, max(0.0, 1 - left - right), right)


def signed_rank(d: NDArray[np.float64], rope: float, rng: np.random.Generator, samples: int = 50_000) -> Beliefs:
    """Which of the three regions the next data set most likely falls in, from differences on (n,) data sets.

    The Bayesian counterpart of Wilcoxon's signed ranks: Dirichlet weights of the differences, and of one 0 a priori,
    give the share of pairs whose mean lies in each region; returned is how often each share is the greatest.
    """
    _checked(d, rope, 1)
    points = np.concatenate([[0.0], d])
    sums = points[:, None] + points
    below, above = _heaviside(-sums - 2 * rope), _heaviside(sums - 2 * rope)
    weights = np.concatenate([[PRIOR], np.ones(len(d))])
    wins = np.zeros(3)
    for start in range(0, samples, CHUNK):
        draw = rng.dirichlet(weights, min(CHUNK, samples - start))
        left, right = ((draw @ region * draw).sum(axis=1) for region in (below, above))
        shares = np.stack([left, 1 - left - right, right], axis=1)
        greatest = shares == shares.max(axis=1, keepdims=True)
        wins += (greatest / greatest.sum(axis=1, keepdims=True)).sum(axis=0)
    first, middle, last = (wins / samples).tolist()
    return Beliefs(first, middle, last)


def _heaviside(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.heaviside(values, 0.5)


def _checked(d: NDArray[np.float64], rope: float, least: int) -> int:
    if d.ndim != 1 or len(d) < least or not np.isfinite(d).all():
        raise ValueError(f"needs {least} or more finite differences in one row, not an array of shape {d.shape}")
    if rope < 0:
        raise ValueError(f"the region of practical equivalence is half as wide as {rope}: it cannot be negative")
    return len(d)
