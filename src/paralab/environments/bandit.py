"""A scenario as a contextual bandit: each context is asked about once, and answered by 1 or 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding

from paralab.core import Array
from paralab.meter import Meter


class Bandit(gym.Env[Array, np.int64]):
    """Contexts drawn with replacement; one step an episode, reward 1 for the right action, else 0.

    The right actions lie in a closure that charges the meter: no walk over attributes, slots, info or `unwrapped` finds
    them, and no way to an answer is free.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium declares it so)

    def __init__(self, contexts: Array, pull: Callable[[int, int], float], space: Box, actions: int, seed: int):
        """`contexts` (n, d); `pull(row, action)` charges the meter and says the reward, or raises Spent."""
        self.observation_space = space
        self.action_space = Discrete(actions)
        self._np_random, self._np_random_seed = seeding.np_random(seed)
        self._contexts, self._pull = contexts, pull
        self._row: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self._row = int(self.np_random.integers(len(self._contexts)))
        return self._contexts[self._row].copy(), {}

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One pull; raises Spent past the grant, ResetNeeded where the context was answered already."""
        if self._row is None:
            raise ResetNeeded("a context is answered once: reset the environment for the next one")
        reward = self._pull(self._row, int(action))
        row, self._row = self._row, None
        return self._contexts[row].copy(), reward, True, False, {}


def make(contexts: Array, right: Array, space: Box, actions: int, meter: Meter) -> Callable[[int], Bandit]:
    """A maker of copies by seed, all charging `meter`; `right` (n,) int is the right action in `contexts` (n, d)."""

    def pull(row: int, action: int) -> float:
        meter.admit()
        reward = float(right[row] == action)
        meter.charge(reward)
        return reward

    def copy(seed: int) -> Bandit:
        return Bandit(contexts, pull, space, actions, seed)

    return copy
