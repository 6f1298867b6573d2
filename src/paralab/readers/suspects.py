"""What looks wrong with a data set, a line each; looks at a sample first, so that every load can afford it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from gymnasium.spaces import Dict

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.datasets.rows import matrix
from paralab.named import Category
from paralab.readers.kinds import listed, quoted
from paralab.readers.leaks import leaks

CELLS = 200_000  # of the sample: 10,000 rows of 20 columns, 50 ms
LEAST, MOST = 500, 10_000  # rows of it
EMPTY = 0.5  # share of a column that is missing
RARE_SHARE, RARE_ROWS = 0.01, 5  # of a class
ROWS = 50_000  # in which equal rows are looked for on every load, 50 ms


def suspects(data: Dataset, equal_rows: bool | None = None) -> tuple[str, ...]:
    """Warnings about constant, mostly missing and equal columns, equal rows, rare classes and leaks of the target.

    `equal_rows`: look for them, as is otherwise done in small tables only.
    """
    if not len(data.inputs):
        return ()
    names = column_names(data)
    size = int(np.clip(CELLS // max(1, len(names)), LEAST, MOST))
    picked = np.unique(np.linspace(0, len(data.inputs) - 1, min(size, len(data.inputs))).astype(np.int64))
    sample = matrix(data.inputs[picked], data.space)
    return (
        *_columns(data, names, sample),
        *_equal_columns(data, names, sample),
        *(_equal_rows(data) if equal_rows or (equal_rows is None and len(data.inputs) <= ROWS) else ()),
        *_rare(data),
        *leaks(data, names, sample, data.targets[picked]),
    )


def column_names(data: Dataset) -> list[str]:
    if isinstance(data.space, Dict):
        return list(data.space.spaces)
    return [f"x{place}" for place in range(int(np.prod(data.space.shape)))]


def column(data: Dataset, place: int, inputs: Array | None = None) -> Array:
    """All rows of one column, (n,) float64 or codes; of other rows of the same data where `inputs` are given."""
    rows = data.inputs if inputs is None else inputs
    if isinstance(data.space, Dict):
        return np.asarray(rows[rows.dtype.names[place]])  # type: ignore[index]
    return np.asarray(rows.reshape(len(rows), -1)[:, place])


def missing(values: Array) -> Array:
    return np.asarray(np.isnan(values) if values.dtype.kind == "f" else values < 0)


def marks(data: Dataset, rows: Array | None = None) -> Array:
    """A 64-bit mark of the inputs of each row, (n,) or of `rows`, the same for the same inputs."""
    inputs = data.inputs if rows is None else data.inputs[rows]
    found = np.zeros(len(inputs), np.uint64)
    for place in range(len(column_names(data))):
        values = column(data, place, inputs).astype(np.float64)
        plain = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no -0.
        found = (found ^ plain.view(np.uint64) ^ (found >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(32)
    return found


def _columns(data: Dataset, names: list[str], sample: Array) -> Iterator[str]:
    constant: list[str] = []
    for place, name in enumerate(names):
        kind = data.space.spaces[name] if isinstance(data.space, Dict) else None
        some = sample[:, place]
        gone = some < 0 if isinstance(kind, Category) else np.isnan(some)
        if gone.mean() > EMPTY - 0.05:
            share = float(missing(column(data, place)).mean())
            if share > EMPTY:
                yield f"column {quoted(name)}: {share:.1%} of its values are missing"
        known = some[~gone]
        if not len(known) or (known == known[0]).all():
            values = column(data, place)
            values = values[~missing(values)]
            if len(values) and (values == values[0]).all():
                constant.append(name)
    if constant:
        yield f"one value only, which tells nothing: {listed(constant)}"


def _equal_columns(data: Dataset, names: list[str], sample: Array) -> Iterator[str]:
    seen: dict[bytes, int] = {}
    for place in range(len(names)):
        some = np.ascontiguousarray(sample[:, place]) + 0.0
        first = seen.setdefault(some.tobytes(), place)
        if first == place or (some == some[0]).all() or np.isnan(some).all():
            continue
        one, other = column(data, first), column(data, place)
        if np.array_equal(one, other, equal_nan=True):
            yield f"columns {quoted(names[first])} and {quoted(names[place])} are equal in every row"


def _equal_rows(data: Dataset) -> Iterator[str]:
    again = len(data.inputs) - len(np.unique(marks(data)))
    if again:
        yield f"{again:,} of {len(data.inputs):,} rows repeat the inputs of another: a split may part them"


def _rare(data: Dataset) -> Iterator[str]:
    if not data.classes:
        return
    counts = np.bincount(data.targets, minlength=len(data.classes))
    few = [place for place, count in enumerate(counts) if count < RARE_ROWS]
    rare = [place for place, count in enumerate(counts) if RARE_ROWS <= count < RARE_SHARE * counts.sum()]
    remedy = {"a split may leave it out": few, "accuracy hardly counts it, balanced_accuracy does": rare}
    for why, places in remedy.items():
        if places:
            named = listed([f"{data.classes[place]} ({counts[place]:,})" for place in places])
            yield f"rare among {counts.sum():,} rows: {named}: {why}"
