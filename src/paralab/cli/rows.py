"""New rows for a model, whatever it takes: a table's columns, numbers in a row, observations of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gymnasium as gym
import numpy as np

from paralab.core import Array, Space
from paralab.errors import Refused
from paralab.readers.table import rows_for

Whole = gym.spaces.Discrete | gym.spaces.MultiDiscrete | gym.spaces.MultiBinary  # spaces of whole numbers


def new_rows(path: Path, space: Space, dates: Mapping[str, str]) -> tuple[Array, tuple[str, ...]]:
    """The file's rows as inputs of `space`, (n, *in) or structured (n,), and what reading supposed.

    `dates` says how dates are spelled that are not YYYY-MM-DD. Raises Refused where a column is missing, a value is
    not of its kind, or no table can hold such inputs.
    """
    rows, notices = rows_for(path, _flat(space), dates)
    if not len(rows):
        raise Refused(f"{path} holds no rows")
    if isinstance(space, gym.spaces.Dict):
        return rows, notices
    if bad := np.argwhere(np.isnan(rows)).tolist():
        row, column = bad[0]
        raise Refused(f"{path}: row {row + 1}, column {column + 1} is missing, and this model takes no missing values")
    if isinstance(space, Whole):
        _whole(path, rows, space)
    elif outside := _outside(rows, space):
        notices = (*notices, outside)
    return np.asarray(rows, space.dtype).reshape(len(rows), *(space.shape or ())), notices


def dates_of(config: Path, space: Space) -> dict[str, str]:
    """How the run's own table spelled the dates among the model's columns, {"born": "date:%d/%m/%Y"}."""
    if not isinstance(space, gym.spaces.Dict) or not config.is_file():
        return {}
    import yaml

    columns = yaml.load(config.read_bytes(), Loader=yaml.SafeLoader)["problem"].get("columns") or {}
    return {name: said for name, said in columns.items() if name in space.spaces and str(said).startswith("date:")}


def _outside(rows: Array, space: Space) -> str | None:
    """A model scales by the range that its inputs were declared in: wrong units show here."""
    if not isinstance(space, gym.spaces.Box):
        return None
    low, high = space.low.reshape(-1), space.high.reshape(-1)
    count = int(((rows < low) | (rows > high)).any(axis=1).sum())
    return f"{count:,} of {len(rows):,} rows lie outside of the range that the model's inputs have" if count else None


def _flat(space: Space) -> Space:
    """The same inputs as one row of numbers each."""
    if isinstance(space, gym.spaces.Dict):
        if all(not each.shape and not isinstance(each, gym.spaces.Dict) for each in space.spaces.values()):
            return space
    elif isinstance(space, gym.spaces.Box):
        low, high = (side.reshape(-1).astype(np.float64) for side in (space.low, space.high))
        return gym.spaces.Box(low, high, dtype=np.float64)
    elif isinstance(space, Whole):
        low, high = _ends(space)
        return gym.spaces.Box(low.astype(np.float64), high.astype(np.float64), dtype=np.float64)
    raise Refused(f"this model takes inputs of {space}, which the rows of a table cannot hold")


def _ends(space: Whole) -> tuple[Array, Array]:
    """The least and the greatest whole number of each column, (d,)."""
    if isinstance(space, gym.spaces.Discrete):
        return np.array([space.start]), np.array([space.start + space.n - 1])
    if isinstance(space, gym.spaces.MultiDiscrete):
        return space.start.reshape(-1), (space.start + space.nvec - 1).reshape(-1)
    count = int(np.prod(space.shape))
    return np.zeros(count, int), np.ones(count, int)


def _whole(
    path: Path, rows: Array, space: gym.spaces.Discrete | gym.spaces.MultiDiscrete | gym.spaces.MultiBinary
) -> None:
    low, high = _ends(space)
    bad = np.argwhere((rows != np.round(rows)) | (rows < low) | (rows > high)).tolist()
    if bad:
        row, column = bad[0]
        wanted = f"a whole number from {low[column]} to {high[column]} is needed"
        raise Refused(f"{path}: row {row + 1}, column {column + 1} is {rows[row, column]:g}; {wanted}")
