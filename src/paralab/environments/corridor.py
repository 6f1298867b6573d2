"""A corridor of known optimum: walk to the far end, every step costs.

Importing this module registers it with gymnasium as "paralab/Corridor-v0", at most 100 steps an episode.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from paralab.errors import Refused

COST = 0.01  # of a step that does not arrive
ACTIONS = 2  # 0: back, 1: ahead
STEPS = 100  # an episode is cut off


class Corridor(gym.Env[np.int64, np.int64]):
    """`length` cells, from the first to the last, which pays 1. Optimum: 1 - COST * (length - 2), a step a cell."""

    def __init__(self, length: int) -> None:
        if not 2 <= length <= STEPS:
            raise Refused(f"a corridor of length={length}: between 2 and {STEPS} cells, so that its end can be reached")
        self.observation_space = gym.spaces.Discrete(length)
        self.action_space = gym.spaces.Discrete(ACTIONS)
        self._last, self._cell = length - 1, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        super().reset(seed=seed)
        self._cell = 0
        return np.int64(self._cell), {}

    def step(self, action: np.int64) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        self._cell = max(self._cell + (1 if action == 1 else -1), 0)
        arrived = self._cell == self._last
        return np.int64(self._cell), 1.0 if arrived else -COST, arrived, False, {}


def optimum(length: int) -> float:
    """The best return of a corridor: length - 2 steps that cost, and the one that pays."""
    return 1 - COST * (length - 2)


gym.register(id="paralab/Corridor-v0", entry_point=f"{__name__}:Corridor", max_episode_steps=STEPS)
