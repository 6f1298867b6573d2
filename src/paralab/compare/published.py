"""Values of the literature, each with its source: in published.csv beside this file, and in a user's own."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from paralab.errors import Refused, closest

NEEDED = ("problem", "method", "metric", "value", "source")
OPTIONAL = ("paradigm", "protocol", "error", "labels", "note")
LONGEST = 1_000_000  # bytes of a user's file


@dataclass(frozen=True)
class Published:
    """One value that somebody else measured, in our metric's name and scale: greater is better."""

    problem: str
    method: str
    paradigm: str
    protocol: str  # split, steps, episodes, as the source says
    metric: str  # "test/accuracy"
    value: float
    error: float | None  # as the source gives it
    labels: int | None  # None: every training row
    source: str
    note: str  # what to mind when reading it beside ours
    own: bool = False  # the user's, for this experiment


def published(root: Path, experiment: str) -> list[Published]:
    """Ours, then what experiments/<name>/published.csv holds; raises Refused naming its line and column."""
    ours = read(files("paralab.compare").joinpath("published.csv").read_text("utf-8"), "paralab's published.csv")
    path = root / experiment / "published.csv"
    try:
        if not path.is_file():
            return ours
        if path.stat().st_size > LONGEST:
            raise Refused(f"{path} has more than {LONGEST:,} bytes; keep one value a line")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    return ours + [replace(row, own=True) for row in read(text, str(path))]


def read(text: str, where: str) -> list[Published]:
    """The rows of a CSV with a header line; raises Refused naming line and column."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Published] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check(header, where)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                place = f"{where}: line {reader.line_num}"
                if len(cells) != len(header):
                    raise Refused(f"{place} has {len(cells)} columns, the header {len(header)}; quote text with commas")
                rows.append(_row(dict(zip(header, map(str.strip, cells), strict=True)), place))
    except csv.Error as error:
        raise Refused(f"{where}: line {reader.line_num}: {error}") from error
    return rows


def _check(header: Sequence[str], where: str) -> None:
    for name in header:
        if name not in (*NEEDED, *OPTIONAL):
            raise Refused(f"{where}: line 1, column '{name}' is not known. {closest(name, (*NEEDED, *OPTIONAL))}")
    if missing := [name for name in NEEDED if name not in header]:
        raise Refused(f"{where}: line 1: no column {', '.join(missing)}; needed are {', '.join(NEEDED)}")
    if twice := [name for name in header if header.count(name) > 1]:
        raise Refused(f"{where}: line 1: column {twice[0]} is there twice; leave one")


def _row(said: Mapping[str, str], place: str) -> Published:
    for name in NEEDED:
        if not said[name]:
            raise Refused(f"{place}, column {name} is empty; every value needs {', '.join(NEEDED)}")
    metric = said["metric"]
    if not metric.startswith("test/"):
        raise Refused(f"{place}, column metric: '{metric}' is not of the test split; write test/accuracy, ...")
    labels, error = said.get("labels", ""), said.get("error", "")
    return Published(
        said["problem"], said["method"], said.get("paradigm") or "-", said.get("protocol", ""), metric,
        _number(said["value"], f"{place}, column value"),
        _number(error, f"{place}, column error") if error else None,
        _labels(labels, f"{place}, column labels"), said["source"], said.get("note", ""),
    )  # fmt: skip


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"{where}: '{text}' is no finite number")
    return value


def _labels(text: str, where: str) -> int | None:
    if text in ("", "all"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise Refused(f"{where}: '{text}' is no number of labels; give 1 or more, or leave it empty for all")
    return int(text)
