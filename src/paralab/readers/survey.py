"""The kinds of a delimited file's columns by all of its rows: asked for where the first block misled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from paralab.readers.delimited import Head
from paralab.readers.delimited_rows import batches
from paralab.readers.kinds import MISSING_SPELLINGS, Declared, Kind, is_number

SPELLED = pa.array(MISSING_SPELLINGS)


def survey(told: Head, said: Mapping[str, Declared]) -> tuple[dict[str, Kind | None], dict[str, tuple[int, str]]]:
    """The kinds by the whole file; and of each column that is text by some cell, its first: row from 0, and text."""
    can: dict[str, list[Kind]] = {name: ["number", "date"] for name in told.names if name not in said}
    seen: set[str] = set()
    odd: dict[str, tuple[int, str]] = {}
    row = 0
    everything: dict[str, Kind | None] = {name: "text" if name in can else "drop" for name in told.names}
    for batch in batches(told, everything, {}):
        for name in list(can):
            values = _plain(batch.column(name).dictionary)  # the distinct texts of the block
            if values.null_count == len(values):
                continue
            known = values.drop_null()
            still: list[Kind] = [kind for kind in can[name] if _casts(known, kind, told.decimal)]
            if not still and can[name][0] == "number" and name in seen:
                rows = _plain(batch.column(name).dictionary_decode())
                odd[name] = next(_not_numbers(rows, row, told.decimal), (row, ""))
            seen.add(name)
            can[name] = still
            if not still:
                del can[name]
        row += batch.num_rows
    found: dict[str, Kind | None] = {name: (can[name][0] if name in seen else None) for name in can}
    rest: dict[str, Kind | None] = {name: "text" for name in told.names if name not in can}
    return {**rest, **found, **{name: each.kind for name, each in said.items()}}, odd


def _plain(values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.is_in(trimmed, SPELLED), None, trimmed)


def _casts(values: pa.Array, kind: Kind, decimal: str) -> bool:
    """The first one alone first: a cast that fails goes through all of them, 4 microseconds each."""
    return all(_cast(some, kind, decimal) for some in (values[:1], values))


def _cast(values: pa.Array, kind: Kind, decimal: str) -> bool:
    try:
        if kind == "number":
            pc.cast(values if decimal == "." else pc.replace_substring(values, decimal, "."), pa.float64())
        else:
            pc.cast(values, pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True


def _not_numbers(values: pa.Array, start: int, decimal: str) -> Iterator[tuple[int, str]]:
    for place, value in enumerate(values.to_pylist()):
        if value is not None and not is_number(value.replace(decimal, ".")):
            yield start + place, value
