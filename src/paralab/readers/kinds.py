"""What a column of a table can be, and how a cell says a number, a date, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from paralab.errors import Refused, closest

Kind = Literal["number", "category", "date", "text", "drop"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MISSING_SPELLINGS = (
    "", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "Null", "null", "None", "none", "?",
)  # fmt: skip
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FORMULA = ("=", "+", "-", "@")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True)
class Declared:
    """What the user says of a column."""

    kind: Kind
    format: str | None = None  # of a date that is not written YYYY-MM-DD, as strptime takes it


class Odd(Exception):
    """A cell that its column cannot hold: raised with the place of the row, 0 for the first, and what it holds."""

    def __init__(self, name: str, kind: Kind, row: int, value: str) -> None:
        super().__init__(name, kind, row, value)
        self.name, self.kind, self.row, self.value = name, kind, row, value


def declared(columns: Mapping[str, str], names: tuple[str, ...], where: str) -> dict[str, Declared]:
    """The user's word on columns, checked: `date:FORMAT` is a date written another way. Raises Refused."""
    said: dict[str, Declared] = {}
    for name, text in columns.items():
        kind, _, format = str(text).partition(":")
        if str(name) not in names:
            raise Refused(f"problem.columns: {where} has no column {quoted(name)}. {near(str(name), names)}")
        match = next((each for each in KINDS if each == kind), None)
        if match is None or (format and match != "date"):
            raise Refused(f"problem.columns: {quoted(name)} cannot be {quoted(text)}. {near(kind, KINDS)}")
        said[str(name)] = Declared(match, format or None)
    return said


def is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def is_date(text: str) -> bool:
    if not text[:4].isdigit():
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def quoted(text: object, limit: int = 40) -> str:
    """Any text in one printable piece of at most about `limit` characters, for a message."""
    whole = str(text)
    short = whole if len(whole) <= limit else whole[: limit - 1] + "…"
    return f"'{short}'" if short.isprintable() else f"'{short.encode('unicode_escape').decode()}'"


def listed(names: list[str], limit: int = 5) -> str:
    """Names for a message, the first few of many."""
    few = ", ".join(quoted(name)[1:-1] for name in names[:limit])
    return few if len(names) <= limit else f"{few}, … ({len(names):,} in all)"


def near(name: str, known: tuple[str, ...]) -> str:
    """`closest`, in one printable line however many and strange the names are."""
    plain = {quoted(each)[1:-1] for each in known}
    hint = closest(name, plain)
    return hint if hint.startswith("Did") or len(plain) <= 20 else f"It has {listed(sorted(plain), 10)}."


def say(name: str, kind: str) -> str:
    """How a user declares a column."""
    return f'"+problem.columns={{{quoted(name)[1:-1]}: {kind}}}"'
