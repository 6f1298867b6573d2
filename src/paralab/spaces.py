"""Spaces as JSON: Box, Discrete, MultiDiscrete, MultiBinary, Dict and the named ones; nothing that runs."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from paralab.named import Category, Classes, Date

Space = gym.Space[Any]


def encode_space(space: Space) -> dict[str, Any]:
    """JSON of a space; infinities as the strings "inf" and "-inf". Raises TypeError for a kind it does not know."""
    if isinstance(space, Classes):
        return {"kind": "classes", "names": list(space.names)}
    if isinstance(space, Category):
        return {"kind": "category", "values": list(space.values)}
    if isinstance(space, Date):
        return {"kind": "date"}
    if isinstance(space, gym.spaces.Box):
        low, high = (_bound(side) for side in (space.low, space.high))
        return {"kind": "box", "shape": list(space.shape), "dtype": str(space.dtype), "low": low, "high": high}
    if isinstance(space, gym.spaces.Discrete):
        return {"kind": "discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, gym.spaces.MultiDiscrete):
        return {"kind": "multi_discrete", "nvec": space.nvec.tolist()}
    if isinstance(space, gym.spaces.MultiBinary):
        return {"kind": "multi_binary", "shape": space.n if isinstance(space.n, int) else list(space.shape)}
    if isinstance(space, gym.spaces.Dict):
        return {"kind": "dict", "spaces": [[name, encode_space(inner)] for name, inner in space.spaces.items()]}
    raise TypeError(f"a {type(space).__name__} space cannot be written down")


def decode_space(data: dict[str, Any]) -> Space:
    match data["kind"]:
        case "classes":
            return Classes(data["names"])
        case "category":
            return Category(data["values"])
        case "date":
            return Date()
        case "box":
            dtype, shape = np.dtype(data["dtype"]), tuple(data["shape"])
            low, high = (np.asarray(_numbers(data[side]), dtype).reshape(-1) for side in ("low", "high"))
            low, high = (np.broadcast_to(side, (int(np.prod(shape)),)).reshape(shape) for side in (low, high))
            return gym.spaces.Box(low, high, shape, dtype.type)
        case "discrete":
            return gym.spaces.Discrete(data["n"], start=data["start"])
        case "multi_discrete":
            return gym.spaces.MultiDiscrete(data["nvec"])
        case "multi_binary":
            return gym.spaces.MultiBinary(data["shape"])
        case "dict":
            return gym.spaces.Dict([(name, decode_space(inner)) for name, inner in data["spaces"]])
        case kind:
            raise TypeError(f"a space of kind '{kind}' is not known")


def _bound(side: np.ndarray[Any, Any]) -> Any:
    """One number where all entries are equal, else the flat list."""
    flat = [_plain(value) for value in side.reshape(-1).tolist()]
    return flat[0] if len(set(map(str, flat))) == 1 else flat


def _plain(value: float) -> float | str:
    return str(value) if value in (float("inf"), float("-inf")) else value


def _numbers(value: Any) -> Any:
    return [float(v) if isinstance(v, str) else v for v in (value if isinstance(value, list) else [value])]
