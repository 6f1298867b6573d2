"""How often the lab's tests call equal learners different, and how often its 95 % intervals hold the truth.

At least 10,000 simulations of each entry, each of several distributions of scores; for tests that correct for splits
sharing rows, real learners on simulated data sets (simulate_learners.py). The default tests must stay at or under 6 %
false positives at alpha .05 (exit 1 where one does not), and an interval becomes a default only from the n at which it
holds the truth 93 % of the time. The same seed gives the same page.

benchmarks/simulate.py [--quick] [--write]     --write: docs/statistics.md anew; --quick: 600 simulations, never written
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import simulate_learners as learners
import simulate_methods as methods
from numpy.typing import NDArray
from simulate_page import Entry, page

from paralab.statistics.aggregate import iqm
from paralab.statistics.spending import nominal

Array = NDArray[np.float64]
HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "statistics.md"
SIMULATIONS, QUICK = 10_000, 600
SEED = 20_261_122
SIZES = (3, 5, 6, 8, 10, 20, 30)
TESTED = (6, 8, 10, 20)
TASKS = 6
HEIGHTS = np.arange(TASKS) * 0.5
TRUTH = 2_000_000  # draws that stand for a whole distribution
LOOKS = ((6, 8, 10), (10, 20), (5, 10, 15, 20, 25, 30))
SHAPES = ("normal", "skewed", "two humps")


def scores(shape: str, rng: np.random.Generator, size: int | Sequence[int], width: float = 1.0) -> Array:
    """Of mean 0, so that a second learner of another width is as good: that differs in all but its mean.

    normal; skewed as accuracies near their ceiling (gamma of shape 2 turned over, skewness -1.4); two humps as returns
    of which 70 % solve the task and the others stay far below.
    """
    if shape == "normal":
        return width * rng.normal(size=size)
    if shape == "skewed":
        return width * (2 - rng.gamma(2.0, size=size))
    solved = rng.random(size) < 0.7
    return width * (np.where(solved, rng.normal(3.0, 0.4, size), rng.normal(-7.0, 1.2, size)))


def chunks(simulations: int) -> Iterator[int]:
    for start in range(0, simulations, methods.CHUNK):
        yield min(methods.CHUNK, simulations - start)


def share(simulations: int, held: Callable[[int], Array]) -> float:
    """How often it held, asked in chunks."""
    return float(np.concatenate([held(count) for count in chunks(simulations)]).mean())


def inside(ends: methods.Ends, truth: float) -> Array:
    return np.asarray((ends[0] <= truth) & (truth <= ends[1]), dtype=np.float64)


@cache
def truths_of_one_task(shape: str) -> tuple[float, float]:
    """Of the two learners of coverage_of_one_task: the probability of improvement and the difference of IQMs."""
    whole = np.random.default_rng(SEED)
    one, two = scores(shape, whole, TRUTH), scores(shape, whole, TRUTH, 0.5) - 0.3
    return float((one > two).mean()), iqm(one) - iqm(two)


@cache
def truths_of_tasks(shape: str) -> tuple[float, float, float, float, float]:
    """IQM; a target, the gap to it; a threshold, the share above it."""
    pool = scores(shape, np.random.default_rng(SEED), (TRUTH // TASKS, TASKS)) + HEIGHTS
    target, level = np.quantile(pool, [0.8, 0.5])
    gap, above = np.maximum(target - pool, 0).mean(), (pool > level).mean()
    return iqm(pool), float(target), float(gap), float(level), float(above)


def coverage_of_one_task(shape: str, n: int, simulations: int, rng: np.random.Generator) -> Iterator[Entry]:
    """The second learner is half as wide, and lies .3 lower."""

    def pair(count: int) -> tuple[Array, Array]:
        return scores(shape, rng, (count, n)), scores(shape, rng, (count, n), 0.5) - 0.3

    def of(name: str, truth: float, ends: Callable[[Array, Array], methods.Ends]) -> Entry:
        return Entry("coverage", name, shape, n, share(simulations, lambda count: inside(ends(*pair(count)), truth)))

    better, gap = truths_of_one_task(shape)
    yield of("t of one mean", 0.0, lambda x, _: methods.mean_difference(x))
    yield of("t, of paired differences", 0.3, lambda x, y: methods.mean_difference(x - y))
    yield of("Welch t", 0.3, lambda x, y: methods.welch(x, y)[:2])
    yield of("Newcombe, probability of improvement", better, methods.improvement)
    yield of("studentised bootstrap, IQMs", gap, lambda x, y: methods.studentised_iqm(x, y, rng))
    yield of("percentile bootstrap", 0.0, lambda x, _: methods.stratified_mean(x[..., None], rng))


def coverage_of_tasks(shape: str, n: int, simulations: int, rng: np.random.Generator) -> Iterator[Entry]:
    """Six tasks at HEIGHTS."""

    def drawn(count: int, generator: np.random.Generator = rng, width: float = 1.0) -> Array:
        return scores(shape, generator, (count, n, TASKS), width) + HEIGHTS

    def of(name: str, truth: float, ends: Callable[[int], methods.Ends]) -> Entry:
        return Entry("coverage", name, shape, n, share(simulations, lambda count: inside(ends(count), truth)))

    pooled, target, missing, level, above = truths_of_tasks(shape)
    better, _ = truths_of_one_task(shape)
    yield of("profile, band at the median", above, lambda k: methods.profile_band(drawn(k), level))
    yield of("stratified bootstrap, IQM", pooled, lambda k: methods.stratified_iqm(drawn(k), rng))
    yield of("stratified bootstrap, mean", float(HEIGHTS.mean()), lambda k: methods.stratified_mean(drawn(k), rng))
    yield of(
        "stratified bootstrap, optimality gap",
        missing,
        lambda k: methods.stratified_mean(np.maximum(target - drawn(k), 0), rng),
    )
    yield of(
        "stratified bootstrap, probability of improvement",
        better,
        lambda k: methods.improvement_of_tasks(drawn(k), drawn(k, width=0.5) - 0.3, rng),
    )


def resampled(simulations: int, rng: np.random.Generator) -> Iterator[Entry]:
    """Real learners on data sets: what is not called different is what the interval covers, the difference being 0."""
    for name in ("centroids", "nearest neighbour", "centroids, 20 labels"):
        d = learners.differences(name, simulations, max(SIZES), rng)
        for test, ratio in (
            ("paired t", 0.0),
            ("corrected t, .43", learners.RATIO),
            ("corrected t, .61", learners.WIDER),
        ):
            for n in SIZES:
                yield Entry("resampled", test, name, n, float((p_of(d[:, :n], ratio) < 0.05).mean()))
        for test, ratio in (("corrected t, .43", learners.RATIO), ("corrected t, .61", learners.WIDER)):
            p = np.stack([p_of(d[:, :n], ratio) for n in LOOKS[-1]], axis=1)
            yield from looked(test, name, LOOKS[-1], p)


def folded(simulations: int) -> Iterator[Entry]:
    """Five folds a seed; nearest neighbours up to 6 seeds, as they take their time."""
    rng = np.random.default_rng([SEED, 5])
    for name, seeds in (("centroids, folds", 10), ("nearest neighbour, folds", 6)):
        each = learners.differences(name, simulations, seeds, rng)
        means = each.reshape(len(each), -1, learners.FOLDS).mean(axis=2)
        for n in (size for size in SIZES if size <= seeds):
            folds = each[:, : n * learners.FOLDS]
            for test, d, ratio in (
                ("paired t, on all folds", folds, 0.0),
                ("corrected t, 1.25 on seeds' means", means[:, :n], 1.25),
                ("corrected t, .25 on all folds", folds, 0.25),
                ("corrected t, .31 on all folds", folds, learners.OF_FOLDS),
            ):
                yield Entry("resampled", test, name, n, float((p_of(d, ratio) < 0.05).mean()))


def nine_tenths(simulations: int) -> Iterator[Entry]:
    """Splits with few test rows: what the ratio leaves out weighs the most there."""
    rng = np.random.default_rng([SEED, 90])
    for name in ("centroids, 90 % shown", "nearest neighbour, 90 % shown"):
        d = learners.differences(name, simulations, max(TESTED[:-1]), rng)
        for n in (size for size in SIZES if size <= d.shape[1]):
            found = float((p_of(d[:, :n], learners.WIDER_OF_MORE) < 0.05).mean())
            yield Entry("resampled", "corrected t, .12", name, n, found)


def p_of(d: Array, ratio: float) -> Array:
    """Of rows without spread: by sign flips, as the shipped function."""
    p = np.ones(len(d))
    spread = d.std(axis=1) > 1e-9
    p[spread] = methods.t_p(d[spread], ratio)
    p[~spread] = methods.sign_flip(d[~spread][:, :12]) if (~spread).any() else 1.0
    return p


def false_positives(shape: str, n: int, simulations: int, rng: np.random.Generator) -> Iterator[Entry]:
    def of(name: str, p: Callable[[int], Array]) -> Entry:
        return Entry("false", name, shape, n, share(simulations, lambda count: p(count) < 0.05))

    def pair(count: int) -> tuple[Array, Array]:
        return scores(shape, rng, (count, n)), scores(shape, rng, (count, n))

    def of_sets(k: int) -> Callable[[int], Array]:
        """Data sets differ in height and width; methods on one do not."""
        return lambda count: scores(shape, rng, (count, n, k)) * rng.lognormal(size=(count, n, 1))

    def apart(ends: methods.Ends) -> Array:
        return np.asarray(1 - inside(ends, 0.0))

    yield of("paired t", lambda count: methods.t_p(np.subtract(*pair(count))))
    yield of("sign flips, paired", lambda count: methods.sign_flip(np.subtract(*pair(count))))
    yield of("Welch t", lambda count: methods.welch(*pair(count))[2])
    yield of("permutation", lambda count: methods.permutation(*pair(count), rng))
    yield of("studentised bootstrap, IQMs", lambda count: 1 - apart(methods.studentised_iqm(*pair(count), rng)))
    yield of("Wilcoxon over n data sets", lambda count: methods.wilcoxon(np.subtract(*of_sets(2)(count).T).T))
    for k in (3, 5):
        yield of(f"Friedman, {k} methods on n data sets", lambda count, k=k: methods.friedman(of_sets(k)(count)))
        yield of(
            f"Wilcoxon–Holm, {k} methods, any pair",
            lambda count, k=k: methods.least_of_wilcoxon_holm(of_sets(k)(count)),
        )


def sequential(shape: str, looks: tuple[int, ...], simulations: int, rng: np.random.Generator) -> Iterator[Entry]:
    x, y = (scores(shape, rng, (simulations, looks[-1])) for _ in range(2))
    yield from looked("paired t", shape, looks, np.stack([methods.t_p(x[:, :n] - y[:, :n]) for n in looks], axis=1))


def looked(test: str, shape: str, looks: tuple[int, ...], p: Array) -> Iterator[Entry]:
    levels = nominal(0.05, [n / looks[-1] for n in looks])
    told = ", ".join(map(str, looks))
    yield Entry("looks", f"{test} at .05 each time", f"{shape}; {told}", len(looks), float((p < 0.05).any(1).mean()))
    yield Entry("looks", f"{test}, alpha spent", f"{shape}; {told}", len(looks), float((p <= levels).any(1).mean()))


def simulate(simulations: int) -> list[Entry]:
    if wrong := methods.disagreements(np.random.default_rng(SEED)):
        sys.exit("\n".join(["these are not what they stand for:", *wrong]))
    found: list[Entry] = []
    rng = np.random.default_rng(SEED)
    start = time.perf_counter()
    for shape in SHAPES:
        for n in SIZES:
            found += coverage_of_one_task(shape, n, simulations, rng)
            found += coverage_of_tasks(shape, n, simulations, rng)
        for n in TESTED:
            found += false_positives(shape, n, simulations, rng)
        for looks in LOOKS:
            found += sequential(shape, looks, simulations, rng)
        print(f"{shape}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    found += resampled(simulations, rng)
    found += folded(simulations)
    found += nine_tenths(simulations)
    print(f"resampled data sets: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return found


def main() -> int:
    quick, simulations = "--quick" in sys.argv, QUICK if "--quick" in sys.argv else SIMULATIONS
    found = simulate(simulations)
    text, missed = page(found, simulations)
    print(text)
    if not quick:
        kept = HERE / "results" / f"simulate-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        kept.write_text(json.dumps({"simulations": simulations, "entries": [asdict(each) for each in found]}) + "\n")
    if "--write" in sys.argv and not quick:
        PAGE.write_text(text, encoding="utf-8")
    print("\n".join(missed), file=sys.stderr)
    return 1 if missed and not quick else 0


if __name__ == "__main__":
    sys.exit(main())
