"""A rule's answer from the paired differences alone: alpha is spent over the looks declared, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paralab.statistics.interval import NO_SPREAD, Interval
from paralab.statistics.paired import corrected_t, mean_difference
from paralab.statistics.spending import nominal

Answer = Literal["yes", "no", "not yet"]
LEAST = 1e-12  # of a look's nominal level: a fraction of one percent of the seeds spends less than floats tell from 0


@dataclass(frozen=True)
class Look:
    """What was seen at the latest look that counts: the one that answered, else the last one reached."""

    place: int  # among the declared ones, from 0
    seeds: int
    effect: Interval  # at the look's own level
    answer: Answer
    shown: bool  # False of a "no" that only says: not shown


def look(
    differences: NDArray[np.float64],
    looks: Sequence[int],
    alpha: float,
    at_least: float,
    ratio: float | None = None,
    copies: bool = False,
) -> Look | None:
    """The first declared look that answers, else the last one reached; None before the first.

    `differences` (n,): candidate - baseline, in the order of the seeds. At each look only that many of them count, so
    neither more looks nor more seeds change an answer. "yes" where the interval lies above `at_least`, "no" where below
    it; after the last look what is not shown is "no". `ratio` is that of the corrected resampled t, None where the test
    rows are fixed. `copies`: all seeds gave the same answers, so there is one pair, however often it was run.
    """
    seen: Look | None = None
    levels = _levels(alpha, tuple(looks))
    for place, seeds in enumerate(looks):
        if len(differences) < seeds:
            break
        level = levels[place]
        counted = differences[:seeds]
        effect = mean_difference(counted, 1 - level) if ratio is None else corrected_t(counted, ratio, 1 - level)[0]
        tells = effect.method != NO_SPREAD or (not copies and 2.0 ** (1 - seeds) <= level)  # by signs alone
        if tells and effect.low > at_least:
            return Look(place, seeds, effect, "yes", True)
        if tells and effect.high < at_least:
            return Look(place, seeds, effect, "no", True)
        last = place == len(looks) - 1
        seen = Look(place, seeds, effect, "no" if last else "not yet", False)
    return seen


@cache
def _levels(alpha: float, looks: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(max(float(level), LEAST) for level in nominal(alpha, [seeds / looks[-1] for seeds in looks]))
