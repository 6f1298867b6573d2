"""That they learn: shipped settings reach a bar on held-out episodes, and memory is used where it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.base_class import BaseAlgorithm

from paralab.build import build
from paralab.core import Environment, Meaning, Signature, show
from paralab.environments.journal import Journal
from paralab.environments.metered import Metered
from paralab.meter import Meter
from paralab.problems.control import Control
from paralab.problems.rollout import rollout
from paralab.recipe import Recipe
from paralab.record.plan import Plan
from paralab.trainers.reinforcement.sb3 import SB3
from paralab.trust import TRAINER
from tests.known import PLAIN

pytestmark = pytest.mark.slow


class Recall(gym.Env[Any, Any]):
    """A sign is shown once; four steps later it is asked for. Without memory the best mean return is 0."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps, self.sign = 0, int(self.np_random.integers(2))
        return np.array([2.0 * self.sign - 1.0, 0.0], np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        over = self.steps == 5
        reward = (1.0 if action == self.sign else -1.0) if over else 0.0
        return np.array([0.0, float(self.steps == 4)], np.float32), reward, over, False, {}


def recall() -> Environment:
    def make(place: int) -> gym.Env[Any, Any]:
        env = Metered(Journal(Recall()), meter)
        env.reset(seed=place)
        return env

    meter, task = Meter(), Signature(Recall.observation_space, {Meaning.ACTION: Recall.action_space})
    return Environment(make, lambda count: None, task, meter)  # type: ignore[arg-type, return-value]


def trained(trainer: SB3, shown: Environment, steps: int) -> Any:
    return next(snapshot for snapshot in trainer.train(shown, 0) if snapshot.step >= steps).model


@pytest.mark.parametrize(("kind", "remembers"), [(sb3_contrib.RecurrentPPO, True), (sb3_contrib.TRPO, False)])
def test_only_a_policy_that_remembers_recalls(kind: type[BaseAlgorithm], remembers: bool) -> None:
    steps = 20_000
    own: dict[str, Any] = {"n_steps": 64, "batch_size": 256, "learning_rate": 3e-3, "gamma": 0.9}
    own |= {"policy_kwargs": {"lstm_hidden_size": 16, "net_arch": [16]}, "ent_coef": 0.01} if remembers else {}
    model = trained(SB3(Recipe(kind, own), 8, 0.0, "constant", 1, steps, "cpu"), recall(), steps)
    returns = rollout(model, Recall, range(100)).returns
    assert (returns.mean() > 0.9) == remembers, returns.mean()
    assert (abs(returns.mean()) < 0.5) == (not remembers), returns.mean()


@pytest.mark.parametrize(
    ("trainer", "problem", "steps", "bar"),
    [
        ("ars", "CartPole-v1", 50_000, 400.0),
        ("trpo", "CartPole-v1", 60_000, 400.0),
        ("sac", "Pendulum-v1", 6_000, -300.0),  # -138 when it was written; -1,637 after 1,000 steps
    ],
)
def test_shipped_settings_learn(trainer: str, problem: str, steps: int, bar: float, plan: Callable[..., Plan]) -> None:
    node = dict(plan("cartpole", f"reinforcement/{trainer}", f"budget.steps={steps}").config["trainer"])
    del node["default_steps"]
    built = build(node, "trainer", TRAINER)
    assert isinstance(built, SB3)
    control = Control(problem, {}, (), 50, None, "return", None, PLAIN)
    model = trained(built, show(control, Environment), steps)
    score = control.evaluate(model, "test").scores["return"]
    assert score >= bar, score
