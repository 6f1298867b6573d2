"""A model's answers as named columns, and the files they are written to, batch by batch."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa

from paralab.core import Answers, Array, Meaning, Signature
from paralab.named import Classes

Columns = Mapping[str, Array]  # each (n,): numbers, or texts as objects
Writer = Callable[[IO[bytes], Iterator[Columns]], None]
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a cell that opens with one for a program


def columns(said: Answers, signature: Signature) -> Columns:
    """One column a scalar answer: label, probability_<class>, value, cluster, embedding_0, action, ...

    Classes stand by their names where the signature has them. A recurrent state is not told.
    """
    found: dict[str, Array] = {}
    for meaning, space in signature.outputs.items():
        answer = np.asarray(said[meaning])
        if meaning is Meaning.STATE:
            continue
        if isinstance(space, Classes):
            found[meaning.value] = np.array(space.names, object)[answer]
        elif answer.ndim == 1:
            found[meaning.value] = answer
        else:
            flat = answer.reshape(len(answer), -1)
            names = _classes(signature) if meaning is Meaning.PROBABILITY else ()
            ends = names or [str(place) for place in range(flat.shape[1])]
            found |= {f"{meaning.value}_{end}": flat[:, place] for place, end in enumerate(ends)}
    return found


def _classes(signature: Signature) -> tuple[str, ...]:
    space = signature.outputs.get(Meaning.LABEL)
    return space.names if isinstance(space, Classes) else ()


def formulas(signature: Signature) -> list[str]:
    """The class names that a spreadsheet would run, and that a CSV therefore holds with an apostrophe in front."""
    spaces = [space for space in signature.outputs.values() if isinstance(space, Classes)]
    return sorted({name for space in spaces for name in space.names if _is_formula(name)})


def _is_formula(text: str) -> bool:
    """Not a number, though it may begin with a sign."""
    if not text.startswith(FORMULA):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def _separated(delimiter: str) -> Writer:
    def write(file: IO[bytes], batches: Iterator[Columns]) -> None:
        from pyarrow.csv import WriteOptions, write_csv

        for place, batch in enumerate(batches):
            if place == 0:
                _header(file, list(batch), delimiter)
            safe = {name: _safe(column) for name, column in batch.items()}
            quoted = any(_needs_quotes(column, delimiter) for column in safe.values())
            style = "needed" if quoted else "none"  # pyarrow's "needed" quotes every text
            options = WriteOptions(include_header=False, delimiter=delimiter, quoting_style=style)
            write_csv(_table(safe), file, options)

    return write


def _header(file: IO[bytes], names: Sequence[str], delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(names)
    file.write(text.getvalue().encode())


def _safe(column: Array) -> Array:
    unsafe = {text for text in set(column) if _is_formula(text)} if column.dtype == object else set()
    return np.array([f"'{text}" if text in unsafe else text for text in column], object) if unsafe else column


def _needs_quotes(column: Array, delimiter: str) -> bool:
    special = ('"', "\n", "\r", delimiter)
    return column.dtype == object and any(not text or any(each in text for each in special) for text in set(column))


def _parquet(file: IO[bytes], batches: Iterator[Columns]) -> None:
    from pyarrow.parquet import ParquetWriter

    first = _table(next(batches))
    with ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for batch in batches:
            writer.write_table(_table(batch))


def _feather(file: IO[bytes], batches: Iterator[Columns]) -> None:
    first = _table(next(batches))
    with pa.ipc.new_file(file, first.schema) as writer:
        writer.write_table(first)
        for batch in batches:
            writer.write_table(_table(batch))


def _table(batch: Columns) -> pa.Table:
    return pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in batch.items()})


def _json(file: IO[bytes], batches: Iterator[Columns]) -> None:
    """One array, an object a row."""
    opened = False
    for batch in batches:
        for row in _rows(batch):
            file.write(b",\n" if opened else b"[")
            file.write(row)
            opened = True
    file.write(b"]\n" if opened else b"[]\n")


def _json_lines(file: IO[bytes], batches: Iterator[Columns]) -> None:
    for batch in batches:
        file.writelines(row + b"\n" for row in _rows(batch))


def _rows(batch: Columns) -> Iterator[bytes]:
    """Objects of strict JSON: what is no finite number is null."""
    for values in zip(*(column.tolist() for column in batch.values()), strict=True):
        yield json.dumps(dict(zip(batch, map(_plain, values), strict=True)), ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


WRITERS: Mapping[str, Writer] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".parquet": _parquet,
    ".feather": _feather,
    ".json": _json,
    ".jsonl": _json_lines,
}
