"""A table of a page: headings and rows of entries, which a click sorts and a word filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paralab.page.colours import colour

TALL = 30  # rows beyond which a table scrolls in a box of its own


@dataclass(frozen=True)
class Heading:
    text: str
    words: bool = False  # set left and sorted as words; else figures


@dataclass(frozen=True)
class Entry:
    text: str
    small: str = ""  # said less loudly, below
    key: str | None = None  # what is sorted by, where the text does not say it: "Infinity" for "all"
    link: str | None = None  # relative to the page
    colour: str | None = None  # of a small square before the text


@dataclass(frozen=True)
class Grid:
    """The first entry of a row names it."""

    id: str  # of the caption, unique on its page
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Entry, ...], ...]

    @property
    def dense(self) -> bool:
        return len(self.headings) > 7

    @property
    def tall(self) -> bool:
        return len(self.rows) > TALL


def grid(name: str, caption: str, headings: Sequence[Heading | str], rows: Iterable[Sequence[Entry | str]]) -> Grid:
    """With plain strings for plain figures."""
    made = tuple(Heading(each) if isinstance(each, str) else each for each in headings)
    lines = tuple(tuple(Entry(each) if isinstance(each, str) else each for each in row) for row in rows)
    return Grid(name, caption, made, lines)


def words(text: str) -> Heading:
    return Heading(text, words=True)


def method(name: str, paradigm: str, small: str = "", link: str | None = None) -> Entry:
    """A method by its name, in its paradigm's colour."""
    return Entry(name, small, name, link, colour(paradigm))


def labels(budget: int | None) -> Entry:
    """A label budget; all of them sort last."""
    return Entry("all", key="Infinity") if budget is None else Entry(str(budget))
