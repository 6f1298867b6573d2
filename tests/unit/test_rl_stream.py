"""PPO and DQN as streams: bit for bit the library's own learn(), interrupted or not; and their models."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from stable_baselines3.common.base_class import BaseAlgorithm

from paralab.core import Array, Environment, Meaning, Signature, Snapshot, show
from paralab.environments.journal import Journal
from paralab.environments.metered import Metered
from paralab.errors import Failed, Mismatch, Refused
from paralab.meter import Meter
from paralab.problems.control import Control
from paralab.trainers.reinforcement import stream
from paralab.trainers.reinforcement.copies import copies
from paralab.trainers.reinforcement.dqn import DQN
from paralab.trainers.reinforcement.policy import PolicyModel
from paralab.trainers.reinforcement.ppo import PPO
from paralab.trainers.reinforcement.resume import check
from tests.known import PLAIN
from tests.unit.test_rl_journal import through_file

CONF = Path(__file__).parents[2] / "conf" / "trainer" / "reinforcement"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def shipped(kind: type, name: str, horizon: int) -> Any:
    conf: Any = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"), resolve=False)
    fields = {key: value for key, value in conf.items() if key not in ("_target_", "default_steps")}
    return kind(**{**fields, "net_arch": tuple(fields["net_arch"]), "horizon": horizon, "device": "cpu"})


def ppo(**changes: Any) -> PPO:
    settings: PPO = replace(shipped(PPO, "ppo", 512), n_envs=2, n_steps=32, batch_size=32, n_epochs=2)
    return replace(settings, **changes)


def dqn(**changes: Any) -> DQN:
    settings: DQN = replace(
        shipped(DQN, "dqn", 512), learning_starts=100, train_freq=32, gradient_steps=8, net_arch=(32,)
    )
    return replace(settings, **changes)


TRAINERS = [
    pytest.param(ppo(), id="ppo"),
    pytest.param(ppo(schedule="constant"), id="ppo-constant"),
    pytest.param(dqn(), id="dqn"),
    pytest.param(dqn(n_envs=2, train_freq=16, gradient_steps=-1, buffer_size=200), id="dqn-full-buffer"),
]


def cartpole(seed: int = 0) -> Environment:
    scenario = replace(PLAIN, seed=seed)
    return show(Control("CartPole-v1", {}, (), 100, 475.0, "return", None, scenario), Environment)


def weights(model: BaseAlgorithm | Snapshot) -> dict[str, Array]:
    policy: Any = model.model if isinstance(model, Snapshot) else model
    policy = policy._policy if isinstance(policy, PolicyModel) else policy.policy
    return {name: tensor.numpy().copy() for name, tensor in policy.state_dict().items()}


def assert_equal(one: dict[str, Array], other: dict[str, Array]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name


def disturb() -> None:
    """What an evaluation between two snapshots might do to the process-wide generators."""
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_stream_is_learn(trainer: PPO | DQN) -> None:
    algorithm = trainer.algorithm(copies(cartpole(), trainer.n_envs), seed=3)
    start = weights(algorithm)
    algorithm.learn(512)
    steps = []
    for snapshot in trainer.train(cartpole(), seed=3):
        disturb()
        steps.append(snapshot.step)
        if snapshot.step >= 512:
            break
    assert steps == sorted(set(steps))
    assert_equal(weights(snapshot), weights(algorithm))
    assert any(start[name].tobytes() != array.tobytes() for name, array in weights(snapshot).items())
    assert np.isfinite(list(snapshot.metrics.values())).all()
    assert {"train/return", "train/length", "train/loss", "train/online_reward"} == set(snapshot.metrics)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("stop", [1, 5])
def test_interrupted_and_resumed_is_uninterrupted(trainer: PPO | DQN, stop: int) -> None:
    whole = list(islice(((each, weights(each), dict(each.metrics)) for each in trainer.train(cartpole(), 3)), 10))
    interrupted = cartpole()
    training = trainer.train(interrupted, 3)
    snapshot = next(islice(training, stop - 1, None))
    snapshot.model.predict(np.zeros((7, 4), np.float32))
    disturb()
    state = through_file(snapshot.state())
    training.close()
    disturb()
    resumed = cartpole()
    resumed.meter.used, resumed.meter.reward = interrupted.meter.used, interrupted.meter.reward
    for (before, parameters, metrics), after in zip(whole[stop:], trainer.train(resumed, 3, state), strict=False):
        assert after.step == before.step
        assert_equal(weights(after), parameters)
        assert after.metrics == {name: metrics[name] for name in after.metrics}
    assert resumed.meter.used == whole[-1][0].step
    observations = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    one, other = (each.model.predict(observations)[Meaning.ACTION] for each in (whole[-1][0], after))
    np.testing.assert_array_equal(one, other)


def test_a_state_is_a_copy() -> None:
    training = ppo().train(cartpole(), 0)
    state = next(training).state()
    before = {name: array.tobytes() for name, array in state.items()}
    next(training)
    assert before == {name: array.tobytes() for name, array in state.items()}


def test_an_unknown_attribute_is_reported() -> None:
    algorithm = ppo().algorithm(copies(cartpole(), 2), seed=0)
    check(algorithm)
    algorithm.novelty = 1  # type: ignore[attr-defined]
    with pytest.raises(Failed, match="novelty"):
        check(algorithm)


@pytest.mark.parametrize("trainer", [ppo(), dqn()])
def test_a_saved_policy_answers_alike_and_needs_no_pickle(trainer: PPO | DQN, tmp_path: Path) -> None:
    model = next(trainer.train(cartpole(), 0)).model
    model.save(tmp_path)
    before = torch.get_rng_state()
    loaded = PolicyModel.load(tmp_path)
    assert torch.equal(before, torch.get_rng_state())
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}
    assert loaded.signature == model.signature
    observations = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    answers = [each.predict(observations)[Meaning.ACTION] for each in (model, loaded)]
    assert answers[0].tobytes() == answers[1].tobytes()
    assert all(loaded.signature.outputs[Meaning.ACTION].contains(action) for action in answers[1])


class OneStep(gym.Env[Any, Any]):
    """A bandit: an episode is one step; the sign of the context says what is right."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.context: NDArray[np.float64] = self.np_random.normal(size=2)
        return self.context, {}

    def step(self, action: Any) -> Any:
        return self.context, float(action == (self.context[0] > 0)), True, False, {}


def bandit(grant: int | None) -> Environment:
    def make(place: int) -> gym.Env[Any, Any]:
        env = Metered(Journal(OneStep()), meter)
        env.reset(seed=place)
        return env

    meter = Meter(grant, best=1.0)
    task = Signature(OneStep.observation_space, {Meaning.ACTION: OneStep.action_space})
    return Environment(make, lambda count: None, task, meter)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("trainer", [ppo(), dqn(learning_starts=0)])
def test_a_grant_is_never_exceeded(trainer: PPO | DQN) -> None:
    shown = bandit(150)
    snapshots = [(each.step, dict(each.metrics)) for each in trainer.train(shown, 0)]
    needs = 64 if isinstance(trainer, PPO) else 32
    assert shown.meter.used == snapshots[-1][0] == 150 // needs * needs
    assert snapshots[-1][1]["train/regret"] == shown.meter.used - shown.meter.reward
    assert snapshots[-1][1]["train/length"] == 1.0


@pytest.mark.parametrize(("trainer", "product"), [(ppo(), "32 \\* 2"), (dqn(), "32 \\* 1")])
def test_a_grant_below_one_stretch_is_refused(trainer: PPO | DQN, product: str) -> None:
    shown = bandit(20)
    with pytest.raises(Refused, match=f"{product}.*20 are granted"):
        next(trainer.train(shown, 0))
    assert shown.meter.used == 0


def test_a_bandit_is_resumed_exactly() -> None:
    whole, part, rest = bandit(None), bandit(None), bandit(None)
    expected = [weights(each) for each in islice(ppo().train(whole, 0), 4)]
    state = through_file(next(islice(ppo().train(part, 0), 1, None)).state())
    for parameters, after in zip(expected[2:], ppo().train(rest, 0, state), strict=False):
        assert_equal(weights(after), parameters)
    assert rest.meter.used == 2 * 64


def test_nan_in_training_is_named() -> None:
    class Ill(OneStep):
        def step(self, action: Any) -> Any:
            return self.context, np.nan, True, False, {}

    env = Metered(Journal(Ill()), Meter())
    shown = replace(bandit(None), make=lambda place: Metered(Journal(Ill()), Meter()))
    env.close()
    with pytest.raises(Failed, match="reward is NaN at step 1"):
        next(ppo().train(shown, 0))


def test_other_action_spaces_mismatch() -> None:
    box = replace(
        bandit(None), task=Signature(OneStep.observation_space, {Meaning.ACTION: gym.spaces.Box(-1, 1, (1,))})
    )
    with pytest.raises(Mismatch, match="dqn acts in bounded Discrete"):
        next(dqn().train(box, 0))
    shifted = replace(box, task=Signature(box.task.inputs, {Meaning.ACTION: gym.spaces.Discrete(2, start=1)}))
    with pytest.raises(Mismatch, match="counted from 0"):
        next(ppo().train(shifted, 0))


def test_ppo_acts_in_boxes(tmp_path: Path) -> None:
    scenario = PLAIN
    problem = Control("Pendulum-v1", {}, (), 3, None, "return", None, scenario)
    model = next(ppo().train(show(problem, Environment), 0)).model
    model.save(tmp_path)
    scores = [problem.evaluate(each, "test").scores["return"] for each in (model, PolicyModel.load(tmp_path))]
    assert scores[0] == scores[1] < 0


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="divide n_steps \\* n_envs = 32 \\* 3"):
        ppo(n_envs=3, batch_size=64)
    with pytest.raises(Refused, match="target_update_interval=10"):
        dqn(n_envs=11)


def test_one_stretch_per_snapshot() -> None:
    assert stream.stretch(ppo().algorithm(copies(cartpole(), 2), 0)) == 64


@pytest.mark.slow
def test_ppo_learns_cartpole() -> None:
    """The zoo's settings: median over 5 seeds of the mean return of 100 held-out episodes."""
    returns = []
    for seed in range(5):
        scenario = replace(PLAIN, seed=seed)
        problem = Control("CartPole-v1", {}, (), 100, 475.0, "return", None, scenario)
        for snapshot in shipped(PPO, "ppo", 100_000).train(show(problem, Environment), seed):
            if snapshot.step >= 100_000:
                break
        returns.append(problem.evaluate(snapshot.model, "test").scores["return"])
    assert np.median(returns) >= 475, returns
