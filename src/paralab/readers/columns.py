"""The columns of a file as arrays, batch by batch: numbers and days as floats, texts as codes of a growing list."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paralab.core import Array
from paralab.datasets.rows import DAY
from paralab.errors import Refused
from paralab.named import MISSING
from paralab.readers.files_of_rows import File
from paralab.readers.kinds import MISSING_SPELLINGS, Declared, Kind, Odd, quoted, say
from paralab.readers.opening import still_fits

MAX_VALUES = 10_000  # distinct texts of a column; beyond, it is text
LOOK = 256  # batches between two looks at the free memory
SPELLED = pa.array(MISSING_SPELLINGS)


@dataclass
class Column:
    """One column as far as it is read."""

    name: str
    kind: Kind
    chunks: list[Array] = field(default_factory=list)  # a batch each: float64, or int32 places in `values`
    values: dict[str, int] = field(default_factory=dict)  # distinct texts as spelled, by first appearance
    first: list[int] = field(default_factory=list)  # the row of each value's first appearance
    missing: int = 0
    low: float = math.inf
    high: float = -math.inf
    overflown: bool = False  # more than MAX_VALUES texts: its chunks are not kept


@dataclass
class Gathered:
    file: File
    rows: int
    columns: dict[str, Column]


def gather(
    file: File, said: Mapping[str, Declared], uncapped: Collection[str] = (), only: Collection[str] | None = None
) -> Gathered:
    """Read every column that is not dropped; `only` these, where given. Raises Refused.

    Where the first block misled about a column, the file is surveyed and read again.
    """
    while True:
        kinds = {name: kind if only is None or name in only else "drop" for name, kind in file.kinds.items()}
        try:
            return _gather(file, kinds, said, uncapped)
        except Odd as odd:
            if odd.name in said or file.survey is None:
                raise refusal(file, odd) from odd
            file = file.survey()


def refusal(file: File, odd: Odd) -> Refused:
    """One line about a cell that its column cannot hold."""
    what = {"number": "a number", "date": "a date (YYYY-MM-DD)", "category": "a text", "text": "a text", "drop": ""}
    remedy = say(odd.name, "'date:%d/%m/%Y'" if odd.kind == "date" else "category")
    return Refused(
        f"{file.where}, {file.place(odd.row)}: {quoted(odd.value)} in column {quoted(odd.name)} is not "
        f"{what[odd.kind]}, as the column is read: mend or empty the cell, or set {remedy}"
    )


def _gather(
    file: File, kinds: Mapping[str, Kind | None], said: Mapping[str, Declared], uncapped: Collection[str]
) -> Gathered:
    columns = {name: Column(name, kind or "text") for name, kind in kinds.items() if kind != "drop"}
    rows = 0
    for count, batch in enumerate(file.batches(kinds), 1):
        if count % LOOK == 0:
            still_fits(file.path, rows)
        for name, column in columns.items():
            values = batch.column(name)
            if kinds[name] is None and file.survey is not None and values.null_count < len(values):
                raise Odd(name, "text", rows, "")  # the first block had nothing in it: what is it?
            if column.kind == "number":
                _numbers(file, column, values, rows)
            elif column.kind == "date":
                _days(column, values, rows, said.get(name))
            else:
                _codes(file, column, values, rows, name in uncapped, name in said)
        rows += batch.num_rows
    return Gathered(file, rows, columns)


def _numbers(file: File, column: Column, values: pa.Array, row: int) -> None:
    if not pa.types.is_float64(values.type):
        values = _cast(column, values, pa.float64(), row)
    chunk = values.to_numpy(zero_copy_only=False)
    bounds = pc.min_max(values)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and not (math.isnan(low) or math.isnan(high)):
        if math.isinf(low) or math.isinf(high):
            place = file.place(row + int(np.argmax(np.isinf(chunk))))
            raise Refused(
                f"{file.where}, {place}: the number in column {quoted(column.name)} is infinite, or too great for 8 "
                f"bytes: mend or empty the cell, or set {say(column.name, 'drop')}"
            )
        column.low, column.high = min(column.low, low), max(column.high, high)
    column.missing += values.null_count or (int(np.isnan(chunk).sum()) if math.isnan(low or 0.0) else 0)
    column.chunks.append(chunk)


def _days(column: Column, values: pa.Array, row: int, said: Declared | None) -> None:
    if said is not None and said.format and not pa.types.is_temporal(values.type):
        texts = _plain(values)
        parsed = pc.strptime(texts, format=said.format, unit="us", error_is_null=True)
        if parsed.null_count > texts.null_count:
            place = int(np.argmax(parsed.is_null().to_numpy(zero_copy_only=False) & _known(texts)))
            raise Odd(column.name, "date", row + place, str(texts[place].as_py()))
        if wrong := _no_day(texts, parsed, said.format):
            place = texts.to_pylist().index(wrong)
            raise Odd(column.name, "date", row + place, wrong)
        values = parsed
    elif pa.types.is_integer(values.type) and values.null_count < len(values):  # a cast would take it for microseconds
        place = int(np.argmax(_known(values)))
        raise Odd(column.name, "date", row + place, str(values[place].as_py()))
    moments = _cast(column, values, pa.timestamp("us"), row)
    days = np.asarray(moments.cast(pa.int64()).to_numpy(zero_copy_only=False) / DAY)  # of null: NaN
    if moments.null_count < len(moments):
        column.low, column.high = min(column.low, float(np.nanmin(days))), max(column.high, float(np.nanmax(days)))
    column.missing += moments.null_count
    column.chunks.append(days)


def _no_day(texts: pa.Array, parsed: pa.Array, format: str) -> str | None:
    """A text that only seems to be a date, if any: pyarrow makes 2 March of 31 February, and the year 20 of %Y."""
    odd = pc.or_(pc.less_equal(pc.day(parsed), 3), pc.less(pc.year(parsed), 1000))
    try:
        datetime.strptime(datetime(2000, 1, 2).strftime(format), format)
    except ValueError:  # a format that Python does not know
        return None
    for text in pc.unique(texts.filter(odd)).to_pylist():
        try:
            datetime.strptime(text, format)
        except ValueError:
            return str(text)
    return None


def _codes(file: File, column: Column, values: pa.Array, row: int, uncapped: bool, said: bool) -> None:
    if column.overflown:
        return
    if not (pa.types.is_dictionary(values.type) and pa.types.is_string(values.type.value_type)):
        values = _cast(column, _decoded(values), pa.string(), row).dictionary_encode()
    indices = values.indices.fill_null(MISSING) if values.indices.null_count else values.indices
    places = indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    texts = values.dictionary.to_pylist()
    table = np.full(len(texts) + 1, MISSING, np.int32)  # its last entry, -1, is of what is missing
    new = [place for place, text in enumerate(texts) if text is not None and text not in column.values]
    if not uncapped:
        new = new[: MAX_VALUES + 1 - len(column.values)]
    if new:
        which, starts = np.unique(places, return_index=True)
        found = dict(zip(which.tolist(), starts.tolist(), strict=True))
        for place in sorted((each for each in new if each in found), key=lambda each: int(found[each])):
            column.values.setdefault(texts[place], len(column.values))
            column.first.append(row + found[place])
    for place, text in enumerate(texts):
        table[place] = column.values.get(text, MISSING)
    gone = int((table[places] == MISSING).sum()) if values.dictionary.null_count else values.indices.null_count
    column.missing += gone  # Arrow's dictionaries may hold a null of their own
    if len(column.values) > MAX_VALUES and not uncapped:
        if said and column.kind == "category":
            raise Refused(
                f"{file.where}: column {quoted(column.name)} has more than {MAX_VALUES:,} distinct values, too many "
                f"for a category: set {say(column.name, 'text')} to leave it out"
            )
        column.overflown = True
        column.chunks = []
        return
    column.chunks.append(table[places])


def _cast(column: Column, values: pa.Array, wanted: pa.DataType, row: int) -> pa.Array:
    """Values of another type, texts trimmed and missing spellings known; raises Odd with the first that cannot be."""
    values = _plain(values) if _is_text(values) and wanted != pa.string() else _decoded(values)
    try:
        return pc.cast(values, wanted, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        for place in range(len(values)):
            try:
                pc.cast(values[place : place + 1], wanted, safe=False)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
                raise Odd(column.name, column.kind, row + place, str(values[place].as_py())) from wrong
        raise


def _decoded(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _plain(values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(_decoded(values).cast(pa.string()))
    return pc.if_else(pc.is_in(trimmed, SPELLED), None, trimmed)


def _is_text(values: pa.Array) -> bool:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _known(values: pa.Array) -> Array:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False))
