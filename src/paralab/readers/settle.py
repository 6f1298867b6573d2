"""What a column that was read is good for: an input of some kind, or nothing, said in a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array, Space
from paralab.errors import Refused
from paralab.named import MISSING, UNKNOWN, Category, Date
from paralab.readers.columns import Column, Gathered
from paralab.readers.kinds import (
    FORMULA,
    MISSING_SPELLINGS,
    Declared,
    is_date,
    is_number,
    listed,
    quoted,
    say,
)

DAY = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}")
MOST, FEW = 255, 10  # distinct texts of a category; so few are one however few the rows are
MANY = 20  # rows from which a column 0, 1, 2, ... is taken for a counter of the rows
MOSTLY = 9  # numbers for each other text from which the text is taken for a mistake


@dataclass(frozen=True)
class Input:
    """An input of the table."""

    name: str
    space: Space


@dataclass(frozen=True)
class LeftOut:
    """A column that is no input, and why."""

    name: str
    why: str


def settle(part: Gathered, name: str, said: Mapping[str, Declared], more: Gathered | None) -> Input | LeftOut:
    """What a column becomes; `more` are the rows of a held-out file, whose categories join. Raises Refused."""
    column = part.columns[name]
    if column.missing == part.rows or (column.kind in ("category", "text") and not cleaned(column)):
        return LeftOut(name, "nothing in it")
    if column.kind == "number":
        if name not in said and _counts_rows(part, column):
            return LeftOut(name, "it counts the rows")
        return Input(name, Box(-np.inf, np.inf, (), np.float64))
    if column.kind == "date":
        return Input(name, Date())
    if column.kind == "text" and name in said:
        return LeftOut(name, "declared text")
    if name not in said:
        not_mixed(part, name)
        if why := too_various(part, column):
            return LeftOut(name, why)
    values = set(cleaned(column)) | (set(cleaned(more.columns[name])) if more else set())
    return Input(name, Category(in_order(values)))


def cleaned(column: Column) -> dict[str, str]:
    """The distinct values without blanks around them and missing spellings: each with one of its spellings."""
    return {text.strip(): text for text in column.values if text.strip() not in MISSING_SPELLINGS}


def in_order(values: Iterable[str]) -> list[str]:
    """Sorted, by number where all are numbers."""
    every = sorted(values)
    return sorted(every, key=float) if all(map(is_number, every)) else every


def codes(column: Column, values: Sequence[str]) -> Array:
    """The code of each value as it was spelled, (len(column.values) + 1,); the last, -1, is of what is missing."""
    place = {value: code for code, value in enumerate(values)}
    table = np.full(len(column.values) + 1, UNKNOWN, np.int32)
    table[-1] = MISSING
    for text, row in column.values.items():
        plain = text.strip()
        table[row] = MISSING if plain in MISSING_SPELLINGS else place.get(plain, UNKNOWN)
    return table


def not_mixed(part: Gathered, name: str) -> None:
    """Raise Refused for a column of numbers with a formula or a few other texts among them."""
    column, odd = part.columns[name], (part.file.odd or {}).get(name)
    found = dict(zip(column.values, column.first, strict=True))
    if odd is not None:
        found.setdefault(odd[1], odd[0])
    other = [text for text in found if not is_number(plain := text.strip()) and plain not in MISSING_SPELLINGS]
    numbers = len(found) - len(other)
    if not other or not numbers:
        return
    formulas = [text for text in other if text.strip().startswith(FORMULA) and len(text.strip()) > 1]
    if formulas and len(formulas) == len(other):
        where, what = found[formulas[0]], f"{quoted(formulas[0])} looks like a formula, which is never computed"
        remedy = "put its value there"
    elif numbers >= MOSTLY * len(other) and not any(map(is_date, other)):
        where, what = found[other[0]], f"{quoted(other[0])} is not a number, as the others are"
        remedy = "mend or empty the cell"
    else:
        return
    raise Refused(
        f"{part.file.where}, {part.file.place(where)}, column {quoted(name)}: {what}: {remedy}, or set "
        f"{say(name, 'category')}"
    )


def too_various(part: Gathered, column: Column) -> str | None:
    """Why texts are no category; None where they are one."""
    distinct, present = len(column.values), part.rows - column.missing
    if column.overflown or distinct > MOST or (distinct > FEW and 2 * distinct > present):
        example = next(iter(column.values))
        return f"text, {'more than ' if column.overflown else ''}{distinct:,} distinct values, as {quoted(example, 20)}"
    return None


def left_out(columns: Sequence[LeftOut]) -> list[str]:
    """A line a reason."""
    reasons: dict[str, list[str]] = {}
    for each in columns:
        reasons.setdefault("text" if each.why.startswith("text,") else each.why, []).append(each.name)
    lines = []
    for why, names in reasons.items():
        one = next(each.why for each in columns if each.name == names[0])
        kept = {"text": "category", "it counts the rows": "number"}.get(why)
        if day := DAY.search(one):  # 10/08/2021 may be either: the user says which
            kept = f"'date:%d{day[1]}%m{day[1]}%Y'"
        remedy = f"; {say(names[0], kept)} keeps it" if kept else ""
        lines.append(f"left out: {listed(names)} ({one if len(names) == 1 else why}){remedy}")
    return lines


def _counts_rows(part: Gathered, column: Column) -> bool:
    rows = part.rows
    if rows < MANY or column.missing or column.low not in (0.0, 1.0) or column.high - column.low != rows - 1:
        return False
    start = column.low
    for chunk in column.chunks:
        if not np.array_equal(chunk, np.arange(start, start + len(chunk))):
            return False
        start += len(chunk)
    return True
