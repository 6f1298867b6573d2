"""What a statistic is under resampling with replacement, a million draws in a few milliseconds.

A resample of n runs is n draws of 1 in n; or n/k draws of 1 in n**k, each a tuple of k runs whose sum is in a table:
the same distribution, k times fewer draws. A mean needs the sum of the scores, an interquartile mean only how often
each run was drawn: in the order of the scores, sums of these counts tell what of each step between two of them is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paralab.statistics.aggregate import iqm

Rows = NDArray[Any]  # (runs, ...): floats or counts
TABLE = 1 << 14  # rows: .2 MB at ten runs a task, within the processor's cache
CHUNK = 1 << 20  # numbers at a time
MANY = 128  # runs a task: above it sorting is as fast as counting


def means(scores: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of scores (runs, tasks) with the runs of each task drawn anew: (resamples,)."""
    found = np.zeros(resamples)
    for column in np.ascontiguousarray(scores.T):
        tables = _tables(column)
        for start in range(0, resamples, CHUNK // 64):
            part = found[start : start + CHUNK // 64]
            part += _sums(tables, len(part), rng)
    return found / scores.size


def iqms(scores: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The interquartile means of the scores (runs, tasks) taken together, drawn likewise: (resamples,)."""
    runs, tasks = scores.shape
    if runs > MANY:
        return _sorted_iqms(scores, resamples, rng)
    size, cut = scores.size, scores.size // 4
    places = np.argsort(scores.T, axis=None)
    ordered = scores.T.ravel()[places]
    steps = np.diff(ordered) / (size - 2 * cut)
    count = np.min_scalar_type(size)
    low, high = count.type(cut), count.type(size - cut)
    tables = _tables(np.eye(runs, runs + -runs % 16, dtype=count))  # rows of 16 bytes are copied three times as fast
    found = np.full(resamples, ordered[-1])
    chunk = max(1, CHUNK // size)
    for start in range(0, resamples, chunk):
        part = found[start : start + chunk]
        times = [_sums(tables, len(part), rng) for _ in range(tasks)]
        below, kept = np.zeros(len(part), count), np.empty(len(part), count)
        lost = np.empty(len(part))
        for rank, place in enumerate(places[:-1].tolist()):
            column = times[place // runs]
            below += column[:, place % runs]  # how many of those drawn lie below the step above this score
            if below.max() <= low:  # the step is cut in every resample
                continue
            if below.min() >= high:  # it is kept whole in every one, and so are all above
                part -= ordered[-1] - ordered[rank]
                break
            np.minimum(np.maximum(below, low, out=kept), high, out=kept)
            kept -= low
            part -= np.multiply(kept, steps[rank], out=lost)
    return found


def _sorted_iqms(scores: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    runs, tasks = scores.shape
    columns, starts = np.ascontiguousarray(scores.T).ravel(), runs * np.arange(tasks)[:, None]
    chunk = max(1, CHUNK // scores.size)
    found = np.empty(resamples)
    for start in range(0, resamples, chunk):
        part = found[start : start + chunk]
        drawn = columns[rng.integers(0, runs, (len(part), tasks, runs)) + starts]
        part[:] = iqm(drawn.reshape(len(part), -1), axis=-1)
    return found


def _tables(rows: Rows) -> list[Rows]:
    """Tables of the sums of every tuple of rows, one a draw: together the tuples are as long as there are rows."""
    runs = len(rows)
    longest = max(1, min(runs, int(math.log(TABLE) / math.log(runs) + 1e-9)))
    whole, rest = divmod(runs, longest)
    return [_tuples(rows, longest)] * whole + ([_tuples(rows, rest)] if rest else [])


def _tuples(rows: Rows, length: int) -> Rows:
    table = rows
    for _ in range(length - 1):
        table = (table[:, None] + rows).reshape(-1, *rows.shape[1:])
    return table


def _sums(tables: Sequence[Rows], resamples: int, rng: np.random.Generator) -> Rows:
    """One row drawn from each table and added up, (resamples, ...)."""
    total = np.zeros((resamples, *tables[0].shape[1:]), tables[0].dtype)
    drawn = np.empty_like(total)
    for table in tables:
        picks = rng.integers(0, len(table), resamples)
        total += table.take(picks, axis=0, out=drawn, mode="clip")  # not out of range, and "raise" would buffer
    return total
