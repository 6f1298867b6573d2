"""A problem's training environments as Stable-Baselines3 wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from paralab.core import Environment
from paralab.errors import Failed


class Copies(DummyVecEnv):
    """The first n copies, one after the other in this process; they keep the seeds that the problem gave them.

    Raises Failed where an observation or a reward is not a number.
    """

    def __init__(self, shown: Environment, count: int) -> None:
        super().__init__([partial(shown.make, place) for place in range(count)])
        self._steps = 0

    def seed(self, seed: int | None = None) -> Sequence[None]:
        return [None] * self.num_envs

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = super().step_wait()
        self._steps += 1
        for field, values in (("observation", observations), ("reward", rewards)):
            if isinstance(values, np.ndarray) and values.dtype.kind == "f" and np.isnan(values).any():
                raise Failed(f"{self.envs[0].unwrapped}: {field} is NaN at step {self._steps} of training")
        return observations, rewards, dones, infos


def copies(shown: Environment, count: int) -> VecMonitor:
    """Monitored: an episode's return and length come with its last answer."""
    return VecMonitor(Copies(shown, count))
