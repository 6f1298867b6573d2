"""Observations in batches: one array, or for a Dict space a structured one whose fields are its keys, as for tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from paralab.core import Array, Space


def dtype_of(space: Space) -> np.dtype[Any]:
    """The type of one observation: of a Dict space a field a key, in its order, each with its own shape."""
    if isinstance(space, gym.spaces.Dict):
        return np.dtype([(name, dtype_of(inner)) for name, inner in space.spaces.items()])
    return np.dtype((space.dtype, space.shape))


def batch(observations: Sequence[Any], space: Space) -> Array:
    """n observations as (n, *shape), or as a structured (n,)."""
    if not isinstance(space, gym.spaces.Dict):
        return np.array(observations, space.dtype)
    whole = np.zeros(len(observations), dtype_of(space))
    for row, observation in enumerate(observations):
        put(whole, row, observation, space)
    return whole


def put(whole: Array, row: int, observation: Any, space: Space) -> None:
    """Write one observation into a row of a batch."""
    if isinstance(space, gym.spaces.Dict):
        for name, inner in space.spaces.items():
            put(whole[name], row, observation[name], inner)
    else:
        whole[row] = observation


def parts(inputs: Array, space: Space) -> Array | dict[str, Array]:
    """A batch as Stable-Baselines3 takes it: for a Dict space one array a key, (n, *shape) each."""
    if not isinstance(space, gym.spaces.Dict):
        return np.ascontiguousarray(inputs)
    return {name: np.ascontiguousarray(inputs[name]) for name in space.spaces}


def fault(values: object, field: str) -> tuple[str, int] | None:
    """What of a batch is no finite number, such as "reward is NaN" or "observation.speed is infinite", and its row."""
    for name, array in _fields(values, field):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            place = tuple(np.argwhere(~np.isfinite(array))[0])
            return f"{name} is {'NaN' if np.isnan(array[place]) else 'infinite'}", int(place[0]) if place else 0
    return None


def _fields(values: object, name: str) -> Iterator[tuple[str, Array]]:
    if isinstance(values, Mapping):
        for key, each in values.items():
            yield from _fields(each, f"{name}.{key}")
        return
    array = np.asarray(values)
    if array.dtype.names is None:
        yield name, array
    for key in array.dtype.names or ():
        yield from _fields(array[key], f"{name}.{key}")
