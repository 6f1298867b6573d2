"""Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347), by Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import stable_baselines3
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from paralab.core import Environment, Snapshot, State
from paralab.errors import Refused
from paralab.trainers.reinforcement.fit import default_policy, require
from paralab.trainers.reinforcement.stream import stream


@dataclass(frozen=True)
class PPO:
    """On-policy; a stretch is n_steps in each of n_envs copies, then n_epochs over them."""

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "environment steps"

    n_envs: int
    n_steps: int
    batch_size: int
    n_epochs: int
    gamma: float
    gae_lambda: float
    clip_range: float
    ent_coef: float
    vf_coef: float
    max_grad_norm: float
    learning_rate: float
    net_arch: tuple[int, ...]
    schedule: Literal["constant", "linear"]
    horizon: int
    device: str

    def __post_init__(self) -> None:
        rollout = self.n_steps * self.n_envs
        if self.batch_size < 2 or rollout < 2 or rollout % self.batch_size:
            raise Refused(
                f"trainer.batch_size={self.batch_size} must be at least 2 and divide n_steps * n_envs = "
                f"{self.n_steps} * {self.n_envs}; set it to a divisor of {rollout}"
            )

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        require(shown, "ppo")
        yield from stream(partial(self.algorithm, seed=seed), shown, self.n_envs, self.horizon, state)

    def algorithm(self, env: VecEnv, seed: int) -> stable_baselines3.PPO:
        """The library's own object, at its first step."""
        return stable_baselines3.PPO(
            default_policy(env.observation_space, stable_baselines3.PPO.policy_aliases),
            env,
            learning_rate=self._schedule(self.learning_rate),
            n_steps=self.n_steps,
            batch_size=self.batch_size,
            n_epochs=self.n_epochs,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            clip_range=self._schedule(self.clip_range),
            ent_coef=self.ent_coef,
            vf_coef=self.vf_coef,
            max_grad_norm=self.max_grad_norm,
            policy_kwargs={"net_arch": list(self.net_arch)},
            seed=seed,
            device=self.device,
        )

    def _schedule(self, start: float) -> float | LinearSchedule:
        return LinearSchedule(start, 0.0, 1.0) if self.schedule == "linear" else start
