"""The intervals and tests of paralab.statistics over many simulations at once: (simulations, n) in, (simulations,) out.

Calling the shipped functions 10,000 times at each n would take an hour. Each twin here gives the same figure as the
function it names, which `disagreements` looks up on fresh draws at every run of simulate.py; intervals by resampling
agree but for their random numbers, as the resamples of a chunk of simulations are shared.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, chdtrc, ndtri, stdtr, stdtrit

from paralab.statistics import bootstrap, many, paired, unpaired
from paralab.statistics.exact import rank_sums

Array = NDArray[np.float64]
Ends = tuple[Array, Array]
RESAMPLES, POOLED = (
    1_000,
    400,
)  # in a simulation; POOLED where the values of all tasks have to be put in order each time
CHUNK = 500  # simulations that share their resamples


def mean_difference(d: Array, ratio: float = 0.0, level: float = 0.95) -> Ends:
    half = stdtrit(d.shape[-1] - 1, 0.5 + level / 2) * d.std(-1, ddof=1) * np.sqrt(1 / d.shape[-1] + ratio)
    return d.mean(-1) - half, d.mean(-1) + half


def t_p(d: Array, ratio: float = 0.0) -> Array:
    n = d.shape[-1]
    return 2 * stdtr(n - 1, -np.abs(d.mean(-1)) / (d.std(-1, ddof=1) * np.sqrt(1 / n + ratio)))


def welch(x: Array, y: Array, level: float = 0.95) -> tuple[Array, Array, Array]:
    """Low, high and p."""
    parts = [group.var(-1, ddof=1) / group.shape[-1] for group in (x, y)]
    error2 = parts[0] + parts[1]
    freedom = error2**2 / (parts[0] ** 2 / (x.shape[-1] - 1) + parts[1] ** 2 / (y.shape[-1] - 1))
    value, half = x.mean(-1) - y.mean(-1), stdtrit(freedom, 0.5 + level / 2) * np.sqrt(error2)
    return value - half, value + half, 2 * stdtr(freedom, -np.abs(value) / np.sqrt(error2))


def improvement(x: Array, y: Array) -> Ends:
    wins = (np.sign(x[:, :, None] - y[:, None, :]) + 1) / 2
    share, z = wins.mean((1, 2)), ndtri(0.975)
    reach, pairs = (x.shape[-1] + y.shape[-1]) / 2 - 1, x.shape[-1] * y.shape[-1]

    def variance(at: Array) -> Array:
        return at * (1 - at) * (1 + reach * ((1 - at) / (2 - at) + at / (1 + at))) / pairs

    own = wins.mean(2).var(1, ddof=1) / x.shape[-1] + wins.mean(1).var(1, ddof=1) / y.shape[-1]
    mixed = (share > 0) & (share < 1)
    wider = np.where(mixed, np.maximum(1.0, own / variance(np.where(mixed, share, 0.5))), 1.0)
    ends = []
    for side in (0.0, 1.0):
        inside, outside = share, np.full_like(share, side)
        for _ in range(40):
            middle = (inside + outside) / 2
            far = (share - middle) ** 2 > z**2 * wider * variance(middle)
            inside, outside = np.where(far, inside, middle), np.where(far, middle, outside)
        ends.append(outside)
    return ends[0], ends[1]


def counts(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each of n runs is drawn: (resamples, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples)


def middles(found: Array) -> Ends:
    """The ends of 95 % of the resamples, (simulations, resamples)."""
    low, high = np.quantile(found, [0.025, 0.975], axis=1)
    return low, high


def stratified_mean(scores: Array, rng: np.random.Generator, resamples: int = RESAMPLES) -> Ends:
    """Of (simulations, n, tasks); the optimality gap is that of max(target - score, 0)."""
    _, n, tasks = scores.shape
    found = sum(scores[:, :, task] @ counts(n, resamples, rng).T for task in range(tasks))
    return middles(np.asarray(found) / (n * tasks))


def stratified_iqm(scores: Array, rng: np.random.Generator, resamples: int = POOLED) -> Ends:
    _, n, tasks = scores.shape
    times = np.concatenate([counts(n, resamples, rng) for _ in range(tasks)], axis=1).astype(np.int16)
    cut, found = n * tasks // 4, np.empty((len(scores), resamples))
    for row, values in enumerate(scores.transpose(0, 2, 1).reshape(len(scores), -1)):
        order = np.argsort(values)
        kept = np.clip(np.cumsum(times[:, order], axis=1, dtype=np.int16), cut, n * tasks - cut)
        steps = -np.diff(values[order], append=0.0)  # summed by parts: sum of kept times a step down
        found[row] = (kept @ steps - cut * values[order[0]]) / (n * tasks - 2 * cut)
    return middles(found)


def profile_band(scores: Array, threshold: float) -> Ends:
    """Of (simulations, n, tasks) at one threshold: binomial shares added up, by Fourier instead of one by one."""
    _, n, tasks = scores.shape
    chances = np.diff(bdtr(np.arange(n + 1), n, np.arange(n + 1)[:, None] / n), prepend=0.0)
    length = n * tasks + 1
    above = (scores > threshold).sum(axis=1)
    total = np.fft.irfft(np.fft.rfft(chances, length)[above].prod(axis=1), length).cumsum(axis=1)
    low, high = ((total >= end).argmax(axis=1) / (length - 1) for end in (0.025 + 1e-12, 0.975 - 1e-12))
    return low, high


def improvement_of_tasks(x: Array, y: Array, rng: np.random.Generator, resamples: int = POOLED) -> Ends:
    n, k, tasks = x.shape[1], y.shape[1], x.shape[2]
    found = np.zeros((len(x), resamples), dtype=np.float32)
    for task in range(tasks):
        times, others = (counts(size, resamples, rng).astype(np.float32) for size in (n, k))
        wins = ((np.sign(x[:, :, None, task] - y[:, None, :, task]) + 1) / 2).astype(np.float32)
        found += ((times @ wins) * others).sum(-1)
    return middles(found.astype(np.float64) / (n * k * tasks))


def studentised_iqm(x: Array, y: Array, rng: np.random.Generator, resamples: int = RESAMPLES) -> Ends:
    """Infinite where the shipped function refuses: too many resamples without spread."""
    sides = []
    for group in (x, y):
        n, ordered = group.shape[1], np.sort(group, axis=1)
        whole = np.ones((1, n), dtype=np.int64)
        sides.append((*_winsorised(ordered, whole), *_winsorised(ordered, counts(n, resamples, rng))))
    (one, one_error, ones, one_errors), (two, two_error, twos, two_errors) = sides
    value, error = one - two, np.hypot(one_error, two_error)
    strayed, errors = ones - twos - value, np.hypot(one_errors, two_errors)
    endless = np.where(np.abs(strayed) <= 1e-12 * error, 0.0, np.copysign(np.inf, strayed))
    roots = np.where(errors > 0, strayed / np.where(errors > 0, errors, 1.0), endless)
    low, high = np.quantile(roots, [0.025, 0.975], axis=1, method="inverted_cdf")
    return value[:, 0] - high * error[:, 0], value[:, 0] - low * error[:, 0]


def _winsorised(ordered: Array, times: NDArray[np.int64]) -> tuple[Array, Array]:
    """IQM and Yuen's standard error of every resample of every row: (simulations, resamples) each."""
    n = ordered.shape[1]
    cut = n // 4
    total = np.cumsum(times, axis=1)
    weight = np.diff(np.clip(total, cut, n - cut), axis=1, prepend=cut).astype(np.float64)
    first, last = (total > cut).argmax(axis=1), (total >= n - cut).argmax(axis=1)
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    sums = centred @ weight.T
    squares = centred**2 @ weight.T + cut * (centred[:, first] ** 2 + centred[:, last] ** 2)
    squares -= (sums + cut * (centred[:, first] + centred[:, last])) ** 2 / n
    squares[:, first == last] = 0.0
    kept = n - 2 * cut
    return sums / kept + ordered.mean(axis=1, keepdims=True), np.sqrt(np.maximum(squares, 0) / (kept * (kept - 1)))


def sign_flip(d: Array) -> Array:
    """All signs of up to 12 differences; beyond, the shipped function row by row."""
    if d.shape[1] > 12:
        return np.array([paired.sign_flip(row) for row in d])
    signs = np.array(list(product([1.0], *([[1.0, -1.0]] * (d.shape[1] - 1))))).T
    return beyond(d @ signs)


def permutation(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """All deals up to 8 runs a group; beyond, 2,000 random ones beside the one that happened."""
    pool, n = np.concatenate([x, y], axis=1), x.shape[1]
    pool -= pool.mean(axis=1, keepdims=True)
    if n <= 8:
        return beyond(pool @ deals(n).T)
    random = rng.permuted(np.tile(deals_first(n), (2_000, 1)), axis=1)
    return beyond(pool @ np.concatenate([deals_first(n), random]).T)


@cache
def deals(n: int) -> Array:
    return np.array([[float(run in chosen) for run in range(2 * n)] for chosen in combinations(range(2 * n), n)])


def deals_first(n: int) -> Array:
    return np.repeat([[1.0, 0.0]], n, axis=1)


def beyond(sums: Array) -> Array:
    """The share of sums as far out as the first of their row."""
    return (np.abs(sums) >= np.abs(sums[:, :1]) * (1 - 1e-9) - 1e-13).mean(axis=1)


def ranked(values: Array) -> NDArray[np.int64]:
    """From 1 along the last axis; ties do not happen here, and would not be shared."""
    return values.argsort(-1).argsort(-1) + 1


def wilcoxon(d: Array) -> Array:
    """Of differences without ties or zeros."""
    n = d.shape[-1]
    chances = rank_sums(np.arange(1, n + 1))
    positive = (ranked(np.abs(d)) * (d > 0)).sum(-1).astype(int)
    tail = np.cumsum(chances[::-1])[::-1]
    return np.minimum(1.0, 2 * tail[np.maximum(positive, n * (n + 1) // 2 - positive)])


def friedman(scores: Array) -> Array:
    """Of (simulations, data sets, methods) without ties."""
    _, sets, k = scores.shape
    sums = ranked(scores).sum(axis=1) - sets * (k + 1) / 2
    return chdtrc(k - 1, 12 * (sums**2).sum(axis=1) / (sets * k * (k + 1)))


def least_of_wilcoxon_holm(scores: Array) -> Array:
    """The least adjusted p of all pairs: under alpha wherever one is called different."""
    one, two = np.triu_indices(scores.shape[2], 1)
    return len(one) * np.min([wilcoxon(scores[:, :, i] - scores[:, :, j]) for i, j in zip(one, two, strict=True)], 0)


def disagreements(rng: np.random.Generator, resampling: bool = True) -> list[str]:
    """Twins that differ from what they stand for, on a few draws each; those by resampling take a second."""
    found = []

    def same(name: str, twin: object, shipped: object, tolerance: float = 1e-9) -> None:
        if not np.allclose(np.ravel(twin), np.ravel(shipped), rtol=tolerance, atol=tolerance):
            found.append(f"{name}: {twin} here, {shipped} shipped")

    for n in (3, 6, 10):
        x, y = rng.normal(size=n) ** 3, rng.normal(0.4, 0.6, n)
        tasks, others = rng.normal(size=(2, n, 6)) + np.arange(6)
        for ratio in (0.0, 0.43):
            interval, p = paired.corrected_t(x, ratio)
            same("t", (*mean_difference(x[None], ratio), t_p(x[None], ratio)), (interval.low, interval.high, p))
        interval, p = unpaired.welch(x, y)
        same("welch", welch(x[None], y[None]), (interval.low, interval.high, p))
        interval = unpaired.improvement(x, y)
        same("improvement", improvement(x[None], y[None]), (interval.low, interval.high), 1e-6)
        same("sign flips", sign_flip(x[None]), paired.sign_flip(x))
        same(
            "permutation", permutation(x[None], y[None], rng), unpaired.permutation(x, y, rng), 1e-9 if n < 9 else 0.05
        )
        same("wilcoxon", wilcoxon(x[None]), paired.wilcoxon(x))
        same("friedman", friedman(tasks[None]), many.friedman(tasks))
        least = many.wilcoxon_holm(others)[np.triu_indices(6, 1)].min()
        same("wilcoxon holm", np.minimum(1, least_of_wilcoxon_holm(others[None])), least)
        band = bootstrap.profile_band(tasks, [2.5])
        same("profile", profile_band(tasks[None], 2.5), (band.low, band.high))
        if not resampling:
            continue
        drawn = bootstrap.stratified(tasks, "mean", resamples=20_000, rng=rng)
        same("mean", stratified_mean(tasks[None], rng, 20_000), (drawn.low, drawn.high), 0.02)
        drawn = bootstrap.stratified(tasks, "iqm", resamples=20_000, rng=rng)
        same("iqm", stratified_iqm(tasks[None], rng, 20_000), (drawn.low, drawn.high), 0.02)
        drawn = unpaired.improvement(tasks, others, rng=rng)
        same(
            "improvement of tasks",
            improvement_of_tasks(tasks[None], others[None], rng, 10_000),
            (drawn.low, drawn.high),
            0.02,
        )
        if n > 3:  # of 3 runs a resample has so few values that its ends jump
            drawn = bootstrap.studentised(x, y, "iqm", resamples=40_000, rng=rng)
            twin = studentised_iqm(x[None], y[None], rng, 40_000)
            same("studentised", twin, (drawn.low, drawn.high), 0.12)
    return found
