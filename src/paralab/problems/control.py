"""Control: act in an environment; only a reward is ever shown.

Training copies and evaluation episodes have seeds of disjoint streams, the same for every trainer of a scenario. The
size of the evaluation batch is the number of episodes, and a part of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any, Literal

import gymnasium as gym
import numpy as np

from paralab import seeds
from paralab.core import Array, Bounds, Env, Environment, Meaning, Model, Signature, Split, Verdict, View
from paralab.datasets.splits import Scenario
from paralab.environments.checked import Checked
from paralab.environments.checker import check
from paralab.environments.journal import Journal
from paralab.environments.making import make
from paralab.environments.metered import Metered
from paralab.errors import Refused
from paralab.meter import Meter
from paralab.problems.rollout import rollout
from paralab.recipe import EnvId, Recipe

Wrapper = gym.Wrapper[Any, Any, Any, Any]


@dataclass(frozen=True)
class Control:
    """A gymnasium environment; scores return, length, and success where a return is said that counts as one."""

    id: EnvId  # of gymnasium's registry
    kwargs: Mapping[str, object | bool]  # of the environment (`build` takes a bool only where the type says so)
    wrappers: tuple[Recipe[Wrapper], ...]  # around every copy, the first innermost
    episodes: int  # of one evaluation
    solved: float | None  # the return from which an episode is a success; None: gymnasium's own threshold, if any
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
        key = repr((type(self.id), str(self.id), sorted(self.kwargs.items()), self.wrappers))
        check(key, self.id, self._make, partial(make, self.id, self.kwargs, ()) if self.wrappers else None)
        if self.objective == "success" and self.success is None:
            raise Refused("problem.objective=success needs problem.solved, the return from which an episode counts")

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        return {Environment: self._environment}

    @property
    def indices(self) -> Mapping[str, Array]:
        """Seeds of the evaluation episodes, (episodes,) a split."""
        splits: tuple[Split, ...] = ("valid", "test") if self.scenario.select else ("test",)
        return {f"{split}_seeds": np.array(self._seeds(split)) for split in splits}

    @cached_property
    def success(self) -> float | None:
        """The return from which an episode is a success; gymnasium's threshold says nothing of rewards wrapped."""
        if self.solved is not None or any(issubclass(_class(each), gym.RewardWrapper) for each in self.wrappers):
            return self.solved
        return gym.spec(self.id.rpartition(":")[2]).reward_threshold

    def evaluate(self, model: Model, split: Split) -> Verdict:
        """Play the episodes of the split. Raises Failed where the environment raises, or answers NaN."""
        if split == "valid" and not self.scenario.select:
            return Verdict({}, {}, 0)
        played = rollout(model, lambda: Checked(self._make(), self.id, "evaluation"), self._seeds(split))
        scores = {"return": float(played.returns.mean()), "length": float(played.lengths.mean())}
        if self.success is not None:
            scores["success"] = float((played.returns >= self.success).mean())
        return Verdict(scores, asdict(played), 0)

    def _seeds(self, split: Split) -> list[int]:
        return seeds.integers(
            self.scenario.seed, "valid episodes" if split == "valid" else "test episodes", self.episodes
        )

    def _make(self) -> Env:
        return make(self.id, self.kwargs, self.wrappers)

    def _copy(self, meter: Meter, place: int) -> Env:
        """The copy plays on from a seed of its own: whoever trains resets it without one."""
        env = Metered(Journal(Checked(self._make(), self.id, f"training copy {place}")), meter)
        env.reset(seed=seeds.integers(self.scenario.seed, "environment", place + 1)[place])
        return env

    def _environment(self) -> Environment:
        env = self._make()
        task = Signature(env.observation_space, {Meaning.ACTION: env.action_space})
        env.close()
        meter = Meter()
        copy = partial(self._copy, meter)
        return Environment(copy, partial(_in_step, copy), task, meter)


def _class(recipe: Recipe[Wrapper]) -> type:
    return recipe.target if isinstance(recipe.target, type) else object


def _in_step(copy: Callable[[int], Env], count: int) -> gym.vector.SyncVectorEnv:
    return gym.vector.SyncVectorEnv([partial(copy, place) for place in range(count)])
