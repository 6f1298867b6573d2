"""A scenario as a contextual bandit: each context is asked about once, and answered by 1 or 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.utils import seeding

from paralab.core import Array
from paralab.meter import Meter

Context = Array | Mapping[str, Array]


class Bandit(gym.Env[Context, np.int64]):
    """Contexts drawn with replacement; one step an episode, reward 1 for the right action, else 0.

    A context is an array, or of a table the mapping of its columns to scalars; a missing number is NaN in it.

    The right actions lie in a closure that charges the meter: no walk over attributes, slots, info or `unwrapped` finds
    them, and no way to an answer is free.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium declares it so)

    def __init__(self, contexts: Array, pull: Callable[[int, int], float], space: Box | Dict, actions: int, seed: int):
        """`contexts` (n, d), or (n,) structured for a Dict.

        `pull(row, action)` charges the meter and says the reward, or raises Spent.
        """
        self.observation_space: gym.Space[Any] = space
        self.action_space = Discrete(actions)
        self._np_random, self._np_random_seed = seeding.np_random(seed)
        self._contexts, self._pull = contexts, pull
        self._row: int | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Context, dict[str, Any]]:
        super().reset(seed=seed)
        self._row = int(self.np_random.integers(len(self._contexts)))
        return self._context(self._row), {}

    def step(self, action: np.int64) -> tuple[Context, float, bool, bool, dict[str, Any]]:
        """One pull; raises Spent past the grant, ResetNeeded where the context was answered already."""
        if self._row is None:
            raise ResetNeeded("a context is answered once: reset the environment for the next one")
        reward = self._pull(self._row, int(action))
        row, self._row = self._row, None
        return self._context(row), reward, True, False, {}

    def _context(self, row: int) -> Context:
        context = self._contexts[row]
        if isinstance(self.observation_space, Dict):
            kinds = self.observation_space.spaces
            return {name: np.array(context[name], kind.dtype) for name, kind in kinds.items()}
        return np.array(context)


def make(contexts: Array, right: Array, space: Box | Dict, actions: int, meter: Meter) -> Callable[[int], Bandit]:
    """A maker of copies by seed, all charging `meter`; `right` (n,) int is the right action in `contexts` (n, ...)."""

    def pull(row: int, action: int) -> float:
        meter.admit()
        reward = float(right[row] == action)
        meter.charge(reward)
        return reward

    def copy(seed: int) -> Bandit:
        return Bandit(contexts, pull, space, actions, seed)

    return copy
