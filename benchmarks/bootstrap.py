"""Our bootstraps against scipy.stats.bootstrap on the same scores: how fast, and whether the intervals are the same.

benchmarks/bootstrap.py [--quick]: a 10 x 6 matrix stratified by task and one task of 10 and of 30 runs, mean and
interquartile mean, 50,000 resamples a side, in turns, nine rounds, with --quick three; one thread, in one process, the
imports done; CPU seconds, the best of three calls a round. The must is the matrix's: of one task scipy takes only a
few milliseconds itself, and the ratio is shown. scipy is given its best: vectorised statistics (numpy's mean, its own
trim_mean on the samples joined). An interval's ends may differ by five Monte Carlo errors, estimated from the calls of
both sides, whose seeds all differ.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import fmean, median, stdev

from paralab.threads import VARIABLES

os.environ.update(dict.fromkeys(VARIABLES, "1"))

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from side_by_side import Row, close, row

from paralab.statistics.bootstrap import Statistic, stratified

RESAMPLES = 50_000
TRIES = 3
CASES: tuple[tuple[int, int, Statistic], ...] = (
    (10, 6, "iqm"), (10, 6, "mean"), (10, 1, "iqm"), (10, 1, "mean"), (30, 1, "iqm"), (30, 1, "mean"),
)  # fmt: skip
Ends = tuple[float, float]


def main() -> int:
    rounds = 3 if "--quick" in sys.argv[1:] else 9
    rows, agree = [], []
    for runs, tasks, statistic in CASES:
        scores = np.random.default_rng(runs * tasks).beta(4, 3, size=(runs, tasks))
        name = f"{statistic} of {runs} x {tasks}"
        pairs, mine, theirs = _rounds(scores, statistic, rounds)
        rows.append(row(f"{name}, {RESAMPLES:,} resamples", pairs, must=1 / 5 if tasks > 1 else None))
        if tasks > 1:
            seconds = median(ours for ours, _ in pairs)
            rows.append(Row(f"{name}, against half a second", seconds, 0.5, seconds / 0.5, 1.0))
        agree += [_apart(name, end, mine, theirs) for end in (0, 1)]
    return close("bootstrap", [*rows, *agree], {"rounds": rounds, "resamples": RESAMPLES})


def _rounds(
    scores: NDArray[np.float64], statistic: Statistic, rounds: int
) -> tuple[list[tuple[float, float]], list[Ends], list[Ends]]:
    """Seconds and intervals of both sides, a round each."""
    sides: dict[str, Callable[[int], Ends]] = {
        "ours": lambda seed: _ours(scores, statistic, seed),
        "theirs": lambda seed: _theirs(scores, statistic, seed),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    found: dict[str, list[Ends]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            taken = []
            for again in range(TRIES):
                start = time.process_time()
                found[name].append(sides[name](turn * TRIES + again))
                taken.append(time.process_time() - start)
            seconds[name].append(min(taken))
    return list(zip(seconds["ours"], seconds["theirs"], strict=True)), found["ours"], found["theirs"]


def _ours(scores: NDArray[np.float64], statistic: Statistic, seed: int) -> Ends:
    found = stratified(scores, statistic, resamples=RESAMPLES, rng=np.random.default_rng([1, seed]))
    return found.low, found.high


def _theirs(scores: NDArray[np.float64], statistic: Statistic, seed: int) -> Ends:
    def joined(*drawn: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        values = np.concatenate(drawn, axis=axis) if len(drawn) > 1 else drawn[0]
        return values.mean(axis=axis) if statistic == "mean" else np.asarray(stats.trim_mean(values, 0.25, axis=axis))

    found = stats.bootstrap(
        tuple(scores.T),
        joined,
        n_resamples=RESAMPLES,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng([2, seed]),
    ).confidence_interval
    return float(found.low), float(found.high)


def _apart(name: str, end: int, mine: list[Ends], theirs: list[Ends]) -> Row:
    """The rounds' mean end of each side, and their distance over five of its errors, as its ratio."""
    ours, other = [each[end] for each in mine], [each[end] for each in theirs]
    error = (stdev(ours) ** 2 / len(ours) + stdev(other) ** 2 / len(other)) ** 0.5
    apart = abs(fmean(ours) - fmean(other))
    ratio = apart / (5 * error) if error else float(apart > 1e-12)
    return Row(f"{name}, {('low', 'high')[end]} end, apart / 5 errors", fmean(ours), fmean(other), ratio, 1.0)


if __name__ == "__main__":
    sys.exit(main())
