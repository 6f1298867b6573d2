"""The beginning of a delimited file: its names, what parts its cells, and the kinds its first block tells."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from paralab.errors import Refused
from paralab.readers.kinds import MISSING_SPELLINGS, Declared, Kind, is_number, quoted
from paralab.readers.opening import COMPRESSED, MAX_COLUMNS, UNREADABLE, open_bytes, too_many

BLOCK = 1 << 20  # bytes: lies in a core's cache; 16 MiB are 25 % slower
MARK = b"\xef\xbb\xbf"  # of UTF-8, at the beginning of what Excel saves
WIDE = 500  # columns
LONGEST = 1 << 28  # bytes of one row
SAMPLE = 1 << 20  # bytes in which the header must end
NULLS = [each for text in MISSING_SPELLINGS for each in (text, f" {text}")]
RECORD = re.compile(rb'(?:[^"\r\n]|"(?:[^"]|"")*+")*+')
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
LOOKED_AT = 100  # texts of a column, to see whether its numbers have a decimal comma


@dataclass(frozen=True)
class Head:
    """What the beginning of the file tells."""

    path: Path
    names: tuple[str, ...]
    start: int  # bytes before the first row
    delimiter: str
    decimal: str = "."
    bytes_a_row: float = 1.0  # of the sample
    size: float = 0.0  # bytes, uncompressed; of a compressed file as the sample is compressed


def head(path: Path) -> Head:
    """Names of the columns and how cells are parted; raises Refused, reading 1 MiB at most."""
    where = quoted(path, 200)
    try:
        with open_bytes(path) as stream:
            sample = stream.read(SAMPLE)
    except UNREADABLE as wrong:
        raise Refused(f"{where} is damaged: {quoted(wrong)[1:-1]}; make or fetch it anew") from wrong
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(f"{where} is UTF-16: save it as CSV in UTF-8")
    bom = len(MARK) if sample.startswith(MARK) else 0
    bom += len(sample[bom:]) - len(sample[bom:].lstrip(b"\r\n"))
    end = _record_end(sample, bom)
    if end < 0 and len(sample) == SAMPLE:
        too_many(path, max(sample.count(each) for each in (b",", b";", b"\t")), more=True)
        raise Refused(f"{where}: its first line is longer than {SAMPLE:,} bytes: it should be the columns' names")
    line = sample[bom : len(sample) if end < 0 else end]
    if not line.strip() or b"\0" in line:
        what = "holds only blank lines" if not line.strip() else "is not text: line 1 holds a zero byte"
        raise Refused(f"{where} {what}: give a file with a line of names and rows")
    try:
        text = line.decode()
    except UnicodeDecodeError as wrong:
        raise Refused(f"{where}, line 1: the names are not UTF-8: save the file in UTF-8") from wrong
    delimiter = "\t" if {".tsv", ".tab"} & {suffix.lower() for suffix in path.suffixes} else _delimiter(text)
    if text.count(delimiter) >= 4 * MAX_COLUMNS:  # before they are parsed; names may hold delimiters in quotes
        too_many(path, text.count(delimiter) + 1)
    names = named(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    too_many(path, len(names))
    start = len(sample) if end < 0 else end + (2 if sample[end : end + 2] == b"\r\n" else 1)
    body = sample[start:]
    rows = max(1, body.count(b"\n"), body.count(b"\r"))
    size = _size(path, sample)
    return Head(path, names, start, delimiter, bytes_a_row=max(1.0, len(body) / rows), size=size)


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Names without blanks around them; a column without a name, as of an index that was saved too, is called so."""
    return tuple(str(name).strip() or f"column {place}" for place, name in enumerate(names, 1))


def kinds_of(told: Head, said: Mapping[str, Declared]) -> tuple[Head, dict[str, Kind | None]]:
    """The kinds of the columns by the first block; None for one without any value in it. Finds a decimal comma."""
    first = _first_block(told, said)
    if first is not None and told.delimiter == ";" and any(_comma_numbers(column) for column in first.columns):
        told = replace(told, decimal=",")
        first = _first_block(told, said)
    types = {} if first is None else {name: _kind(first.schema.field(name).type) for name in first.schema.names}
    kinds = {name: types.get(name) for name in told.names} | dict.fromkeys(_zero_led(told, said, first), "text")
    return told, {**kinds, **{name: each.kind for name, each in said.items()}}


def _zero_led(told: Head, said: Mapping[str, Declared], first: pa.RecordBatch | None) -> list[str]:
    """Columns of whole numbers of which some begin with a 0, as 01328: postcodes and the like, no numbers."""
    whole = [] if first is None else [each.name for each in first.schema if pa.types.is_integer(each.type)]
    texts = _first_block(told, [*said, *whole]) if whole else None
    if texts is None:
        return []
    return [name for name in whole if pc.any(pc.match_substring_regex(texts.column(name), r"^ ?0\d")).as_py()]


def body(told: Head) -> BinaryIO:
    """The rows' bytes: all but the line of names."""
    stream = open_bytes(told.path)
    stream.read(told.start)
    return stream


def block_of(told: Head) -> int:
    """Bytes read at a time: of a wide table more, as each column of each block costs 20 microseconds."""
    return BLOCK if len(told.names) < WIDE else 16 * BLOCK


def guarded(block: bytes) -> bytes:
    """The beginning of the rows, of which pyarrow takes a byte order mark away."""
    return MARK + block if block.startswith(MARK) else block


def _first_block(told: Head, as_text: Collection[str]) -> pa.RecordBatch | None:
    """The first block with the types that pyarrow sees; None where there is no row or no plain table."""
    with body(told) as stream:
        block = stream.read(block_of(told))
    end = max(block.rfind(b"\n"), block.rfind(b"\r"))
    whole = block if len(block) < block_of(told) or end < 0 else block[: end + 1]
    types = dict.fromkeys((name for name in told.names if name in as_text), pa.string())
    convert = arrow_csv.ConvertOptions(
        column_types=types,
        null_values=NULLS,
        strings_can_be_null=True,
        decimal_point=told.decimal,
        check_utf8=False,
    )
    read = arrow_csv.ReadOptions(use_threads=False, block_size=LONGEST, column_names=list(told.names))
    parse = arrow_csv.ParseOptions(
        delimiter=told.delimiter, newlines_in_values=True, invalid_row_handler=lambda row: "skip"
    )
    try:
        table = arrow_csv.read_csv(io.BytesIO(guarded(_utf8(whole))), read, parse, convert)
    except pa.ArrowInvalid:
        return None  # the whole reading says what is wrong
    found: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return found[0] if found else None


def _utf8(block: bytes) -> bytes:
    """pyarrow prints a traceback of its own where a row that it asks about is not UTF-8."""
    return block.decode("utf-8", "replace").encode()


def _kind(found: pa.DataType) -> Kind | None:
    """Truth values and times of day are kept as the file spells them."""
    if pa.types.is_null(found):
        return None
    if pa.types.is_integer(found) or pa.types.is_floating(found):
        return "number"
    if pa.types.is_date(found) or (pa.types.is_timestamp(found) and found.tz is None):
        return "date"
    return "text"


def _comma_numbers(column: pa.Array) -> bool:
    if not pa.types.is_string(column.type):
        return False
    some = [value for value in column[:LOOKED_AT].to_pylist() if value is not None]
    return bool(some) and all(COMMA_NUMBER.fullmatch(value) or is_number(value) for value in some)


def _record_end(sample: bytes, start: int) -> int:
    """Where the first line ends, newlines inside quotes passed over; -1: not in the sample."""
    match = RECORD.match(sample, start)
    end = start if match is None else match.end()
    if sample[end : end + 1] in (b"\r", b"\n"):
        return end
    ends = [place for place in (sample.find(b"\n", start), sample.find(b"\r", start)) if place >= 0]
    return min(ends, default=-1)


def _delimiter(line: str) -> str:
    """The one of , ; tab | that parts the most names; a comma where none does."""
    outside = re.sub(r'"[^"]*"', "", line)
    return max(",;\t|", key=outside.count)


def _size(path: Path, sample: bytes) -> float:
    if path.suffix.lower() not in COMPRESSED:
        return path.stat().st_size
    return len(sample) if len(sample) < SAMPLE else path.stat().st_size * len(sample) / len(zlib.compress(sample, 6))
