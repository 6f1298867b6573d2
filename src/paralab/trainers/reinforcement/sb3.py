"""Any algorithm of Stable-Baselines3 and sb3-contrib by name, with its own settings.

Raffin et al. 2021, "Stable-Baselines3: Reliable Reinforcement Learning Implementations", JMLR 22(268).
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, cast

import gymnasium as gym
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from paralab.core import Environment, Snapshot, Space, State
from paralab.environments.declared import said
from paralab.errors import Mismatch, Refused, closest
from paralab.recipe import Recipe
from paralab.trainers.reinforcement.fit import default_policy, require
from paralab.trainers.reinforcement.policy_settings import decoded
from paralab.trainers.reinforcement.stream import Search, stream

REFUSED = {  # settings that take code, not values
    "action_noise": "its standard deviation is trainer.noise",
    "replay_buffer_class": "the kind of buffer follows from the observations",
    "rollout_buffer_class": "the kind of buffer follows from the observations",
    "supported_action_spaces": "they are the algorithm's",
}


@dataclass(frozen=True)
class SB3:
    """One algorithm on n_envs copies; what its settings leave out is the library's default.

    Its policy, where none is named: MultiInputPolicy for Dict observations, else MlpPolicy; recurrent ones likewise.
    """

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "environment steps"

    algorithm: Recipe[BaseAlgorithm]
    n_envs: int
    noise: float
    schedule: Literal["constant", "linear"]
    every: int
    horizon: int
    device: str

    def __post_init__(self) -> None:
        """Raises Refused for a setting that cannot be."""
        for name, least in (("n_envs", 1), ("every", 1), ("noise", 0.0)):
            if not getattr(self, name) >= least:
                raise Refused(f"trainer.{name}={getattr(self, name)}: at least {least}")
        settings, takes = self.algorithm.settings, self._takes
        for key, reason in REFUSED.items():
            if settings.get(key) is not None:
                raise Refused(f"trainer.algorithm.{key} cannot be set: {reason}; leave it out")
        if self.noise > 0 and "action_noise" not in takes:
            raise Refused(f"trainer.noise={self.noise}: {self.name} takes no action noise; leave it 0")
        if self.schedule == "linear" and not isinstance(self._learning_rate, int | float):
            raise Refused("trainer.schedule=linear and a learning_rate that is a schedule: one of the two")
        if "Maskable" in self.name:
            raise Refused(
                f"{self.name} asks the environment which actions are legal, which no saved model can; use PPO"
            )

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        """Raises Mismatch for spaces the algorithm cannot take, Refused for settings it does not."""
        require(shown, self.name)
        yield from stream(partial(self.build, seed=seed), shown, self.n_envs, self.horizon, state, self.every)

    @property
    def name(self) -> str:
        return str(getattr(self.algorithm.target, "__name__", self.algorithm.target))

    @property
    def _takes(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.algorithm.target).parameters

    @property
    def _learning_rate(self) -> object:
        own = self._takes.get("learning_rate")
        return self.algorithm.settings.get("learning_rate", own.default if own else None)

    def build(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """The library's own object, at its first step."""
        settings = deepcopy(dict(self.algorithm.settings))
        kind = cast("type[BaseAlgorithm]", self.algorithm.target)
        policies = kind.policy_aliases
        policy = settings.setdefault("policy", default_policy(env.observation_space, policies))
        if policy not in policies:
            raise Refused(f"trainer.algorithm.policy={policy}: {closest(str(policy), policies)}")
        if settings.get("policy_kwargs") is not None:
            settings["policy_kwargs"] = _policy_kwargs(settings["policy_kwargs"], policies[policy])
        if isinstance(settings.get("train_freq"), list):
            settings["train_freq"] = tuple(settings["train_freq"])
        if self.schedule == "linear":
            settings["learning_rate"] = LinearSchedule(float(cast(float, self._learning_rate)), 0.0, 1.0)
        if self.noise > 0:
            settings["action_noise"] = self._action_noise(env.action_space)
        with _in_one_line(self.name, env):
            algorithm = self.algorithm.target(**settings, env=env, seed=seed, device=self.device)
        if self.n_envs > 1 and (why := _needs_one_copy(algorithm)):
            raise Refused(f"trainer.n_envs={self.n_envs}: {self.name} {why}; set it to 1")
        return algorithm

    def _action_noise(self, space: Space) -> NormalActionNoise:
        if not isinstance(space, gym.spaces.Box):
            raise Refused(f"trainer.noise={self.noise}: there is none on actions of {said(space)}; leave it 0")
        return NormalActionNoise(np.zeros(space.shape), np.full(space.shape, self.noise))


def _policy_kwargs(settings: Mapping[str, Any], policy: type) -> dict[str, Any]:
    takes = set(inspect.signature(policy).parameters) - {"observation_space", "action_space", "lr_schedule", "use_sde"}
    for key in settings:
        if key not in takes:
            where = "trainer.algorithm.policy_kwargs"
            raise Refused(f"{where}: there is no '{key}' in {policy.__name__}. {closest(str(key), takes)}")
    return decoded(settings, "trainer.algorithm.policy_kwargs")


def _needs_one_copy(algorithm: BaseAlgorithm) -> str | None:
    if isinstance(algorithm, Search):
        return "miscounts its steps with more than one copy"
    frequency = algorithm.train_freq if isinstance(algorithm, OffPolicyAlgorithm) else None
    if isinstance(frequency, TrainFreq) and frequency.unit is TrainFrequencyUnit.EPISODE:
        return "with a train_freq of episodes plays one copy"
    return None


@contextmanager
def _in_one_line(name: str, env: VecEnv) -> Iterator[None]:
    """Raise what the library says of spaces as Mismatch, of settings as Refused; its warnings of settings too."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", category=UserWarning, module="stable_baselines3|sb3_contrib")
            # Said of every multi-layer policy; who sets device=cuda has chosen.
            warnings.filterwarnings("ignore", message="You are trying to run .* on the GPU")
            yield
    except AssertionError as error:
        if kinds := re.findall(r"spaces\.\w+\.(\w+)'", str(error)):
            can = ", ".join(dict.fromkeys(kinds))
            raise Mismatch(
                f"{name} acts in {can} spaces; this problem's actions are {said(env.action_space)}"
            ) from error
        raise Refused(f"trainer.algorithm: {name}: {_line(error)}") from error
    except NotImplementedError as error:
        raise Mismatch(
            f"{name} cannot learn from observations of {said(env.observation_space)}: {_line(error)}"
        ) from error
    except (TypeError, ValueError, RuntimeError, UserWarning) as error:
        raise Refused(f"trainer.algorithm: {name}: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
