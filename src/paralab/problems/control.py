"""Control: act in an environment; only a reward is ever shown.

Training copies and evaluation episodes have seeds of disjoint streams, the same for every trainer of a scenario. The
size of the evaluation batch is the number of episodes, and a part of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import gymnasium as gym
import numpy as np

import paralab.environments.corridor  # noqa: F401  (registers it)
from paralab import seeds
from paralab.core import Array, Bounds, Env, Environment, Meaning, Model, Signature, Split, Verdict, View
from paralab.datasets.splits import Scenario
from paralab.environments.journal import Journal
from paralab.environments.metered import Metered
from paralab.errors import Refused
from paralab.meter import Meter
from paralab.problems.rollout import rollout

SPACES = (gym.spaces.Box, gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.MultiBinary)


@dataclass(frozen=True)
class Control:
    """A gymnasium environment; scores return, length, and success where `solved` is set."""

    id: str  # of gymnasium's registry
    kwargs: Mapping[str, bool | int | float | str]  # of the environment
    episodes: int  # of one evaluation
    solved: float | None  # the return from which an episode is a success
    objective: Literal["return", "success"]
    bounds: Bounds | None
    scenario: Scenario

    def __post_init__(self) -> None:
        if self.scenario.labels is not None:
            raise Refused(f"labels={self.scenario.labels}: {self.id} has no labels to grant; leave labels=null")
        if self.scenario.split != "holdout":
            raise Refused(f"split={self.scenario.split}: {self.id} has no rows to split; leave split=holdout")
        if self.episodes < 1:
            raise Refused(f"problem.episodes={self.episodes}: at least 1")
        if self.objective == "success" and self.solved is None:
            raise Refused("problem.objective=success needs problem.solved, the return from which an episode counts")
        if ":" in self.id:  # gymnasium would import what stands before it
            raise Refused(f"problem.id={self.id}: the plain id of a registered environment, without a module")
        self._make()

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        return {Environment: self._environment}

    @property
    def indices(self) -> Mapping[str, Array]:
        """Seeds of the evaluation episodes, (episodes,) a split."""
        splits: tuple[Split, ...] = ("valid", "test") if self.scenario.select else ("test",)
        return {f"{split}_seeds": np.array(self._seeds(split)) for split in splits}

    def evaluate(self, model: Model, split: Split) -> Verdict:
        """Play the episodes of the split. Raises Failed where the environment answers NaN."""
        if split == "valid" and not self.scenario.select:
            return Verdict({}, {}, 0)
        played = rollout(model, self._make, self._seeds(split))
        scores = {"return": float(played.returns.mean()), "length": float(played.lengths.mean())}
        if self.solved is not None:
            scores["success"] = float((played.returns >= self.solved).mean())
        return Verdict(scores, asdict(played), 0)

    def _seeds(self, split: Split) -> list[int]:
        return seeds.integers(
            self.scenario.seed, "valid episodes" if split == "valid" else "test episodes", self.episodes
        )

    def _make(self) -> Env:
        try:
            # The checker warns and costs a wrapper a step; what it would find, the rollout and the journal find.
            env = gym.make(self.id, disable_env_checker=True, **dict[str, Any](self.kwargs))
        except (gym.error.Error, TypeError) as error:
            message = " ".join(str(error).split())
            raise Refused(f"problem.id={self.id}, kwargs={dict(self.kwargs)}: {message}") from error
        for name, space in (("observation", env.observation_space), ("action", env.action_space)):
            if not isinstance(space, SPACES):
                raise Refused(f"problem.id={self.id}: its {name}s are of {space}, not one array; flatten them")
        return env

    def _copy(self, meter: Meter, place: int) -> Env:
        """The copy plays on from a seed of its own: whoever trains resets it without one."""
        env = Metered(Journal(self._make()), meter)
        env.reset(seed=seeds.integers(self.scenario.seed, "environment", place + 1)[place])
        return env

    def _environment(self) -> Environment:
        meter, env = Meter(), self._make()
        make = partial(self._copy, meter)
        task = Signature(env.observation_space, {Meaning.ACTION: env.action_space})
        return Environment(make, partial(_in_step, make), task, meter)


def _in_step(make: Callable[[int], Env], count: int) -> gym.vector.SyncVectorEnv:
    return gym.vector.SyncVectorEnv([partial(make, place) for place in range(count)])
