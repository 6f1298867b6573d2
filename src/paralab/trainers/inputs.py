"""What a model is given, checked against what it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import gymnasium as gym
import numpy as np

from paralab.core import Array, Space
from paralab.datasets.rows import matrix
from paralab.errors import Refused

Takes = Literal["matrix", "frame"]  # what a pipeline is given: numbers (n, d), or a table's raw columns by name


def matrix_of(inputs: Array, space: Space) -> Array:
    """Inputs as (n, d) float64, each row flat; a table's may come structured, (n,), or as that matrix.

    Raises Refused as `check`.
    """
    check(inputs, space)
    if inputs.dtype.names:
        return matrix(inputs, space)
    columns = len(space) if isinstance(space, gym.spaces.Dict) else gym.spaces.flatdim(space)
    return np.asarray(inputs, np.float64).reshape(len(inputs), columns)


def check(inputs: Array, space: Space) -> None:
    """Raise Refused where inputs are not rows of the space: another shape, or other columns in another order."""
    if isinstance(space, gym.spaces.Dict):
        wanted = tuple(space.spaces)
        if inputs.dtype.names:
            if inputs.dtype.names != wanted:
                raise Refused(_columns(inputs.dtype.names, wanted))
        elif inputs.ndim != 2 or inputs.shape[1] != len(wanted):
            raise Refused(f"these inputs are of shape {inputs.shape}, the model takes rows of {len(wanted)} columns")
    elif inputs.dtype.names:
        raise Refused(f"these inputs have named columns, the model takes plain rows of shape {space.shape}")
    elif inputs.shape[1:] not in (space.shape, (gym.spaces.flatdim(space),)):
        raise Refused(f"these inputs are of shape {inputs.shape}, the model takes rows of shape {space.shape}")


def _columns(given: Sequence[str], wanted: Sequence[str]) -> str:
    if missing := [name for name in wanted if name not in given]:
        near = get_close_matches(missing[0], given, n=1, cutoff=0.6)
        return f"column '{missing[0]}' is not in these inputs" + (f"; is it '{near[0]}'?" if near else "")
    if more := [name for name in given if name not in wanted]:
        return f"column '{more[0]}' is not one that the model was trained on: leave it out"
    return f"the columns must stand in the order {', '.join(wanted)}"
