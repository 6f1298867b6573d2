"""Every algorithm by name: bit for bit the library's own learn(), interrupted or not, its model saved and loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paralab.build import build
from paralab.core import Environment, Meaning, show
from paralab.problems.control import Control
from paralab.record.plan import Plan
from paralab.trainers.reinforcement.copies import copies
from paralab.trainers.reinforcement.policy import PolicyModel
from paralab.trainers.reinforcement.sb3 import SB3
from paralab.trust import TRAINER
from tests.known import BRIEF, PLAIN, brief
from tests.unit.test_rl_journal import through_file
from tests.unit.test_rl_stream import assert_equal, cartpole, disturb, weights

CONTINUOUS = ("sac", "td3", "ddpg", "tqc", "crossq")
MANY = {"a2c": 2, "tqc": 2, "td3": 2, "trpo": 2, "qrdqn": 2, "recurrent_ppo": 2}  # copies
FAST = ("a2c", "td3", "ars", "crossq", "recurrent_ppo")
HORIZON = 128  # environment steps
each_yaml = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in BRIEF]
)


@pytest.fixture
def small(plan: Callable[..., Plan]) -> Callable[..., SB3]:
    """A shipped trainer, made quick: small("sac", "gamma=0.9")."""

    def make(name: str, *settings: str) -> SB3:
        given = [
            *brief(name),
            *(f"{'+' * each.startswith('+')}trainer.algorithm.{each.lstrip('+')}" for each in settings),
        ]
        node = dict(plan("cartpole", f"reinforcement/{name}", f"budget.steps={HORIZON}", *given).config["trainer"])
        del node["default_steps"]
        trainer = build(node | {"n_envs": MANY.get(name, 1), "every": 1}, "trainer", TRAINER)
        assert isinstance(trainer, SB3)
        return trainer

    return make


def pendulum() -> Environment:
    return show(Control("Pendulum-v1", {"max_episode_steps": 40}, (), 3, None, "return", None, PLAIN), Environment)


def problem_of(name: str) -> Environment:
    return pendulum() if name in CONTINUOUS else cartpole()


@each_yaml
def test_the_stream_is_learn(name: str, small: Callable[..., SB3]) -> None:
    trainer = small(name)
    algorithm = trainer.build(copies(problem_of(name), trainer.n_envs), seed=3)
    start = weights(algorithm)
    algorithm.learn(HORIZON)
    for snapshot in trainer.train(problem_of(name), seed=3):
        disturb()
        if snapshot.step >= HORIZON:
            break
    assert snapshot.step == algorithm.num_timesteps
    assert_equal(weights(snapshot), weights(algorithm))
    assert any(start[key].tobytes() != array.tobytes() for key, array in weights(snapshot).items())
    assert np.isfinite(list(snapshot.metrics.values())).all()
    assert {"train/return", "train/length"} <= set(snapshot.metrics)
    assert name == "ars" or any(metric.endswith("loss") for metric in snapshot.metrics)


@each_yaml
def test_interrupted_and_resumed_is_uninterrupted(name: str, small: Callable[..., SB3], tmp_path: Path) -> None:
    """Stopped at half the horizon, then gone on from a checkpoint that went through a file."""
    trainer, ahead = small(name), 3
    whole, states = [], []
    for snapshot in trainer.train(problem_of(name), seed=3):
        whole.append((snapshot.step, weights(snapshot), dict(snapshot.metrics)))
        if snapshot.step >= HORIZON:
            states.append(snapshot)
        if len(states) > ahead:
            break
    stop = next(place for place, (step, _, _) in enumerate(whole) if step >= HORIZON // 2) + 1
    interrupted = problem_of(name)
    training = trainer.train(interrupted, 3)
    snapshot = next(islice(training, stop - 1, None))
    snapshot.model.predict(np.zeros((7, *interrupted.task.inputs.shape), np.float32))
    disturb()
    state = through_file(snapshot.state())
    training.close()
    disturb()
    resumed = problem_of(name)
    resumed.meter.used, resumed.meter.reward = interrupted.meter.used, interrupted.meter.reward
    for (step, parameters, metrics), after in zip(whole[stop:], trainer.train(resumed, 3, state), strict=False):
        assert after.step == step
        assert_equal(weights(after), parameters)
        assert dict(after.metrics) == metrics
    assert len(whole) > stop
    start = weights(trainer.build(copies(problem_of(name), trainer.n_envs), seed=3))
    assert any(start[key].tobytes() != array.tobytes() for key, array in whole[stop - 1][1].items())
    assert_the_model_comes_back(after.model, resumed, tmp_path)


def assert_the_model_comes_back(model: Any, shown: Environment, folder: Path) -> None:
    model.save(folder)
    loaded = PolicyModel.load(folder)
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}
    assert loaded.signature == model.signature
    shape = shown.task.inputs.shape or ()
    inputs = np.random.default_rng(0).normal(size=(100, *shape)).astype(np.float32)
    one, other = model.predict(inputs), loaded.predict(inputs)
    assert set(one) == set(other) == set(model.signature.outputs)
    for meaning, answers in one.items():
        assert answers.tobytes() == other[meaning].tobytes()
        assert all(model.signature.outputs[meaning].contains(answer) for answer in answers)
    assert replace(shown.task, outputs={}).inputs == loaded.signature.inputs
    assert Meaning.ACTION in one
