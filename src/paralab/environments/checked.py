"""An environment whose faults are told with their place: what it raises, answers that are no finite number, no end."""

from __future__ import annotations

from math import isfinite
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np

from paralab.core import Env, Space
from paralab.environments.making import limited
from paralab.errors import Failed, Refused

LONGEST = 100_000  # steps of an episode that no TimeLimit ends: minutes, where an endless one would hang


class Checked(gym.Wrapper[Any, Any, Any, Any]):
    """Raises Failed naming the environment, what it is used for, episode (with its seed), step and field."""

    def __init__(self, env: Env, name: str, use: str) -> None:
        """`name` as the user gave it; `use` such as "evaluation"."""
        super().__init__(env)
        self._name, self._use = name, use
        self._longest = None if limited(env) else LONGEST
        self._floats = _floats(env.observation_space)
        self._episode, self._step, self._seed = 0, 0, ""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._episode, self._step = self._episode + 1, 0
        self._seed = "" if seed is None else f", seed {seed}"
        try:
            observation, info = self.env.reset(seed=seed, options=options)
        except Exception as error:
            raise self._told(error, "reset") from error
        self._check(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        self._step += 1
        try:
            observation, reward, terminated, truncated, info = self.env.step(action)
        except Exception as error:
            raise self._told(error, "step") from error
        self._check(observation)
        if not isfinite(reward):
            raise Failed(f"{self._name}: reward is {float(reward)} at {self._place()}")
        if self._step == self._longest and not (terminated or truncated):
            raise Failed(f"{self._name}: no end at {self._place()}; add +problem.kwargs.max_episode_steps=")
        return observation, reward, terminated, truncated, info

    def _check(self, observation: Any) -> None:
        for key in self._floats:
            part = observation if key is None else observation[key]
            # The square is finite where all is, in half the time; where it is not, it may have overflowed.
            if not isfinite(np.vdot(part, part)) and not np.isfinite(part).all():
                field = "observation" if key is None else f"observation '{key}'"
                what = "NaN" if np.isnan(part).any() else "infinite"
                raise Failed(f"{self._name}: {field} is {what} at {self._place()}")

    def _told(self, error: Exception, what: str) -> Exception:
        if isinstance(error, Failed | Refused):
            return error
        raised = f"raised {type(error).__name__}: {' '.join(str(error).split())}"
        return Failed(f"{self._name}: {what} {raised} at {self._place()}")

    def _place(self) -> str:
        return f"step {self._step} of episode {self._episode} ({self._use}{self._seed})"


def _floats(space: Space) -> list[str | None]:
    """The keys of an observation that may be no finite number; None: the whole."""
    if isinstance(space, gym.spaces.Dict):
        return [key for key, inner in space.spaces.items() if _floats(inner)]
    return [None] if isinstance(space, gym.spaces.Box) and space.dtype.kind == "f" else []
