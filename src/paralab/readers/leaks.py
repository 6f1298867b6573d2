"""Columns that tell the target almost by themselves: mostly something that is known only after the answer is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from gymnasium.spaces import Dict

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.named import Category
from paralab.readers.kinds import quoted, say

BINS, ROWS_A_BIN = 64, 20  # of a number, by rank; and rows that a value must have on average to tell anything
LEFT = 0.05  # share of the majority's mistakes that is left when one column is known
ENOUGH = 20  # mistakes of the majority, or rows, below which nothing is said
ALIKE = 0.995  # of |correlation|, or the square root of the variance that a column explains


def leaks(data: Dataset, names: list[str], sample: Array, targets: Array) -> Iterator[str]:
    """A line a suspect; `sample` (k, d) float64 are rows as a matrix, `targets` (k,) their answers."""
    if len(targets) < ENOUGH or (not data.classes and not np.ptp(targets)):
        return
    for place, name in enumerate(names):
        named = isinstance(data.space, Dict) and isinstance(data.space.spaces[name], Category)
        found = (_purity if data.classes else _fit)(sample[:, place], targets, named)
        if found:
            yield f"column {quoted(name)} {found}: known before the answer? If not: {say(name, 'drop')}"


def _purity(values: Array, classes: Array, named: bool) -> str | None:
    """How well the commonest class of each value, or of each bin, tells the class."""
    bins, count = _binned(values, named)
    if count * ROWS_A_BIN > len(values) or count < 2:
        return None
    wide = int(classes.max()) + 1
    table = np.bincount(bins * wide + classes, minlength=count * wide).reshape(count, wide)
    before = len(classes) - int(np.bincount(classes).max())
    after = len(classes) - int(table.max(axis=1).sum())
    if before < ENOUGH or after > LEFT * before:
        return None
    return f"alone tells {1 - after / len(classes):.1%} of the classes"


def _fit(values: Array, targets: Array, named: bool) -> str | None:
    if named:
        bins, count = _binned(values, named)
        if count * ROWS_A_BIN > len(values) or count < 2:
            return None
        sizes = np.bincount(bins, minlength=count)
        means = np.bincount(bins, targets, minlength=count) / np.maximum(sizes, 1)
        alike = float(np.sqrt(np.sum(sizes * (means - targets.mean()) ** 2) / np.sum((targets - targets.mean()) ** 2)))
        return f"alone explains the target (correlation ratio {alike:.3f})" if alike > ALIKE else None
    known = ~np.isnan(values)
    if known.sum() < ENOUGH or not np.ptp(values[known]) or not np.ptp(targets[known]):
        return None
    linear = _correlation(values[known], targets[known])
    ranked = _correlation(_ranks(values[known]), _ranks(targets[known]))
    best = max(abs(linear), abs(ranked))
    return f"follows the target (correlation {best:.3f})" if best > ALIKE else None


def _binned(values: Array, named: bool) -> tuple[Array, int]:
    """A bin for each row, missing ones their own, and the number of bins."""
    distinct, bins = np.unique(values, return_inverse=True)
    if named or len(distinct) <= BINS:
        return bins, len(distinct)
    known = ~np.isnan(values)
    count = int(np.clip(known.sum() // ROWS_A_BIN, 2, BINS))
    edges = np.sort(values[known])[np.arange(1, count) * known.sum() // count]
    bins = np.where(known, np.searchsorted(edges, np.where(known, values, 0.0), side="right"), count)
    return bins, count + 1 if not known.all() else count


def _ranks(values: Array) -> Array:
    """Equal values have equal ranks."""
    return np.unique(values, return_inverse=True)[1].astype(np.float64)


def _correlation(one: Array, other: Array) -> float:
    scale = max(float(np.abs(one).max()), 1.0), max(float(np.abs(other).max()), 1.0)  # squares stay finite
    a, b = one / scale[0], other / scale[1]
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b) / norm) if norm else 0.0
