"""How inputs are scaled before a trainer sees them: by their declared range, by the rows shown, or not at all."""

from __future__ import annotations

from typing import Literal

import gymnasium as gym
import numpy as np

from paralab.core import Array, Space
from paralab.errors import Refused

Scale = Literal["auto", "range", "standard", "none"]


def resolve(scale: Scale, space: Space) -> Literal["range", "standard", "none"]:
    """What `scale` comes to on these inputs: auto is range where every input is bounded, else standard.

    A table's columns have no declared range. Raises Refused for range where there is none, and for inputs that are
    neither a Box nor a table.
    """
    if scale == "none":
        return "none"
    if isinstance(space, gym.spaces.Dict):
        if scale == "range":
            raise Refused(
                "scale=range needs inputs with a declared range, a table has none: set trainer.scale=standard"
            )
        return "standard"
    if not isinstance(space, gym.spaces.Box):
        raise Refused(f"scale={scale} needs a Box of inputs, these are {type(space).__name__}: set trainer.scale=none")
    bounded = bool(np.all(np.isfinite(space.low) & np.isfinite(space.high)))
    if scale == "auto":
        return "range" if bounded else "standard"
    if scale == "range" and not bounded:
        raise Refused("scale=range needs inputs with a declared range, these are unbounded: set trainer.scale=standard")
    return scale


def affine(scale: Scale, space: Space, inputs: Array) -> tuple[Array, Array]:
    """Shift and factor, each (*in) float64, such that scaled = (inputs - shift) * factor; raises Refused as `resolve`.

    A constant column gets factor 1. Digits by range are exactly pixels / 16.
    """
    match resolve(scale, space):
        case "range":
            assert isinstance(space, gym.spaces.Box)
            shift = space.low.astype(np.float64)
            width = space.high.astype(np.float64) - shift
        case "standard":
            shift, width = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
            rounding = len(inputs) * np.finfo(np.float64).eps * np.abs(shift)  # a constant column deviates so much
            width = np.where(width <= rounding, 0.0, width)
        case "none":
            shift, width = np.zeros(inputs.shape[1:]), np.ones(inputs.shape[1:])
    return shift, 1 / np.where(width == 0, 1.0, width)
