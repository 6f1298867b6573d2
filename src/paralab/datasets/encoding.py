"""A table's rows as numbers whose distances mean something, without anything fitted: categories become 0 and 1.

The order is that of the columns: a number or a date is one column, NaN where it is missing; a category is one column
for each of its declared values, all 0 where it is missing or not among them.
"""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array, Space
from paralab.named import Category


def encode(inputs: Array | Mapping[str, Array], space: Space) -> Array:
    """Rows as (n, width) float64: of a structured array, or of a mapping of columns (n,), by a Dict `space`.

    The inputs of any other space come back as they are.
    """
    if not isinstance(space, gym.spaces.Dict):
        assert isinstance(inputs, np.ndarray)
        return inputs
    columns = [_encode(inputs[name], kind) for name, kind in space.spaces.items()]
    return np.concatenate(columns, axis=1) if columns else np.empty((len(inputs), 0))


def flat(space: Space) -> Space:
    """The space of encoded rows: a Box (width,) float64 for a Dict of columns, any other space as it is."""
    if not isinstance(space, gym.spaces.Dict) or not all(map(_is_column, space.spaces.values())):
        return space
    sides = [_sides(kind) for kind in space.spaces.values()]
    low, high = (np.array([value for side in sides for value in side[place]], np.float64) for place in range(2))
    return Box(low, high, (len(low),), np.float64)


def numbers(space: Space) -> Array:
    """Mark the encoded columns that hold numbers or dates, (width,) bool: those that have a scale."""
    if not isinstance(space, gym.spaces.Dict):
        return np.ones(space.shape or (), bool)
    kinds = space.spaces.values()
    return np.array([not isinstance(kind, Category) for kind in kinds for _ in _sides(kind)[0]], bool)


def standardised(inputs: Array, space: Space) -> Array:
    """Encoded rows, (n, width): of a table, numbers and dates in deviations from the mean of these rows.

    What is missing is at the mean, a category stays 0 or 1. The inputs of any other space come back as they are.
    """
    rows = encode(inputs, space)
    if not isinstance(space, gym.spaces.Dict) or not len(rows):
        return rows
    for column in np.flatnonzero(numbers(space)):
        values = rows[:, column]
        known = values[np.isfinite(values)]
        mean, deviation = (known.mean(), known.std()) if len(known) else (0.0, 0.0)
        rows[:, column] = np.nan_to_num((values - mean) / (deviation or 1.0), nan=0.0, posinf=0.0, neginf=0.0)
    return rows


def _encode(column: Array, kind: Space) -> Array:
    if isinstance(kind, Category):
        return np.asarray(column[:, None] == np.arange(len(kind.values)), np.float64)
    return np.asarray(column, np.float64).reshape(-1, 1)


def _is_column(kind: Space) -> bool:
    return isinstance(kind, Category) or (isinstance(kind, Box) and kind.shape == ())


def _sides(kind: Space) -> tuple[list[float], list[float]]:
    """Lowest and highest value of a column's encoded columns."""
    if isinstance(kind, Category):
        return [0.0] * len(kind.values), [1.0] * len(kind.values)
    assert isinstance(kind, Box)
    return [float(kind.low)], [float(kind.high)]
