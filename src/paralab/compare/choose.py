"""Two methods at one budget: which comparison fits what their seeds share (protocol.md's table), and what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paralab.compare.gather import Budget
from paralab.compare.result import ALPHA, FEW, LEVEL, Pair, Place
from paralab.compare.units import Units
from paralab.errors import Refused
from paralab.page.numbers import fixed
from paralab.statistics import bayes, bootstrap, paired, power, unpaired
from paralab.statistics.interval import NO_SPREAD, Interval
from paralab.statistics.summary import summary

RESAMPLES = 10_000  # of the difference of IQMs
SEED = 20_210_831  # of every resampling: the same folder, the same figures
DESCRIPTIVE = "descriptive only"

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What the user demands beyond the default."""

    paired: bool = False  # refuse where units do not match
    rope: float | None = None  # half the width of practical equivalence, in the metric's unit


def compared(place: Place, budget: Budget, units: Units, one: int, other: int, asked: Asked) -> Pair:
    """`one` less `other`; raises Refused where a paired comparison was asked for and their units do not match."""
    left, right = units.column(one), units.column(other)
    common = sorted(left.keys() & right.keys())
    matched = units.matched(one, other)
    names = units.methods[one], units.methods[other]
    if asked.paired and not (matched and left.keys() == right.keys()):
        raise Refused(f"{_unmatched(place, names, left, right, matched)}; run the missing ones, or leave out --paired")
    least = FEW if min(len(left), len(right)) >= FEW else 2  # rather two groups that can be tested than few pairs
    if matched and len(common) >= least:
        differences = np.array([left[seed] - right[seed] for seed in common])
        by_fold = _by_fold(units, one, other, common)
        pair = _paired(place, budget, units, names, differences, by_fold, asked)
        groups = np.array([left[seed] for seed in common]), np.array([right[seed] for seed in common])
    else:
        few = f"only {len(common)} of their seeds are the same" if common else "no seed in common"
        reason = few if matched else "they were tested on different rows or episodes"
        groups = np.array(list(left.values())), np.array(list(right.values()))
        pair = _unpaired(place, budget, units, names, groups, reason)
    if min(map(len, groups)) < 2:
        return pair
    return replace(pair, improvement=unpaired.improvement(*groups, LEVEL))


def _by_fold(units: Units, one: int, other: int, seeds: Sequence[int]) -> Scores | None:
    """The differences of every fold of these seeds, (seeds, folds); None where rows are not split into folds."""
    if units.kind != "folds" or not (units.folds[one] and units.folds[other]):
        return None
    left, right = (np.array([units.folds[method][seed] for seed in seeds]) for method in (one, other))
    return left - right if left.shape == right.shape else None


def _paired(
    place: Place, budget: Budget, units: Units, names: tuple[str, str], d: Scores, by_fold: Scores | None, asked: Asked
) -> Pair:
    """The mean difference `d` (seeds,), its variance by what seeds share.

    Of folds the variance is that between single ones: the means of a seed's folds hardly vary from seed to seed, and a
    test of them calls equal learners different in a fifth of all cases or more (docs/statistics.md).
    """
    n, ratio, values = len(d), units.ratio or 0.0, d
    if by_fold is not None:
        values = by_fold.ravel()
    if units.kind in ("splits", "folds"):
        effect, p = paired.corrected_t(values, ratio, LEVEL)
        test = "corrected resampled t"
        shared = (
            "the same folds, seed by seed, a seed one unit"
            if units.kind == "folds"
            else "the same splits, seed by seed"
        )
        share = f"test rows are {fixed(ratio, 2)} of those that two training sets share"
        why = f"{shared}; they share rows, so the variance is corrected ({share})"
    else:
        effect, p = paired.mean_difference(d, LEVEL), paired.sign_flip(d) if n >= FEW else 1.0
        test = "sign-flip permutation, t interval"
        shared = "the same episodes" if units.kind == "independent" else "one fixed test set"
        why = f"{shared}, seed by seed: differences of independent seeds"
    sd, folds = summary(values.tolist()).sd or 0.0, len(values) // n
    detectable, more = None, None
    if effect.method != NO_SPREAD:
        detectable = power.detectable(sd, len(values), ALPHA, ratio=ratio)
        needed = power.seeds_needed(sd, effect.value, ALPHA, ratio=ratio) if effect.value else None
        more = None if needed is None else max(0, math.ceil(needed / folds) - n)
    beliefs = None if asked.rope is None or n < FEW else bayes.correlated_t(values, ratio, asked.rope)
    return _tested(Pair(
        place, budget, *names, n, effect, p, None, test, why, units.about,
        detectable=detectable, more_seeds=more, beliefs=beliefs,
    ))  # fmt: skip


def _unpaired(
    place: Place, budget: Budget, units: Units, names: tuple[str, str], groups: tuple[Scores, Scores], reason: str
) -> Pair:
    first, second = groups
    n, why = min(len(first), len(second)), f"{reason}: two independent groups"
    test = "permutation, Welch t interval"
    if n < 2:
        value = float(first.mean() - second.mean())
        effect = Interval(value, math.nan, math.nan, LEVEL, "one seed")
        return _tested(Pair(place, budget, *names, n, effect, 1.0, None, test, why, units.about))
    effect, _ = unpaired.welch(first, second, LEVEL)
    p = unpaired.permutation(first, second, np.random.default_rng(SEED)) if n >= FEW else 1.0
    sd = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    detectable, more = None, None
    if effect.method != NO_SPREAD:
        detectable = power.detectable_two(sd, len(first), len(second), ALPHA)
        needed = power.seeds_needed_two(sd, effect.value, ALPHA) if effect.value else None
        more = None if needed is None else max(0, needed - n)
    return _tested(Pair(
        place, budget, *names, n, effect, p, None, test, why, units.about,
        detectable=detectable, more_seeds=more, iqm=_iqms(first, second),
    ))  # fmt: skip


def _iqms(first: Scores, second: Scores) -> Interval | None:
    """None where there are too few runs, or too equal ones, for a studentised bootstrap."""
    if min(len(first), len(second)) < FEW:
        return None
    generator = np.random.default_rng(SEED)
    try:
        return bootstrap.studentised(first, second, "iqm", level=LEVEL, resamples=RESAMPLES, rng=generator)
    except ValueError:
        return None


def _tested(pair: Pair) -> Pair:
    """Without a p where there are too few seeds for one."""
    if pair.n >= FEW:
        return pair
    return replace(pair, p=None, test=DESCRIPTIVE, why=f"{pair.n} seeds, a test needs {FEW}; {pair.why}")


def _unmatched(
    place: Place, names: tuple[str, str], left: dict[int, float], right: dict[int, float], matched: bool
) -> str:
    told = f"{place.problem}: {names[0]} and {names[1]} cannot be paired: "
    if not matched:
        return f"{told}they were tested on different rows or episodes"
    alone = sorted(left.keys() ^ right.keys())
    whose = names[0] if alone[0] in left else names[1]
    return f"{told}{len(alone)} seeds are of one alone, such as {alone[0]} of {whose}"
