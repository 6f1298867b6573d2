"""Any file of rows, whatever its format: names, kinds, and its rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from paralab.core import Array
from paralab.errors import Refused
from paralab.readers import delimited, delimited_rows, typed
from paralab.readers.kinds import Declared, Kind, quoted
from paralab.readers.lines import line_of
from paralab.readers.opening import fits, format_of, too_many
from paralab.readers.survey import survey

Kinds = Mapping[str, Kind | None]  # None: a column with nothing in it, or all of it unknown


@dataclass(frozen=True)
class File:
    """A file whose header was read and checked."""

    path: Path
    names: tuple[str, ...]
    kinds: Kinds
    batches: Callable[[Kinds], Iterator[pa.RecordBatch]]
    place: Callable[[int], str]  # of the n-th row, from 0, as the user finds it
    survey: Callable[[], File] | None = None  # the same file with the kinds that all its rows tell
    odd: Mapping[str, tuple[int, str]] | None = None  # of a text column that began as numbers: its first text
    strange: Mapping[str, str] | None = None  # columns that hold lists, bytes and the like: their type

    @property
    def where(self) -> str:
        return quoted(self.path, 200)


def open_file(path: Path, said: Mapping[str, Declared]) -> File:
    """Open a file of rows; `said` are the kinds already known.

    Raises Refused, one line, for whatever is not a table that fits into memory.
    """
    match format_of(path):
        case "delimited":
            return _delimited(path, said)
        case "parquet":
            return _typed(path, said, *typed.open_parquet(path))
        case "feather":
            return _typed(path, said, *typed.open_feather(path))
        case "npz":
            return _npz(path, said)


def _delimited(path: Path, said: Mapping[str, Declared]) -> File:
    told = delimited.head(path)
    _distinct(path, told.names)
    if all(name.lstrip("-").replace(".", "", 1).isdigit() for name in told.names) and not _counts(told.names):
        raise Refused(f"{quoted(path, 200)}, line 1 holds numbers ({told.names[0]}, ...): put a line of names above it")
    known = {name: each for name, each in said.items() if name in told.names}
    fits(path, int(told.size / told.bytes_a_row), _kept(told.names, said))
    told, kinds = delimited.kinds_of(told, known)

    def batches(kinds: Kinds) -> Iterator[pa.RecordBatch]:
        return delimited_rows.batches(told, kinds, known)

    def place(row: int) -> str:
        return f"line {line_of(told, row)}"

    def surveyed() -> File:
        kinds, odd = survey(told, known)
        return replace(file, kinds=kinds, odd=odd, survey=None)

    file = File(path, told.names, kinds, batches, place, surveyed)
    return file


def _typed(path: Path, said: Mapping[str, Declared], schema: pa.Schema, rows: int, read: typed.Read) -> File:
    names = delimited.named(schema.names)
    too_many(path, len(names))
    _distinct(path, names)
    fits(path, rows, _kept(names, said))
    original = dict(zip(names, schema.names, strict=True))
    kinds: dict[str, Kind | None] = {}
    strange: dict[str, str] = {}
    for name in names:
        try:
            kinds[name] = typed.kind_of(schema.field(original[name]).type)
        except TypeError as other:
            kinds[name], strange[name] = "drop", quoted(other)[1:-1]
    kinds.update({name: each.kind for name, each in said.items() if name in kinds})

    def batches(kinds: Kinds) -> Iterator[pa.RecordBatch]:
        wanted = [name for name in names if kinds.get(name, "drop") != "drop"]
        for batch in read([original[name] for name in wanted]):
            yield batch.rename_columns(wanted)

    return File(path, names, kinds, batches, lambda row: f"row {row + 1}", strange=strange)


def file_of_arrays(path: Path, columns: Mapping[str, Array]) -> File:
    """Columns in memory, each (n,), as if they were read from `path`."""
    return _typed(path, {}, *typed.in_batches(columns))


def _npz(path: Path, said: Mapping[str, Declared]) -> File:
    matrix, columns = typed.arrays(path)
    if matrix is not None:
        too_many(path, matrix.shape[1])
        named = {f"x{place}": matrix[:, place] for place in range(matrix.shape[1])}
        if clash := sorted(named.keys() & columns.keys()):
            raise Refused(
                f"{quoted(path, 200)}: array {quoted(clash[0])} is named as a column of its matrix: rename it"
            )
        columns = named | columns
    return _typed(path, said, *typed.in_batches(columns))


def _kept(names: tuple[str, ...], said: Mapping[str, Declared]) -> int:
    return sum(name not in said or said[name].kind != "drop" for name in names)


def _distinct(path: Path, names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if name in seen:
            first = names.index(name) + 1
            raise Refused(
                f"{quoted(path, 200)}: columns {first} and {place} are both named {quoted(name)}: rename one of them"
            )
        seen.add(name)


def _counts(names: tuple[str, ...]) -> bool:
    """Whether the names are 0, 1, 2, ... or 1, 2, 3, ..., which columns without a better name are called."""
    return list(names) in ([str(place) for place in range(start, start + len(names))] for start in (0, 1))
