"""The journal: an environment restored by replay goes on as the one it was taken from."""

from __future__ import annotations

import io
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paralab.environments.corridor  # noqa: F401  (registers it)
from paralab.core import State
from paralab.environments.journal import Journal, journal_of
from paralab.environments.metered import Metered
from paralab.errors import Failed
from paralab.meter import Meter

ENVIRONMENTS: list[tuple[str, dict[str, Any]]] = [
    ("CartPole-v1", {}),
    ("Pendulum-v1", {}),
    ("Acrobot-v1", {}),
    ("FrozenLake-v1", {}),
    ("Taxi-v4", {}),
    ("paralab/Corridor-v0", {"length": 5}),
]


def through_file(state: State) -> State:
    file = io.BytesIO()
    np.savez(file, **dict[str, Any](state))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def play(env: gym.Env[Any, Any], actions: list[Any]) -> list[Any]:
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append((np.array(observation).tolist(), float(reward), terminated, truncated))
        if terminated or truncated:
            seen.append(np.array(env.reset()[0]).tolist())
    return seen


@settings(max_examples=40, deadline=None)
@given(
    which=st.sampled_from(ENVIRONMENTS),
    seed=st.one_of(st.none(), st.integers(0, 2**31)),
    steps=st.integers(0, 130),
    action_seed=st.integers(0, 2**31),
)
def test_a_restored_environment_goes_on_alike(
    which: tuple[str, dict[str, Any]], seed: int | None, steps: int, action_seed: int
) -> None:
    meter = Meter(grant=steps + 30)
    env = Metered(Journal(gym.make(which[0], disable_env_checker=True, **which[1])), meter)
    env.action_space.seed(action_seed)
    env.reset(seed=seed)
    play(env, [env.action_space.sample() for _ in range(steps)])
    state = through_file(journal_of(env).state())
    other_meter = Meter()
    other = Metered(Journal(gym.make(which[0], disable_env_checker=True, **which[1])), other_meter)
    other.reset(seed=1)
    journal_of(other).restore(state)
    assert other_meter.used == 0
    ahead = [env.action_space.sample() for _ in range(30)]
    assert play(other, ahead) == play(env, ahead)


def test_a_replay_that_ends_elsewhere_is_noticed() -> None:
    journal = Journal(gym.make("CartPole-v1"))
    journal.reset(seed=0)
    journal.step(1)
    state = {**journal.state(), "actions": np.array([0])}
    with pytest.raises(Failed, match="cannot be resumed"):
        journal.restore(state)


def test_no_journal_and_no_reset_are_named() -> None:
    with pytest.raises(Failed, match="keeps no journal"):
        journal_of(gym.make("CartPole-v1"))
    with pytest.raises(Failed, match="never reset"):
        Journal(gym.make("CartPole-v1")).state()
