"""Columns as they were read become one structured array; each batch is given back as it is copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium.spaces import Box, Dict

from paralab.core import Array, Space
from paralab.named import Category
from paralab.readers.columns import Gathered
from paralab.readers.settle import codes


def dtype(space: Dict) -> np.dtype[np.void]:
    """One field a column: numbers and days '<f8', categories '<i4'."""
    return np.dtype([(name, "<i4" if isinstance(kind, Category) else "<f8") for name, kind in space.spaces.items()])


def structured(parts: Sequence[Gathered], space: Dict) -> Array:
    """(n,) rows of all parts, in order; the parts lose their chunks."""
    out = np.empty(sum(part.rows for part in parts), dtype(space))
    start = 0
    for part in parts:
        tables = _tables(part, space.spaces)
        chunks = {name: part.columns[name].chunks for name in space.spaces}
        some = next(iter(chunks.values()))
        for batch in range(len(some)):
            stop = start + len(some[batch])
            for name, each in chunks.items():
                table = tables.get(name)
                out[name][start:stop] = each[batch] if table is None else table[each[batch]]
            for column in part.columns.values():
                if column.chunks:
                    column.chunks[batch] = np.empty(0)
            start = stop
    return out


def flat(parts: Sequence[Gathered], names: Sequence[str]) -> Array:
    """(n, d) float64 of number columns."""
    columns = [np.concatenate([chunk for part in parts for chunk in part.columns[name].chunks]) for name in names]
    return np.stack(columns, axis=1).astype(np.float64, copy=False)


def unbounded(width: int) -> Box:
    return Box(-np.inf, np.inf, (width,), np.float64)


def _tables(part: Gathered, spaces: Mapping[str, Space]) -> dict[str, Array]:
    return {name: codes(part.columns[name], kind.values) for name, kind in spaces.items() if isinstance(kind, Category)}
