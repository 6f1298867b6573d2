"""Rows of a table as other libraries take them: one float64 matrix, or a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.core import Array, Space
from paralab.named import Category, Date

if TYPE_CHECKING:
    import pandas

BLOCK = 2048  # rows: 20 columns of them lie in a core's cache, and a structured array is read once, not once a column
DAY = 86_400_000_000  # microseconds


def matrix(inputs: Array, space: Space) -> NDArray[np.float64]:
    """The rows as (n, d) float64, columns in the order of `space`.

    Of a structured array (n,) with a Dict space: numbers as they are, dates in days since 1970, categories as their
    codes (missing -1., not in the list -2.), other missing values NaN. The inputs of a Box, (n, *in), come back flat.
    """
    if not isinstance(space, gym.spaces.Dict):
        return np.asarray(inputs, np.float64).reshape(len(inputs), -1)
    names = list(space.spaces)
    out = np.empty((len(inputs), len(names)))
    for start in range(0, len(inputs), BLOCK):
        block = inputs[start : start + BLOCK]
        for place, name in enumerate(names):
            out[start : start + BLOCK, place] = block[name]
    return out


def frame(inputs: Array, space: Space) -> pandas.DataFrame:
    """The rows as a DataFrame: numbers float64, categories by their names, dates datetime64; missing is NaN or NaT.

    Of the inputs of a Box, (n, d), the columns are x0, x1, ...
    """
    import pandas

    if not isinstance(space, gym.spaces.Dict):
        flat = matrix(inputs, space)
        return pandas.DataFrame(flat, columns=[f"x{place}" for place in range(flat.shape[1])])
    columns: dict[str, object] = {}
    for name, kind in space.spaces.items():
        values = inputs[name]
        if isinstance(kind, Category):
            columns[name] = pandas.Categorical.from_codes(np.maximum(values, -1), categories=list(kind.values))
        elif isinstance(kind, Date):
            columns[name] = dates(values)
        else:
            columns[name] = np.array(values, np.float64)
    return pandas.DataFrame(columns, index=pandas.RangeIndex(len(inputs)))


def dates(days: Array) -> NDArray[np.datetime64]:
    """Days since 1970, (n,) float64, as moments; NaN is NaT."""
    known = np.isfinite(days)
    moments = np.where(known, np.round(np.where(known, days, 0.0) * DAY), 0).astype(np.int64)
    return np.where(known, moments.astype("datetime64[us]"), np.datetime64("NaT", "us"))
