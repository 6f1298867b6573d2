"""Wrappers from a config, around every copy; and that a copy stopped anywhere goes on alike, whatever is around it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers as offered
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.environments as own
from paralab.build import job_of
from paralab.core import Env, Environment, show
from paralab.environments.journal import journal_of
from paralab.errors import Refused
from paralab.problems.control import Control
from paralab.recipe import Recipe
from paralab.record.plan import Plan
from tests.conftest import Cli
from tests.unit.test_rl_control import Always, control
from tests.unit.test_rl_journal import through_file

STACK = Recipe(offered.FrameStackObservation, {"stack_size": 3})
STICKY = Recipe(offered.StickyAction, {"repeat_action_probability": 0.3})
NOISE = Recipe(offered.AddWhiteNoise, {"probability_of_noise_per_pixel": 0.5, "is_noise_grayscale": False})
FLAT = Recipe(offered.FlattenObservation, {})
LIMIT = Recipe(offered.TimeLimit, {"max_episode_steps": 25})
PROBLEMS: list[tuple[str, dict[str, Any], tuple[Recipe[Any], ...]]] = [
    ("Pendulum-v1", {}, ()),
    ("Acrobot-v1", {}, ()),
    ("MountainCar-v0", {}, ()),
    ("MountainCarContinuous-v0", {}, ()),
    ("Taxi-v4", {"is_rainy": True}, ()),
    ("CliffWalking-v1", {"max_episode_steps": 40, "is_slippery": True}, ()),
    ("LunarLander-v3", {}, ()),
    ("LunarLander-v3", {"continuous": True, "enable_wind": True}, ()),
    ("tests/Rooms-v0", {}, ()),
    ("tests/Rooms-v0", {"actions": "many"}, (FLAT,)),
    ("CartPole-v1", {}, (LIMIT, STACK, FLAT)),
    ("CartPole-v1", {}, (STICKY, NOISE, LIMIT)),
    ("Pendulum-v1", {}, (Recipe(offered.RescaleAction, {"min_action": -1.0, "max_action": 1.0}), STICKY, STACK)),
    ("Pendulum-v1", {}, (Recipe(offered.DelayObservation, {"delay": 3}), LIMIT)),
    ("Blackjack-v1", {}, (FLAT,)),
]


def play(env: Env, actions: list[Any]) -> list[Any]:
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append((gym.spaces.flatten(env.observation_space, observation).tolist(), reward, terminated, truncated))
        if terminated or truncated:
            seen.append(gym.spaces.flatten(env.observation_space, env.reset()[0]).tolist())
    return seen


@settings(max_examples=40, deadline=None)
@given(which=st.sampled_from(PROBLEMS), place=st.integers(0, 2), steps=st.integers(0, 150), drawn=st.integers(0, 99))
def test_a_copy_stopped_anywhere_goes_on_alike(
    which: tuple[str, dict[str, Any], tuple[Recipe[Any], ...]], place: int, steps: int, drawn: int
) -> None:
    shown = show(control(which[0], which[1], wrappers=which[2]), Environment)
    env = shown.make(place)
    env.action_space.seed(drawn)
    env.reset()
    play(env, [env.action_space.sample() for _ in range(steps)])
    state = through_file(journal_of(env).state())
    other = shown.make(0)
    used = shown.meter.used
    journal_of(other).restore(state)
    assert shown.meter.used == used
    ahead = [env.action_space.sample() for _ in range(80)]
    assert play(other, ahead) == play(env, ahead)


def test_the_first_is_innermost_around_every_copy() -> None:
    problem = control(wrappers=(LIMIT, STACK, FLAT))
    shown = show(problem, Environment)
    assert shown.task.inputs.shape == (12,)
    assert shown.make(0).reset()[0].shape == (12,)
    assert shown.make_vec(2).reset()[0].shape == (2, 12)
    verdict = control("Pendulum-v1", wrappers=(LIMIT,)).evaluate(Always([0.0]), "test")
    assert verdict.evidence["truncated"].all()
    assert verdict.scores["length"] == 25
    assert problem.evaluate(Always(1), "test").evidence["lengths"].max() <= 25


def test_a_success_by_gymnasiums_threshold_is_of_rewards_as_they_are() -> None:
    assert control().success == 475.0
    assert control(solved=9.0).success == 9.0
    assert control(wrappers=(STACK,)).success == 475.0
    clip = Recipe(offered.ClipReward, {"min_reward": 0.0, "max_reward": 0.5})
    assert control(wrappers=(clip,)).success is None
    assert "success" not in control(wrappers=(clip,)).evaluate(Always(1), "test").scores


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(offered.NormalizeObservation, {}), "NormalizeObservation keeps statistics from one episode"),
        (Recipe(offered.NormalizeReward, {}), "NormalizeReward keeps statistics"),
        (Recipe(offered.RecordVideo, {"video_folder": "x"}), "RecordVideo writes files"),
        (Recipe(offered.HumanRendering, {}), "HumanRendering opens a window"),
        (Recipe(offered.Autoreset, {}), "Autoreset resets by itself"),
        (Recipe(offered.TransformObservation, {}), "TransformObservation cannot wrap CartPole-v1: .*func"),
        (Recipe(offered.TimeLimit, {"max_episode_steps": 0}), "TimeLimit cannot wrap CartPole-v1"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(recipe: Recipe[Any], message: str) -> None:
    with pytest.raises(Refused, match=rf"problem.wrappers\[1\]: {message}") as refused:
        control(wrappers=(STACK, recipe))
    assert "\n" not in str(refused.value)


def test_a_wrapper_that_remembers_is_found_out() -> None:
    with pytest.raises(Refused, match="keeps something from an episode of CartPole-v1 to the next"):
        control(wrappers=(Recipe(own.Remembers, {}),))


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "Box2D", None)
    with pytest.raises(Refused, match=r"problem.id=LunarLander-v3 needs .* pip install paralab\[rl\]"):
        control("LunarLander-v3", {"gravity": -9.5})


def test_by_the_command_line(cli: Cli) -> None:
    wrappers = "[{_target_: gymnasium.wrappers.TimeLimit, max_episode_steps: 9},"
    wrappers += "{_target_: gymnasium.wrappers.FrameStackObservation, stack_size: 2},"
    wrappers += "{_target_: gymnasium.wrappers.FlattenObservation}]"
    words = ("problem=gym", "problem.id=Acrobot-v1", "problem.episodes=3", f"problem.wrappers={wrappers}")
    train = ("trainer=reinforcement/linucb", "budget.steps=64")
    code, out, err = cli("train", *words, *train, "+problem.kwargs.max_episode_steps=30")
    assert code == 0, err
    assert "-9" in out
    code, out, err = cli("train", *words[:1], *train)
    assert code == 2
    assert "problem.id is missing" in err
    wrapper = "[{_target_: gymnasium.wrappers.NormalizeReward}]"
    code, out, err = cli("train", *words[:2], f"problem.wrappers={wrapper}", *train)
    assert (code, len(err.strip().splitlines())) == (2, 1)


def test_an_evaluation_closes_its_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    closed, close = list[int](), own.Faulty.close
    monkeypatch.setattr(own.Faulty, "close", lambda self: closed.append(id(self)) or close(self))
    problem: Control = control("tests/Faulty-v0")
    before = len(closed)
    problem.evaluate(Always(1), "test")
    assert len(set(closed[before:])) == problem.episodes
    np.testing.assert_equal(len(closed[before:]), problem.episodes)


def test_kwargs_of_any_kind(plan: Callable[..., Plan]) -> None:
    words = ("problem.id=FrozenLake-v1", "+problem.kwargs.desc=[SF,FG]", "+problem.kwargs.is_slippery=false")
    job = job_of(plan("gym", "reinforcement/q_table", *words), [])
    assert isinstance(job.shown, Environment)
    assert job.shown.task.inputs == gym.spaces.Discrete(4)
    assert job.problem.evaluate(Always(1), "test").scores["return"] == 0.0
    assert job.problem.bounds is None
