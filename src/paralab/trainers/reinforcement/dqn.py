"""Deep Q-learning (Mnih et al. 2015, doi:10.1038/nature14236), by Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import gymnasium as gym
import stable_baselines3
from stable_baselines3.common.vec_env import VecEnv

from paralab.core import Environment, Snapshot, State
from paralab.errors import Refused
from paralab.trainers.reinforcement.fit import default_policy, require
from paralab.trainers.reinforcement.stream import stream


@dataclass(frozen=True)
class DQN:
    """Off-policy; a stretch is train_freq steps in each of n_envs copies, then gradient_steps on the replay buffer."""

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "environment steps"

    n_envs: int
    learning_rate: float
    buffer_size: int
    learning_starts: int
    batch_size: int
    tau: float
    gamma: float
    train_freq: int
    gradient_steps: int
    target_update_interval: int
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float
    max_grad_norm: float
    net_arch: tuple[int, ...]
    horizon: int
    device: str

    def __post_init__(self) -> None:
        if self.n_envs > self.target_update_interval:
            raise Refused(
                f"trainer.target_update_interval={self.target_update_interval} is less than one step of "
                f"n_envs={self.n_envs} copies; raise it to {self.n_envs} or more"
            )

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        require(shown, "dqn", (gym.spaces.Discrete,))
        yield from stream(partial(self.algorithm, seed=seed), shown, self.n_envs, self.horizon, state)

    def algorithm(self, env: VecEnv, seed: int) -> stable_baselines3.DQN:
        """The library's own object, at its first step."""
        return stable_baselines3.DQN(
            default_policy(env.observation_space, stable_baselines3.DQN.policy_aliases),
            env,
            learning_rate=self.learning_rate,
            buffer_size=self.buffer_size,
            learning_starts=self.learning_starts,
            batch_size=self.batch_size,
            tau=self.tau,
            gamma=self.gamma,
            train_freq=self.train_freq,
            gradient_steps=self.gradient_steps,
            target_update_interval=self.target_update_interval,
            exploration_fraction=self.exploration_fraction,
            exploration_initial_eps=self.exploration_initial_eps,
            exploration_final_eps=self.exploration_final_eps,
            max_grad_norm=self.max_grad_norm,
            policy_kwargs={"net_arch": list(self.net_arch)},
            seed=seed,
            device=self.device,
        )
