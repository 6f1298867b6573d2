"""Which spaces an environment may have, and whether an observation lies in its own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from paralab.core import Env, Space
from paralab.errors import Refused

ARRAYS = (gym.spaces.Box, gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.MultiBinary)
FLATTEN = "problem.wrappers='[{_target_: gymnasium.wrappers.FlattenObservation}]'"
ROUNDING = 1e-6  # of a bound, relative: what float32 makes of it


def check_spaces(name: str, env: Env) -> None:
    """Raise Refused where no trainer could see or act so, or an episode could not be repeated."""
    seen, acts = env.observation_space, env.action_space
    parts = dict(seen.spaces) if isinstance(seen, gym.spaces.Dict) else {"": seen}
    for key, space in parts.items():
        if not isinstance(space, ARRAYS):
            field = f"observation '{key}' is" if key else "observations are"
            flat = gym.spaces.flatten_space(seen) if seen.is_np_flattenable else None
            remedy = (
                f"add {FLATTEN}" if isinstance(flat, ARRAYS) else "add a wrapper of yours that makes an array of it"
            )
            raise Refused(f"problem.id={name}: its {field} {_kind(space)}, not an array; {remedy}")
    if not isinstance(acts, ARRAYS):
        raise Refused(f"problem.id={name}: its actions are {_kind(acts)}, not an array; add a wrapper of yours")
    for field, space in (*((f"observation {key}".rstrip(), space) for key, space in parts.items()), ("action", acts)):
        start = space.start if isinstance(space, gym.spaces.Discrete | gym.spaces.MultiDiscrete) else 0
        if np.any(start):
            raise Refused(f"problem.id={name}: its {field} counts from {start}; add a wrapper that counts from 0")
    if not isinstance(env.unwrapped.np_random, np.random.Generator):
        kind = type(env.unwrapped.np_random).__name__
        raise Refused(f"problem.id={name}: its np_random is a {kind}; a numpy Generator is needed to repeat episodes")


def _kind(space: Space) -> str:
    return f"a {type(space).__name__}"


def said(space: Space) -> str:
    """A space in a few words: gymnasium's own run over several lines where it is large."""
    if isinstance(space, gym.spaces.Box):
        return f"{'a bounded' if space.is_bounded() else 'an unbounded'} Box of shape {space.shape}"
    if isinstance(space, gym.spaces.Discrete):
        return f"Discrete({space.n}) counted from {space.start}"
    if isinstance(space, gym.spaces.Dict):
        return f"a Dict of {', '.join(space.spaces)}"
    return f"{_kind(space)} of shape {space.shape}"


def fault(value: Any, space: Space) -> str | None:
    """What is wrong with an observation, with the part it is wrong in; None where it lies in its space."""
    if isinstance(space, gym.spaces.Dict):
        if not isinstance(value, dict) or value.keys() != space.spaces.keys():
            return f"must be a dict of {', '.join(space.spaces)}"
        wrong = ((key, fault(value[key], inner)) for key, inner in space.spaces.items())
        return next((f"in '{key}' {what}" for key, what in wrong if what), None)
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return f"is a {type(value).__name__}, not an array"
    if isinstance(space, gym.spaces.Box):
        return _outside(np.asarray(value), space)
    if np.shape(value) != space.shape:
        return f"has shape {np.shape(value)}, its space says {space.shape}"
    shown = " ".join(str(value).split())[:60]
    return None if space.contains(value) else f"is {shown}, outside its space, {said(space)}"


def _outside(value: np.ndarray[Any, Any], space: gym.spaces.Box) -> str | None:
    if value.shape != space.shape:
        return f"has shape {value.shape}, its space says {space.shape}"
    if not np.can_cast(value.dtype, space.dtype, "same_kind"):
        return f"has dtype {value.dtype}, its space says {space.dtype}"
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        place = _first(~np.isfinite(value))
        return f"is {value[place]} at {list(place)}"
    wide = value.astype(np.float64)
    slack = ROUNDING * np.maximum(1.0, np.abs(wide))
    off = (wide < space.low - slack) | (wide > space.high + slack)
    if off.any():
        place = _first(off)
        return f"is {value[place]} at {list(place)}, outside [{space.low[place]}, {space.high[place]}]"
    return None


def _first(mask: np.ndarray[Any, Any]) -> tuple[int, ...]:
    return tuple(int(index) for index in np.argwhere(mask)[0])
