"""Delimited files as an editor counts them: slow and exact, asked only where something is wrong or looks so."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager

from paralab.errors import Refused
from paralab.readers.delimited import Head
from paralab.readers.kinds import quoted
from paralab.readers.opening import open_bytes

WIDEST = 1 << 30  # characters of a cell


def line_of(told: Head, row: int) -> int:
    """The line on which row `row` begins (0: the first after the names); blank lines are lines, and no rows."""
    with _wide_cells():
        starts = (start for start, _, _ in _records(told, strict=False))
        return next((start for place, start in enumerate(starts) if place == row + 1), 1)


def recount(told: Head, rows: int) -> None:
    """Raise Refused where the file does not hold exactly `rows` rows: a quote that never closes swallows the rest."""
    where, line = quoted(told.path, 200), 1
    with _wide_cells():
        count = -1
        try:
            for _, line, _ in _records(told, strict=True):  # noqa: B007
                count += 1
        except csv.Error as wrong:
            hint = "a quote is opened and never closed" if "unexpected end" in str(wrong) else "a quote is misplaced"
            raise Refused(f"{where}, after line {line}: {hint}: close it, or double a quote inside a cell") from wrong
    if count != rows:
        raise Refused(f"{where}: {count:,} rows by its lines, {rows:,} by its cells: look for a misplaced quote")


def undecodable(told: Head) -> int:
    """The first line that is not UTF-8."""
    number = 0
    with open_bytes(told.path) as stream:
        for number, line in enumerate(stream, 1):  # noqa: B007
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    return number


def _records(told: Head, strict: bool) -> Iterator[tuple[int, int, list[str]]]:
    """The lines on which each record begins and ends, and its cells; the names first."""
    with open_bytes(told.path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text, delimiter=told.delimiter, strict=strict)
        named, before = False, 0
        for record in reader:
            if record or (named and len(told.names) == 1):
                named = True
                yield before + 1, reader.line_num, record
            before = reader.line_num


@contextmanager
def _wide_cells() -> Iterator[None]:
    before = csv.field_size_limit(WIDEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
