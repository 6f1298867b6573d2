"""Looking more than once: how much of alpha each declared look may spend, and at which level it therefore tests.

Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983), with their spending function
like O'Brien and Fleming's: almost nothing early, nearly all of alpha at the end. The levels follow from the joint
density of the sums up to each look, integrated recursively (Armitage, McPherson and Rowe 1969).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NODES = 160  # of Gauss and Legendre's rule at least; four times as many change no level by 1e-9 of itself
PER_STEP = 24  # and as many for each 1/step of the closest looks, whose kernel is the narrowest
FARTHEST = 9.0  # standard errors: beyond lies less than 1e-18


def spent(alpha: float, fractions: Sequence[float]) -> NDArray[np.float64]:
    """Of a two-sided alpha, what may have been spent (k,) once these fractions (k,) of the seeds are in."""
    from scipy.special import ndtr, ndtri

    _checked(alpha, fractions)
    return np.asarray(4 * ndtr(ndtri(alpha / 4) / np.sqrt(np.asarray(fractions))), dtype=np.float64)


def nominal(alpha: float, fractions: Sequence[float]) -> NDArray[np.float64]:
    """The two-sided level (k,) to test at, at each look; fractions rise to at most 1, the last look.

    A p below its look's level is a finding; under no difference one is found by any look with probability alpha (at
    most, where the last fraction is below 1). 1 - level is the confidence of the interval to show at that look.
    """
    from scipy.special import ndtr

    budget = np.diff(spent(alpha, fractions), prepend=0.0)
    steps = np.sqrt(np.diff(np.asarray(fractions, dtype=np.float64), prepend=0.0))
    nodes, weights = np.polynomial.legendre.leggauss(max(NODES, math.ceil(PER_STEP / steps.min())))
    levels = np.empty(len(budget))
    sums, mass = np.zeros(1), np.ones(1)  # before the first look the sum is 0, for sure
    for look, (step, may) in enumerate(zip(steps, budget, strict=True)):
        scale = math.sqrt(fractions[look])
        low, high = 0.0, FARTHEST * scale
        for _ in range(60):
            bound = (low + high) / 2
            beyond = 2 * float(mass @ ndtr((sums - bound) / step))  # both sides alike
            low, high = (bound, high) if beyond > may else (low, bound)
        levels[look] = 2 * ndtr(-high / scale)
        at = high * nodes
        kernel = np.exp(-0.5 * ((at[:, None] - sums) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        sums, mass = at, kernel @ mass * weights * high
    return levels


def crossed(p: Sequence[float], alpha: float, fractions: Sequence[float]) -> int | None:
    """The first declared look whose p is under its level (0 is the first), or None; p (≤ k,) of the looks so far."""
    if len(p) > len(fractions):
        raise ValueError(f"{len(p)} looks were taken, but {len(fractions)} declared")
    for look, (value, level) in enumerate(zip(p, nominal(alpha, fractions), strict=False)):
        if value <= level:
            return look
    return None


def _checked(alpha: float, fractions: Sequence[float]) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not be {alpha}")
    rising = np.diff(np.asarray([0.0, *fractions])) > 0
    if not len(fractions) or not rising.all() or fractions[-1] > 1:
        raise ValueError(f"looks are rising fractions of the seeds, above 0 and up to 1, not {list(fractions)}")
