"""`sweep.csv`: a file whose rows are points of a grid, a column a key; an empty cell leaves the default."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from paralab.errors import Refused
from paralab.guard import parse
from paralab.schema import SWEEPS


@dataclass(frozen=True)
class Row:
    keys: tuple[str, ...]  # as the config has them: "trainer.C"
    cells: tuple[str | None, ...]  # overrides; None: empty
    origin: str  # "points.csv, line 3"

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(cell for cell in self.cells if cell is not None)

    def without(self, keys: Collection[str]) -> Row:
        """Without the columns of these keys."""
        kept = [(key, cell) for key, cell in zip(self.keys, self.cells, strict=True) if key not in keys]
        return Row(tuple(key for key, _ in kept), tuple(cell for _, cell in kept), self.origin)


def read(name: str) -> list[Row]:
    """The rows of a file, at least one; raises Refused naming file, line and column."""
    lines = _lines(Path(name).expanduser(), name)
    if not lines:
        raise Refused(f"sweep.csv: {name} is empty: its first line names a key a column")
    (number, header), *rest = lines
    if other := next((each for each in ";\t|" if len(header) == 1 and each in header[0]), None):
        what = "a tab" if other == "\t" else f"'{other}'"
        raise Refused(f"{name}, line {number}: its columns are parted by {what}; part them by commas")
    keys = tuple(_key(cell, f"{name}, line {number}, column {place}") for place, cell in enumerate(header, 1))
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise Refused(f"{name}, line {number}: {twice} is the name of two columns; leave one of them out")
    if not rest:
        raise Refused(f"{name} has no row below its header: a row is a point")
    return [Row(keys, _cells(header, cells, f"{name}, line {line}"), f"{name}, line {line}") for line, cells in rest]


def _lines(path: Path, name: str) -> list[tuple[int, list[str]]]:
    """Each record with the number of its last line; empty lines are passed over."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            return [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Refused(f"sweep.csv={name} cannot be read: {reason}") from error


def _key(cell: str, where: str) -> str:
    if not cell:
        raise Refused(f"{where} has no name: write the key that its cells are values of")
    try:
        override = parse([f"{cell}=1"])[0]
    except Refused as refused:
        raise Refused(f"{where}: {refused}") from refused
    if override.is_hydra_override() or cell.split(".")[0] in SWEEPS:
        raise Refused(f"{where}: {cell} is how a grid is run, no key of a run; say it on the command line")
    return override.get_key_element().lstrip("+~")


def _cells(header: Sequence[str], cells: Sequence[str], where: str) -> tuple[str | None, ...]:
    if len(cells) != len(header):
        which = f"column {min(len(cells), len(header)) + 1}"
        raise Refused(f"{where}, {which}: the row has {len(cells)} cells, the header {len(header)}")
    return tuple(
        _text(key, cell, f"{where}, column {place}")
        for place, (key, cell) in enumerate(zip(header, cells, strict=True), 1)
    )


def _text(key: str, cell: str, where: str) -> str | None:
    """A cell as an override."""
    if not cell:
        return None
    text = f"{key}={cell}"
    try:
        override = parse([text])[0]
    except Refused as refused:
        raise Refused(f"{where}: {refused}") from refused
    if override.is_sweep_override():
        raise Refused(f"{where}: '{cell}' holds several values; a cell is one (a list is written [a,b])")
    return text
