"""Exact environment state without reaching into the environment: what it was reset from, and what was done since.

Restoring replays at most one episode. Exact where an episode is a function of the environment's generator and the
actions: classic control, toy text, MuJoCo, MiniGrid, LunarLander; whether it was so is checked against the last
observation. Pickling or copying an environment is no substitute: MuJoCo and ALE come back silently reset.
"""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np

from paralab.core import Array, Env, State
from paralab.errors import Failed
from paralab.seeds import array_json, json_array


class Journal(gym.Wrapper[Any, Any, Any, Any]):
    """Notes how an episode came about. Goes around every wrapper that holds state, and inside the meter."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._before: dict[str, Any] | None = None  # the generator, before the last reset
        self._asked: tuple[int | None, dict[str, Any] | None] = (None, None)  # seed and options of the last reset
        self._actions: list[Array] = []  # since then
        self._seen: Any = None  # the last observation

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._before = dict(self.unwrapped.np_random.bit_generator.state)
        self._asked, self._actions = (seed, options), []
        self._seen, info = self.env.reset(seed=seed, options=options)
        return self._seen, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        self._actions.append(np.array(action))
        self._seen, reward, terminated, truncated, info = self.env.step(action)
        return self._seen, reward, terminated, truncated, info

    def state(self) -> State:
        """The episode so far; options of a reset must be JSON. Raises Failed before the first reset."""
        if self._before is None:
            raise Failed(f"{self.unwrapped} was never reset: it has no state to save yet")
        actions = np.stack(self._actions) if self._actions else np.empty(0)
        return {
            "before": json_array(self._before),
            "asked": json_array(self._asked),
            "actions": actions,  # (steps, *action)
            "seen": self._flat(),
        }

    def restore(self, state: State) -> None:
        """Replay to where `state` was taken; raises Failed where the replay ends elsewhere."""
        self.unwrapped.np_random.bit_generator.state = array_json(state["before"])
        seed, options = array_json(state["asked"])
        self.reset(seed=seed, options=options)
        for action in state["actions"]:
            self.step(action)
        if not np.array_equal(self._flat(), state["seen"], equal_nan=True):
            raise Failed(f"{self.unwrapped} cannot be resumed: its replay differs. Start again with force=true")

    def _flat(self) -> Array:
        return np.array(gym.spaces.flatten(self.observation_space, self._seen))


def journal_of(env: Env) -> Journal:
    """The journal among an environment's wrappers; raises Failed where it keeps none."""
    while isinstance(env, gym.Wrapper):
        if isinstance(env, Journal):
            return env
        env = env.env
    raise Failed(f"{env} keeps no journal, so that its state cannot be saved. Wrap its copies in Journal")
