"""New rows for a finished model: columns found by name, and read as the kinds of the model's signature."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from gymnasium.spaces import Box, Dict

from paralab.core import Array, Space
from paralab.errors import Refused
from paralab.named import UNKNOWN, Category, Date
from paralab.readers import typed
from paralab.readers.assemble import flat, structured
from paralab.readers.columns import Gathered, gather
from paralab.readers.files_of_rows import File, open_file
from paralab.readers.kinds import Declared, Kind, declared, listed, near, quoted
from paralab.readers.matrix_file import numbers
from paralab.readers.opening import format_of
from paralab.readers.settle import codes


def rows_for(path: Path, space: Space, columns: Mapping[str, str] | None = None) -> tuple[Array, tuple[str, ...]]:
    """Rows as `space` wants them, structured (n,) for a Dict and (n, *in) for a Box; and notices, a line each.

    `columns` says how dates are written that are not YYYY-MM-DD, as in problem.columns. A category that the model has
    not seen becomes UNKNOWN, with a notice. Raises Refused for a column that is not there, or a cell of another kind.
    """
    if isinstance(space, Dict):
        return _table(path, space, columns or {})
    if isinstance(space, Box):
        rows, notices = _matrix(path, int(np.prod(space.shape)))
        return rows.reshape(len(rows), *space.shape).astype(space.dtype, copy=False), notices
    raise Refused(f"the model takes {space}, which are no rows of a file: only tables of numbers and categories are")


def _table(path: Path, space: Dict, columns: Mapping[str, str]) -> tuple[Array, tuple[str, ...]]:
    where, names = quoted(path, 200), list(space.spaces)
    formats = {name: each.format for name, each in declared(columns, tuple(names), "the model").items()}
    said = {name: Declared(_kind(kind), formats.get(name)) for name, kind in space.spaces.items()}
    file = open_file(path, said)
    for name in names:
        if name not in file.names:
            raise Refused(
                f"{where}: there is no column {quoted(name)}, which the model needs. {near(name, file.names)}"
            )
    part = _rows(file, said, names)
    notices = _ignored([name for name in file.names if name not in said])
    for name, kind in space.spaces.items():
        if isinstance(kind, Category):
            notices += _unknown(part, name, kind)
    return structured([part], space), tuple(notices)


def _matrix(path: Path, width: int) -> tuple[Array, tuple[str, ...]]:
    where = quoted(path, 200)
    if format_of(path) == "npz":
        matrix, columns = typed.arrays(path)
        found = numbers(path, matrix)
        if found is not None:
            if found.shape[1] != width:
                raise Refused(f"{where}: its matrix has {found.shape[1]} columns, the model takes {width}")
            return found, tuple(_ignored(list(columns)))
    file = open_file(path, {})
    names = [name for name, kind in file.kinds.items() if kind == "number"]
    if len(names) != width:
        raise Refused(f"{where} has {len(names)} columns of numbers, the model takes {width} (without names, in order)")
    part = _rows(file, {name: Declared("number") for name in names}, names)
    for name in names:
        start = 0
        for chunk in part.columns[name].chunks if part.columns[name].missing else []:
            if np.isnan(chunk).any():
                place = file.place(start + int(np.argmax(np.isnan(chunk))))
                raise Refused(
                    f"{where}, {place}: column {quoted(name)} is empty, the model takes whole rows: fill it in"
                )
            start += len(chunk)
    taken = f"taken in the order of the file, as the model's {width} inputs have no names: {listed(names)}"
    return flat([part], names), (taken, *_ignored([name for name in file.names if name not in names]))


def _rows(file: File, said: Mapping[str, Declared], names: list[str]) -> Gathered:
    part = gather(file, said, uncapped=names, only=names)
    if part.rows == 0:
        raise Refused(f"{file.where} has a line of names and no rows: add rows below it")
    return part


def _kind(kind: Space) -> Kind:
    if isinstance(kind, Category):
        return "category"
    return "date" if isinstance(kind, Date) else "number"


def _ignored(names: list[str]) -> list[str]:
    return [f"columns that the model does not know are ignored: {listed(names)}"] if names else []


def _unknown(part: Gathered, name: str, kind: Category) -> list[str]:
    column = part.columns[name]
    table = codes(column, kind.values)
    strange = [text for text, place in column.values.items() if table[place] == UNKNOWN]
    if not strange:
        return []
    rows = sum(int(np.sum(table[chunk] == UNKNOWN)) for chunk in column.chunks)
    return [f"column {quoted(name)}: {rows:,} rows hold values that the model never saw: {listed(strange)}"]
