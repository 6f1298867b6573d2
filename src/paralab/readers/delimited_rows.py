"""The rows of a delimited file, block by block, by pyarrow: serial, every row numbered, and none lost."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

import pyarrow as pa
from pyarrow import csv as arrow_csv

from paralab.errors import Refused
from paralab.readers.delimited import LONGEST, MARK, NULLS, Head, block_of, body, guarded
from paralab.readers.kinds import Declared, Kind, Odd, quoted
from paralab.readers.lines import line_of, recount, undecodable
from paralab.readers.opening import UNREADABLE

CONVERSION = re.compile(r"In CSV column #(\d+): Row #(\d+): CSV conversion error to .*?: invalid value '(.*)'$", re.S)
RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(eq=False)
class Watched(io.RawIOBase):
    """The rows' bytes on their way to pyarrow, with their lines and quotes counted."""

    stream: BinaryIO
    lines: int = 0
    quotes: int = 0
    last: bytes = b""
    begun: bool = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self.begun:
            self.begun = True
            return guarded(self._counted(self.stream.read(size - len(MARK) if size > 0 else size)))
        return self._counted(self.stream.read(size))

    def _counted(self, block: bytes) -> bytes:
        if block:
            self.lines += block.count(b"\n")
            self.quotes += block.count(b'"')
            self.last = block[-1:]
        return block


def batches(told: Head, kinds: Mapping[str, Kind | None], said: Mapping[str, Declared]) -> Iterator[pa.RecordBatch]:
    """The rows, block by block, columns that are dropped left out; a kind of None is read as text.

    Raises Odd for a cell that its column's kind cannot hold, Refused for what is no table.
    """
    types = {name: _type(kind, said.get(name)) for name, kind in kinds.items() if kind != "drop"}
    count, block = 0, block_of(told)
    while True:
        watched, done = Watched(body(told)), 0
        try:
            for batch in _stream(told, watched, types, block):
                fresh = batch.slice(max(0, count - done))
                done += batch.num_rows
                count += fresh.num_rows
                if fresh.num_rows:
                    yield fresh
        except pa.ArrowInvalid as wrong:
            if "Empty CSV" in str(wrong):
                break
            if block < LONGEST and "straddl" in str(wrong):
                block *= 16  # a longer row: again from the start, without the rows that were given
                continue
            _explain(told, str(wrong), list(types), kinds)
        except UNREADABLE as wrong:
            what = quoted(wrong)[1:-1]
            raise Refused(f"{quoted(told.path, 200)} is damaged: {what}; make or fetch it anew") from wrong
        finally:
            watched.stream.close()
        break
    lines = watched.lines + (watched.last not in (b"", b"\n"))
    if count != lines or watched.quotes % 2:
        recount(told, count)


def _stream(told: Head, watched: Watched, types: Mapping[str, pa.DataType], block: int) -> Iterator[pa.RecordBatch]:
    """Serial, so that figures do not depend on cores and rows are numbered."""
    convert = arrow_csv.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=NULLS,
        strings_can_be_null=True,
        decimal_point=told.decimal,
    )
    read = arrow_csv.ReadOptions(use_threads=False, block_size=block, column_names=list(told.names))
    parse = arrow_csv.ParseOptions(
        delimiter=told.delimiter, newlines_in_values=True, ignore_empty_lines=len(told.names) > 1
    )
    with arrow_csv.open_csv(pa.PythonFile(watched, "r"), read, parse, convert) as reader:
        yield from reader


def _type(kind: Kind | None, said: Declared | None) -> pa.DataType:
    if kind == "number":
        return pa.float64()
    return pa.timestamp("us") if kind == "date" and not (said and said.format) else TEXT


def _explain(told: Head, message: str, read: list[str], kinds: Mapping[str, Kind | None]) -> NoReturn:
    """What pyarrow found, as the user's editor counts lines."""
    where = quoted(told.path, 200)
    if match := CONVERSION.search(message):
        name = read[int(match[1])]
        raise Odd(name, kinds[name] or "text", int(match[2]) - 1, match[3])
    if match := RAGGED.search(message):
        line, wanted, got = line_of(told, int(match[1]) - 1), int(match[2]), int(match[3])
        raise Refused(
            f"{where}, line {line}: {got} cells, the line of names has {wanted}: "
            f"{'take out' if got > wanted else 'add'} {abs(got - wanted)}, or quote a cell with a {told.delimiter!r}"
        )
    if "UTF8" in message:
        raise Refused(f"{where}, line {undecodable(told)}: not UTF-8: save the file in UTF-8")
    if "straddl" in message:
        raise Refused(f"{where}: a row is longer than {LONGEST:,} bytes: a quote that never closes?")
    raise Refused(f"{where} cannot be read: {quoted(message, 150)[1:-1]}")
