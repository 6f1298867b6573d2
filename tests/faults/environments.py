"""Environments that hang or eat memory; importing it registers them with gymnasium."""

from __future__ import annotations

import time
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Bad(gym.Env[Any, Any]):
    """Sound for its first steps, then as `fault` says."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, fault: str = "nothing", after: int = 0) -> None:
        self.fault, self.left = fault, after

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            if self.fault == "raises":
                raise ZeroDivisionError("division by zero")
            if self.fault == "hangs":
                time.sleep(10_000)
            if self.fault == "eats":
                np.ones(1 << 40, np.uint8)
        return np.zeros(2, np.float32), 1.0, False, False, {}


gym.register("tests/Bad-v0", entry_point=Bad, max_episode_steps=20)
