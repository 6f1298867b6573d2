"""Spaces that carry names: the classes of an answer, and the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from gymnasium.spaces import Box, Discrete

MISSING, UNKNOWN = -1, -2  # codes of a category that is not there, and of one that the list does not hold


class Classes(Discrete):
    """An answer that is one of `names`, by its place."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(len(self.names))

    def __repr__(self) -> str:
        return f"Classes({list(self.names)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classes) and self.names == other.names


class Category(Discrete):
    """A column of which each row is one of `values`, by its place; MISSING and UNKNOWN are allowed."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = tuple(values)
        super().__init__(len(self.values) - UNKNOWN, start=UNKNOWN)

    def __repr__(self) -> str:
        return f"Category({list(self.values)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Category) and self.values == other.values


class Date(Box):
    """A column of days since 1970-01-01 UTC, a float; NaN where there is none."""

    def __init__(self) -> None:
        super().__init__(-np.inf, np.inf, (), np.float64)

    def __repr__(self) -> str:
        return "Date()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Date)
