"""A problem's training environments as Stable-Baselines3 wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from paralab.core import Environment
from paralab.environments.observations import fault
from paralab.errors import Failed


class Copies(DummyVecEnv):
    """The first n copies, one after the other in this process; they keep the seeds that the problem gave them.

    Raises Failed where an observation or a reward is not a finite number.
    """

    def __init__(self, shown: Environment, count: int) -> None:
        super().__init__([partial(shown.make, place) for place in range(count)])
        self._steps = 0

    def seed(self, seed: int | None = None) -> Sequence[None]:
        return [None] * self.num_envs

    def reset(self) -> VecEnvObs:
        observations = super().reset()
        self._check("observation", observations)
        return observations

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = super().step_wait()
        self._steps += 1
        self._check("observation", observations)
        self._check("reward", rewards)
        for info, done in zip(infos, dones, strict=True):
            if done:  # what was reached; `observations` hold the first of the next episode
                self._check("observation", info["terminal_observation"])
        return observations, rewards, dones, infos

    def _check(self, field: str, values: object) -> None:
        if found := fault(values, field):
            raise Failed(f"{self.envs[0].unwrapped}: {found[0]} at step {self._steps} of training")


def copies(shown: Environment, count: int) -> VecMonitor:
    """Monitored: an episode's return and length come with its last answer."""
    return VecMonitor(Copies(shown, count))
