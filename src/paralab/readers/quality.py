"""What a table holds and what may go wrong with it: for a terminal, as JSON, and as a data card."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from gymnasium.spaces import Dict

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.datasets.rows import dates
from paralab.named import Category, Date
from paralab.readers.answer import Task
from paralab.readers.data_card import data_card
from paralab.readers.kinds import listed, quoted
from paralab.readers.suspects import column, column_names, marks, missing, suspects
from paralab.readers.table import load

WIDTH = 80  # columns of a terminal
COMMON = 3  # values of a category that are shown
SHOWN = 60  # columns in `lines`, classes in both; all are in the JSON and on the card


@dataclass(frozen=True)
class ColumnFacts:
    name: str
    kind: str  # number | category | date
    missing: int  # rows
    distinct: int | None  # values; of a category only
    low: float | str | None  # of a date YYYY-MM-DD; None: of a category
    high: float | str | None
    mean: float | None  # of a number
    common: Mapping[str, int]  # the commonest values of a category, with their rows


@dataclass(frozen=True)
class Quality:
    """What `check` found; counts are rows."""

    file: str
    sha256: str  # of the file
    bytes: int
    rows: int  # of all files
    held_out: int
    target: str | None
    task: str
    classes: Mapping[str, int]  # rows of each; empty: no classes
    columns: tuple[ColumnFacts, ...]  # the inputs
    warnings: tuple[str, ...]  # what looks wrong
    notices: tuple[str, ...]  # what reading left out or supposed

    def as_dict(self) -> dict[str, object]:
        """For JSON: without NaN or infinity."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal of 80 columns."""
        held = f", {self.held_out:,} of them held out" if self.held_out else ""
        out = _wrapped(f"{self.file}: {self.rows:,} rows{held}, {len(self.columns):,} inputs, {self.bytes:,} bytes", "")
        out += [f"sha256 {self.sha256}", *_wrapped(self.answer, ""), ""]
        wide = min(24, max([len(quoted(each.name, 24)[1:-1]) for each in self.columns] + [6]))
        out.append(f"{'column':<{wide}}  {'kind':<8}  {'missing':>9}  what it holds")
        for each in self.columns[:SHOWN]:
            name = quoted(each.name, wide)[1:-1]
            head = f"{name:<{wide}}  {each.kind:<8}  {each.missing:>9,}  "
            out.append((head + said(each))[:WIDTH])
        if len(self.columns) > SHOWN:
            out.append(f"... and {len(self.columns) - SHOWN:,} more (--json lists all)")
        for title, lines in (("warnings", self.warnings), ("notices", self.notices)):
            if lines:
                out += ["", f"{len(lines)} {title if len(lines) > 1 else title[:-1]}"]
                out += [line for each in lines for line in _wrapped(each, "- ")]
        return out if self.warnings else [*out, "", "nothing looks wrong"]

    @property
    def answer(self) -> str:
        if self.target is None:
            return "no target"
        if not self.classes:
            return f"target {quoted(self.target)}: {self.task}"
        counts = [f"{name} ({count:,})" for name, count in self.classes.items()]
        return f"target {quoted(self.target)}: {self.task}, {len(counts)} classes: {listed(counts, SHOWN)}"

    def card(self) -> str:
        """A data card in Markdown: what is in the file, and what only its owner can tell."""
        rows = [(each.name, each.kind, f"{each.missing:,}", said(each)) for each in self.columns]
        facts = {"rows": f"{self.rows:,}", "held out": f"{self.held_out:,}", "bytes": f"{self.bytes:,}"}
        facts |= {"sha256": self.sha256, "answer": self.answer}
        return data_card(self.file, facts, rows, self.warnings, self.notices)


def check(
    path: Path,
    target: str | None = None,
    *,
    task: Task | None = None,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
    time: str | None = None,
    test_path: Path | None = None,
) -> Quality:
    """Read a table as a problem would, and look at all of it; raises Refused as `table.load`."""
    data = load(path, target, task=task, columns=columns or {}, group=group, time=time, test_path=test_path)
    cheap = set(suspects(data))
    warnings = list(suspects(data, equal_rows=True))
    if data.official is not None:
        train = np.setdiff1d(np.arange(len(data.inputs)), data.official)
        if twice := across(data, train, data.official):
            warnings.append(f"{twice:,} of {len(data.official):,} held-out rows have the inputs of a training row")
    counts = np.bincount(data.targets, minlength=len(data.classes)).tolist() if data.classes else []
    kind = task or ("classification" if data.classes else "regression" if target else "clustering")
    return Quality(
        file=path.name,
        sha256=_digest(path),
        bytes=path.stat().st_size,
        rows=len(data.inputs),
        held_out=0 if data.official is None else len(data.official),
        target=target,
        task=kind,
        classes=dict(zip(data.classes, counts, strict=True)),
        columns=tuple(_facts(data, place, name) for place, name in enumerate(column_names(data))),
        warnings=tuple(warnings),
        notices=tuple(line for line in data.notices if line not in cheap),
    )


def across(data: Dataset, train: Array, test: Array) -> int:
    """How many of the rows `test` have the very inputs of a row of `train`; both are row ids, (n,)."""
    return int(np.isin(marks(data, test), marks(data, train)).sum())


def said(each: ColumnFacts) -> str:
    if each.kind == "category":
        few = ", ".join(f"{quoted(value, 16)[1:-1]} ({count:,})" for value, count in each.common.items())
        return f"{each.distinct:,} values: {few}"
    if each.low is None:
        return "nothing"
    if each.kind == "date":
        return f"{each.low} to {each.high}"
    return f"{each.low:.6g} to {each.high:.6g}, mean {each.mean:.6g}"


def _facts(data: Dataset, place: int, name: str) -> ColumnFacts:
    values = column(data, place)
    known = values[~missing(values)]
    gone = len(values) - len(known)
    kind = data.space.spaces[name] if isinstance(data.space, Dict) else None
    if isinstance(kind, Category):
        counts = np.bincount(known, minlength=len(kind.values))
        common = {kind.values[code]: int(counts[code]) for code in np.argsort(-counts, kind="stable")[:COMMON]}
        return ColumnFacts(name, "category", gone, int((counts > 0).sum()), None, None, None, common)
    if not len(known):
        return ColumnFacts(name, "date" if isinstance(kind, Date) else "number", gone, None, None, None, None, {})
    if isinstance(kind, Date):
        low, high = (str(day)[:10] for day in dates(np.array([known.min(), known.max()])))
        return ColumnFacts(name, "date", gone, None, low, high, None, {})
    scale = max(1.0, float(np.abs(known).max()))
    mean = float((known / scale).mean()) * scale  # the sum of great numbers stays finite
    return ColumnFacts(name, "number", gone, None, float(known.min()), float(known.max()), mean, {})


def _digest(path: Path) -> str:
    said = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            said.update(block)
    return said.hexdigest()


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * max(2, len(mark)))
