"""Spaces of every kind, policies that remember, settings of every sort: streamed, resumed, saved and judged alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from paralab.core import Answers, Array, Environment, Meaning, Model, Signature, Space
from paralab.environments.journal import Journal
from paralab.environments.metered import Metered
from paralab.environments.observations import batch, dtype_of, fault, parts
from paralab.errors import Failed, Mismatch, Refused
from paralab.meter import Meter
from paralab.problems.rollout import rollout
from paralab.recipe import Recipe
from paralab.trainers.reinforcement.copies import copies
from paralab.trainers.reinforcement.policy import PolicyModel
from paralab.trainers.reinforcement.sb3 import SB3
from tests.unit.test_rl_journal import through_file
from tests.unit.test_rl_stream import assert_equal, disturb, weights

PLACE = Box(-1.0, 1.0, (2,), np.float32)
SCENE = Dict([("speed", Box(-np.inf, np.inf, (1,), np.float32)), ("gear", Discrete(3)), ("place", PLACE)])
IMAGE = Box(0, 255, (36, 36, 3), np.uint8)
SEEN = Dict([("camera", IMAGE), ("place", PLACE)])
ARM = Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 10.0], np.float32))
SEARCH: dict[str, Any] = {"n_delta": 2, "zero_policy": False, "policy_kwargs": {"net_arch": [4]}}
ON: dict[str, Any] = {"n_steps": 8, "policy_kwargs": {"net_arch": [8]}}
PPO: dict[str, Any] = {**ON, "batch_size": 16, "n_epochs": 2}
OFF: dict[str, Any] = {
    "buffer_size": 40, "learning_starts": 10, "batch_size": 8, "train_freq": 8, "gradient_steps": 2,
    "policy_kwargs": {"net_arch": [8]},
}  # fmt: skip


def draw(space: Space, random: np.random.Generator) -> Any:
    if isinstance(space, Dict):
        return {name: draw(inner, random) for name, inner in space.spaces.items()}
    if isinstance(space, Box) and space.dtype == np.uint8:
        return random.integers(0, 256, space.shape).astype(np.uint8)
    if isinstance(space, Box):
        return np.asarray(random.normal(size=space.shape).clip(-1, 1), space.dtype)
    if isinstance(space, Discrete):
        return np.int64(random.integers(space.n))
    if isinstance(space, MultiDiscrete):
        return random.integers(space.nvec)
    return random.integers(0, 2, space.shape).astype(np.int8)


class Any7(gym.Env[Any, Any]):
    """Seven steps of noise in any space; the reward follows the action, so that there is something to learn."""

    def __init__(self, seen: Space, acted: Space) -> None:
        self.observation_space, self.action_space = seen, acted
        self.steps, self.closed = 0, False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return draw(self.observation_space, self.np_random), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.steps += 1
        reward = float(np.sum(action)) + float(self.np_random.normal())
        return draw(self.observation_space, self.np_random), reward, False, self.steps == 7, {}

    def close(self) -> None:
        self.closed = True


def shown(seen: Space, acted: Space, made: list[Any] | None = None) -> Environment:
    def make(place: int) -> gym.Env[Any, Any]:
        inner = Any7(seen, acted)
        if made is not None:
            made.append(inner)
        env = Metered(Journal(inner), meter)
        env.reset(seed=place)
        return env

    meter = Meter()
    task = Signature(seen, {Meaning.ACTION: acted})
    return Environment(make, lambda count: None, task, meter)  # type: ignore[arg-type, return-value]


def sb3(algorithm: type[BaseAlgorithm], changes: Mapping[str, Any], **fields: Any) -> SB3:
    plain = {"n_envs": 2, "noise": 0.0, "schedule": "constant", "every": 1, "horizon": 64, "device": "cpu"}
    return SB3(Recipe(algorithm, dict(changes)), **{**plain, **fields})


CASES = {  # algorithm, its settings, observations, actions, other fields
    "dict-ppo": (stable_baselines3.PPO, PPO, SCENE, Discrete(3), {}),
    "dict-dqn": (stable_baselines3.DQN, OFF, SCENE, Discrete(3), {}),
    "dict-sac": (stable_baselines3.SAC, OFF, SCENE, ARM, {}),
    "dict-lstm": (sb3_contrib.RecurrentPPO, PPO, SCENE, Discrete(3), {}),
    "multi-a2c": (stable_baselines3.A2C, ON, MultiDiscrete([2, 3]), MultiDiscrete([3, 2]), {}),
    "binary-trpo": (sb3_contrib.TRPO, {**ON, "batch_size": 16}, MultiBinary(4), MultiBinary(3), {}),
    "discrete-qrdqn": (sb3_contrib.QRDQN, OFF, Discrete(5), Discrete(2), {"n_envs": 1}),
    "image-ppo": (stable_baselines3.PPO, {**PPO, "policy": "CnnPolicy"}, IMAGE, Discrete(2), {}),
    "image-dict-td3": (stable_baselines3.TD3, {**OFF, "batch_size": 4}, SEEN, ARM, {"noise": 0.2}),
    "sde-ppo": (stable_baselines3.PPO, {**PPO, "use_sde": True, "sde_sample_freq": 4}, PLACE, ARM, {}),
    "sde-crossq": (sb3_contrib.CrossQ, {**OFF, "use_sde": True}, PLACE, ARM, {}),
    "fixed-entropy-tqc": (sb3_contrib.TQC, {**OFF, "ent_coef": 0.1}, PLACE, ARM, {"schedule": "linear"}),
    "saved-memory-dqn": (
        stable_baselines3.DQN,
        {**OFF, "optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}},
        PLACE, Discrete(2), {},
    ),
    "three-steps-sac": (stable_baselines3.SAC, {**OFF, "n_steps": 3}, PLACE, ARM, {"n_envs": 1}),
    "search-box": (sb3_contrib.ARS, SEARCH, PLACE, ARM, {"n_envs": 1}),
    "tf-rmsprop-a2c": (
        stable_baselines3.A2C,
        {**ON, "policy_kwargs": {
            "net_arch": {"pi": [8], "vf": [4]}, "activation_fn": "torch.nn.ELU", "optimizer_kwargs": {"eps": 1e-5},
            "optimizer_class": "stable_baselines3.common.sb2_compat.rmsprop_tf_like.RMSpropTFLike",
        }},
        PLACE, Discrete(2), {},
    ),
}  # fmt: skip
FAST = ("dict-dqn", "dict-lstm", "multi-a2c", "image-dict-td3", "saved-memory-dqn", "fixed-entropy-tqc")
each_case = pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in CASES]
)


@each_case
def test_streamed_resumed_saved_and_judged(case: str, tmp_path: Path) -> None:
    kind, own, seen, acted, fields = CASES[case]
    trainer = sb3(kind, own, **fields)
    whole, state, stop = [], None, 0
    for snapshot in trainer.train(shown(seen, acted), 3):
        whole.append((snapshot.step, weights(snapshot)))
        if state is None and snapshot.step >= 48:
            state, stop = through_file(snapshot.state()), len(whole)
            snapshot.model.predict(batch([draw(seen, np.random.default_rng(0))] * 3, seen))
            disturb()
        if snapshot.step >= 96:
            break
    for (step, parameters), after in zip(whole[stop:], trainer.train(shown(seen, acted), 3, state), strict=False):
        assert after.step == step
        assert_equal(weights(after), parameters)
    algorithm = trainer.build(copies(shown(seen, acted), trainer.n_envs), seed=3)
    algorithm.learn(64)
    assert_equal(dict(whole)[algorithm.num_timesteps], weights(algorithm))
    after.model.save(tmp_path)
    loaded = PolicyModel.load(tmp_path)
    assert loaded.signature == after.model.signature
    played = [rollout(each, lambda: Any7(seen, acted), range(5)).returns for each in (after.model, loaded)]
    np.testing.assert_array_equal(*played)


def test_copies_are_closed_when_the_stream_is() -> None:
    made: list[Any] = []
    training = sb3(stable_baselines3.PPO, PPO).train(shown(PLACE, Discrete(2), made), 0)
    next(training)
    assert [env.closed for env in made] == [False, False]
    training.close()
    assert [env.closed for env in made] == [True, True]


def test_a_policy_that_remembers_is_told_what_it_answered(tmp_path: Path) -> None:
    """The batched model, row by row, is the library's own policy with its own state."""
    trainer = sb3(sb3_contrib.RecurrentPPO, {**PPO, "policy_kwargs": {"lstm_hidden_size": 6, "n_lstm_layers": 2}})
    snapshot = next(islice(trainer.train(shown(PLACE, ARM), 0), 2, None))
    model: Any = snapshot.model
    assert model.signature.outputs[Meaning.STATE] == Box(-np.inf, np.inf, (2, 2, 6), np.float32)
    inputs = np.random.default_rng(0).normal(size=(9, 4, 2)).astype(np.float32)
    state, own, changed = None, None, False
    for step in inputs:
        answers = model.predict(step, state)
        fresh = model.predict(step)[Meaning.ACTION]
        state = answers[Meaning.STATE]
        assert state.shape == (4, 2, 2, 6)
        expected, own = model._policy.predict(step, own, deterministic=True)
        np.testing.assert_array_equal(answers[Meaning.ACTION], expected)
        changed = changed or not np.array_equal(fresh, expected)
    assert changed
    swapped = model.predict(inputs[0], state[::-1])[Meaning.ACTION]
    np.testing.assert_allclose(swapped, model.predict(inputs[0][::-1], state)[Meaning.ACTION][::-1], atol=1e-6)


class Counter(Model):
    """Remembers, as its state, how often it was asked; acts by it."""

    def __init__(self) -> None:
        self.signature = Signature(PLACE, {Meaning.ACTION: Discrete(2)})
        self.batches: list[int] = []

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        count = np.zeros((len(inputs), 1)) if state is None else state + 1
        self.batches.append(int(count[0, 0]))
        return {Meaning.ACTION: np.zeros(len(inputs), int), Meaning.STATE: count}

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path, trust: Any = ()) -> Counter:
        return cls()


def test_a_rollout_hands_the_state_back() -> None:
    model = Counter()
    rollout(model, lambda: Any7(PLACE, Discrete(2)), range(3))
    rollout(model, lambda: Any7(PLACE, Discrete(2)), range(3))
    assert model.batches == [*range(7), *range(7)]


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 5), seed=st.integers(0, 1000), seen=st.sampled_from([SCENE, SEEN, PLACE, Discrete(4)]))
def test_a_batch_holds_each_observation_as_it_was(count: int, seed: int, seen: Space) -> None:
    random = np.random.default_rng(seed)
    observations = [draw(seen, random) for _ in range(count)]
    whole = batch(observations, seen)
    assert whole.shape[0] == count
    assert isinstance(seen, Dict) == (whole.dtype.names is not None)
    taken = parts(whole, seen)
    for row, observation in enumerate(observations):
        if isinstance(seen, Dict):
            for name in seen.spaces:
                np.testing.assert_array_equal(taken[name][row], observation[name])
        else:
            np.testing.assert_array_equal(taken[row], observation)
    assert fault(whole, "observation") is None


def test_a_nested_type_and_its_faults() -> None:
    nested = Dict([("arm", Dict([("angle", Box(-1, 1, (2,)))])), ("gear", Discrete(2))])
    whole = batch([{"arm": {"angle": [0.0, 1.0]}, "gear": 1}] * 3, nested)
    assert whole.dtype == dtype_of(nested)
    whole["arm"]["angle"][2, 1] = np.inf
    assert fault(whole, "observation") == ("observation.arm.angle is infinite", 2)
    assert fault({"arm": {"angle": np.array([0.0, np.nan])}}, "observation") == ("observation.arm.angle is NaN", 1)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_what_is_no_number_is_named_with_its_field(value: float, said: str) -> None:
    class Ill(Any7):
        def step(self, action: Any) -> Any:
            seen, reward, *rest = super().step(action)
            return {**seen, "speed": np.full(1, value, np.float32) if self.steps == 3 else seen["speed"]}, reward, *rest

    ill = Environment(
        lambda place: Metered(Journal(Ill(SCENE, Discrete(2))), Meter()),
        lambda count: None,  # type: ignore[arg-type, return-value]
        Signature(SCENE, {Meaning.ACTION: Discrete(2)}),
        Meter(),
    )
    with pytest.raises(Failed, match=f"observation.speed is {said} at step 3 of training"):
        next(sb3(stable_baselines3.PPO, PPO).train(ill, 0))
    with pytest.raises(Failed, match=f"observation.speed is {said} at step 3 of evaluation episode 0"):
        rollout(Counter(), lambda: Ill(SCENE, Discrete(2)), [1])


REFUSALS: list[tuple[type[BaseAlgorithm], dict[str, Any], dict[str, Any], str]] = [
    (stable_baselines3.PPO, {}, {"n_envs": 0}, "trainer.n_envs=0: at least 1"),
    (stable_baselines3.PPO, {}, {"noise": -1.0}, "trainer.noise=-1.0"),
    (stable_baselines3.PPO, {}, {"noise": 0.1}, "PPO takes no action noise"),
    (stable_baselines3.DQN, {"replay_buffer_class": list}, {}, "replay_buffer_class cannot be set"),
    (stable_baselines3.PPO, {"policy": "MlpPolcy"}, {}, "Did you mean 'MlpPolicy'"),
    (stable_baselines3.PPO, {"policy_kwargs": {"net_arc": [8]}}, {}, "no 'net_arc' in ActorCriticPolicy.*'net_arch'"),
    (stable_baselines3.PPO, {"policy_kwargs": {"activation_fn": "torch.nn.Relu"}}, {}, "'torch.nn.ReLU'"),
    (stable_baselines3.PPO, {"policy_kwargs": {"optimizer_kwargs": {"eps": object()}}}, {}, "a number, a text"),
    (stable_baselines3.PPO, {"n_steps": 10, "batch_size": 64}, {}, "mini-batch size of 64"),
    (stable_baselines3.PPO, {"policy": "CnnPolicy"}, {}, "NatureCNN only with images"),
    (stable_baselines3.DQN, {"train_freq": [1, "episode"]}, {}, "train_freq of episodes plays one copy"),
    (stable_baselines3.DQN, {"train_freq": [1, "week"]}, {}, "must be either 'step' or 'episode'"),
    (sb3_contrib.ARS, {}, {}, "miscounts its steps"),
    (sb3_contrib.MaskablePPO, {}, {}, "which actions are legal"),
    (stable_baselines3.PPO, {"learning_rate": LinearSchedule(1.0, 0.0, 1.0)}, {"schedule": "linear"}, "one of the two"),
]


@pytest.mark.parametrize(("kind", "own", "fields", "message"), REFUSALS)
def test_settings_that_cannot_be_are_refused_in_one_line(
    kind: type[BaseAlgorithm], own: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message) as refused:
        next(sb3(kind, own, **fields).train(shown(PLACE, Discrete(2)), 0))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "seen", "acted", "message"),
    [
        (stable_baselines3.PPO, Box(0, 1, ()), Discrete(2), "Box.*of no length"),
        (stable_baselines3.SAC, PLACE, Discrete(2), "SAC acts in Box spaces; this problem's actions are Discrete"),
        (sb3_contrib.ARS, PLACE, MultiBinary(2), "ARS acts in Box, Discrete spaces"),
        (stable_baselines3.DQN, PLACE, ARM, "DQN acts in Discrete spaces"),
        (stable_baselines3.PPO, Discrete(3, start=1), Discrete(2), "PPO reads .*counted from 0"),
        (stable_baselines3.PPO, PLACE, MultiDiscrete([2, 2], start=[1, 0]), "counted from 0"),
        (stable_baselines3.PPO, Dict([("a", Dict([("b", PLACE)]))]), Discrete(2), "PPO reads .*no Dict inside a Dict"),
    ],
)
def test_spaces_that_do_not_fit_mismatch(kind: type[BaseAlgorithm], seen: Space, acted: Space, message: str) -> None:
    with pytest.raises(Mismatch, match=message) as mismatch:
        next(sb3(kind, {}, n_envs=1).train(shown(seen, acted), 0))
    assert "\n" not in str(mismatch.value)


@pytest.mark.parametrize(
    ("policy", "trust", "message"),
    [
        ("os.path.join", (), "'os.path.join' is not trusted"),
        ("antigravity.Policy", (), "not trusted"),
        ("stable_baselines3.common.base_class.BaseAlgorithm", (), "is not a policy"),
        ("stable_baselines3.ppo.policies.ActorCriticPolicy", (), "is not a policy"),  # not its home
        ("stable_baselines3.nowhere.Policy", (), "does not exist"),
        ("sb3_contrib.nowhere.Policy", (), r"pip install paralab\[rl\]"),
        ("mine.Policy", ("mine",), "does not exist.*PYTHONPATH"),
    ],
)
def test_only_policies_are_rebuilt(policy: str, trust: tuple[str, ...], message: str, tmp_path: Path) -> None:
    next(sb3(stable_baselines3.PPO, PPO).train(shown(PLACE, Discrete(2)), 0)).model.save(tmp_path)
    about = json.loads((tmp_path / "policy.json").read_text())
    assert about["policy"] == "stable_baselines3.common.policies.ActorCriticPolicy"
    (tmp_path / "policy.json").write_text(json.dumps({**about, "policy": policy}))
    with pytest.raises(Refused, match=message):
        PolicyModel.load(tmp_path, trust)
    (tmp_path / "policy.json").write_text(json.dumps({**about, "policy": "ActorCriticPolicy"}))
    PolicyModel.load(tmp_path)


def test_every_so_many_steps_and_at_the_horizon() -> None:
    trainer = sb3(stable_baselines3.A2C, ON, every=50, n_envs=1, horizon=130)
    steps = [snapshot.step for snapshot in islice(trainer.train(shown(PLACE, Discrete(2)), 0), 5)]
    assert steps == [56, 112, 136, 144, 152]
