"""The bandit keeps its answers and its grant; LinUCB learns from it, resumes exactly, and lands on the pilot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from paralab.core import Array, Environment, Meaning, Signature, show
from paralab.datasets import bundled
from paralab.environments.bandit import make
from paralab.errors import Mismatch, Refused, Spent
from paralab.meter import Meter
from paralab.problems.classification import Classification
from paralab.trainers.reinforcement.linucb import LinearPolicy, LinUCB
from tests.known import PLAIN

LINUCB = LinUCB(scale="auto", alpha=0.3, ridge=1.0, stride=50, horizon=1000)


def iris(labels: int | None = None, seed: int = 0) -> Classification:
    return Classification(bundled.iris(), "accuracy", 10.0, None, replace(PLAIN, labels=labels, seed=seed))


def digits(labels: int, seed: int = 0) -> Classification:
    return Classification(bundled.digits(), "accuracy", 10.0, None, replace(PLAIN, labels=labels, seed=seed))


def reachable(start: object, depth: int = 7) -> list[object]:
    """Everything that a walk over attributes, slots, items and wrapped environments comes to."""
    found: dict[int, object] = {}  # kept alive, so that no id is used twice
    layer = [start]
    for _ in range(depth):
        fresh = {id(thing): thing for thing in layer if id(thing) not in found and not _dull(thing)}
        found |= fresh
        layer = [inner for thing in fresh.values() for inner in _inside(thing)]
    return list(found.values())


def _dull(thing: object) -> bool:
    if isinstance(thing, np.ndarray):
        return False
    return isinstance(thing, ModuleType | type | str | bytes | int | float) or type(thing).__module__.startswith(
        "numpy"
    )


def _inside(thing: object) -> Iterator[object]:
    if isinstance(thing, np.ndarray):
        return
    if isinstance(thing, dict):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    for name in {*getattr(thing, "__dict__", {}), *dir(thing), "__self__", "__wrapped__"}:
        if not name.startswith("__") or name in ("__self__", "__wrapped__", "__dict__"):
            try:
                yield getattr(thing, name)
            except Exception:  # a property that is not defined here leads nowhere
                continue


def test_no_walk_over_attributes_finds_a_label() -> None:
    problem = iris()
    view = show(problem, Environment)
    env, many = view.make(0), view.make_vec(2)
    _, info = env.reset()
    answer = env.step(env.action_space.sample())
    many.reset()
    secret = problem.data.targets[problem.rows.train]
    walked = reachable([view, env, env.unwrapped, many, info, answer])
    arrays = [thing for thing in walked if isinstance(thing, np.ndarray)]
    assert any(array.shape == (105, 4) for array in arrays)  # the contexts are no secret: the walk went deep enough
    assert not [array for array in arrays if array.ndim == 1 and array.shape == secret.shape]
    assert not any(isinstance(thing, Classification) for thing in walked)
    assert info == answer[4] == {}
    env.unwrapped.leak = {"answers": [secret]}  # type: ignore[attr-defined]
    assert any(thing is secret for thing in reachable(view.make(0))) is False
    assert any(thing is secret for thing in reachable(env)) is True  # and the walk would find one


def test_no_copy_pulls_once_too_often() -> None:
    view = show(iris(labels=5), Environment)
    copies = [view.make(place) for place in range(3)]
    for pull in range(5):
        copies[pull % 3].reset()
        copies[pull % 3].step(0)
    assert (view.feedback, view.bits, view.meter.left) == (5, 5, 0)
    for env in (*copies, copies[0].unwrapped):
        env.reset()
        for _ in range(2):
            with pytest.raises(Spent, match="all 5 answers"):
                env.step(0)
    many = view.make_vec(2)
    many.reset()
    with pytest.raises(Spent):
        many.step(np.zeros(2, int))
    assert view.feedback == 5


def test_a_context_is_answered_once() -> None:
    env = show(iris(), Environment).make(0)
    env.reset()
    env.step(1)
    with pytest.raises(ResetNeeded):
        env.step(1)


def test_rewards_are_right_and_contexts_are_training_rows_drawn_again_and_again() -> None:
    contexts, right = np.arange(6.0).reshape(6, 1), np.array([0, 1, 2, 0, 1, 2])
    meter = Meter(best=1.0)
    env = make(contexts, right, gym.spaces.Box(0, 5, (1,), np.float64), 3, meter)(7)
    drawn = []
    for pull in range(60):
        context, _ = env.reset()
        drawn.append(int(context[0]))
        _, reward, terminated, truncated, _ = env.step(np.int64(pull % 3))
        assert (reward, terminated, truncated) == (float(right[drawn[-1]] == pull % 3), True, False)
    assert set(drawn) == set(range(6))
    assert meter.metrics["train/regret"] == 60 - meter.reward


def test_it_is_a_gymnasium_environment_of_its_own_stream() -> None:
    view = show(iris(), Environment)
    check_env(show(digits(50), Environment).make(0).unwrapped, skip_render_check=True)
    first, again, second = (np.stack([env.reset()[0] for _ in range(20)]) for env in map(view.make, (0, 0, 1)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("labels", [20, 50, 105, 160])
def test_snapshots_hit_stride_and_grant(labels: int) -> None:
    view = show(iris(labels), Environment)
    steps = [snapshot.step for snapshot in replace(LINUCB, horizon=90).train(view, 0)]
    assert steps == sorted({*range(50, labels + 1, 50), *([90] if labels > 90 else []), labels})
    assert view.feedback == labels


@pytest.mark.parametrize("scale", ["auto", "standard", "none"])
def test_stopped_and_resumed_is_the_same(scale: str, tmp_path: Path) -> None:
    trainer = replace(LINUCB, scale=scale, stride=7)  # type: ignore[arg-type]
    whole = list(trainer.train(show(iris(60), Environment), 0))
    view = show(iris(60), Environment)
    stream = trainer.train(view, 0)
    for _ in range(3):
        stopped = next(stream)
    state = stopped.state()
    stream.close()
    later = show(iris(60), Environment)
    later.meter.used, later.meter.reward = view.meter.used, view.meter.reward
    resumed = list(trainer.train(later, 0, state))
    assert [each.step for each in resumed] == [each.step for each in whole[3:]]
    assert dict(resumed[-1].metrics) == dict(whole[-1].metrics)
    models = [each[-1].model for each in (whole, resumed)]
    assert all(isinstance(model, LinearPolicy) for model in models)
    assert models[0].weights.tobytes() == models[1].weights.tobytes()  # type: ignore[attr-defined]
    models[0].save(tmp_path)
    inputs = bundled.iris().inputs
    loaded, said = LinearPolicy.load(tmp_path), models[0].predict(inputs)[Meaning.ACTION]
    np.testing.assert_array_equal(loaded.predict(inputs)[Meaning.ACTION], said)
    assert loaded.signature == models[0].signature


def test_snapshots_keep_what_they_were() -> None:
    stream = replace(LINUCB, stride=10).train(show(iris(), Environment), 0)
    first = next(stream)
    state, said = first.state(), first.model.predict(bundled.iris().inputs)[Meaning.ACTION].copy()
    before = {name: array.copy() for name, array in state.items()}
    next(stream)
    assert all(np.array_equal(state[name], before[name]) for name in before)
    np.testing.assert_array_equal(first.model.predict(bundled.iris().inputs)[Meaning.ACTION], said)


def test_running_moments_are_those_of_the_contexts_seen() -> None:
    view = show(iris(40), Environment)
    contexts = []
    env = view.make(0)
    contexts = np.stack([env.reset()[0] for _ in range(41)])
    *_, last = LINUCB.train(view, 0)
    assert isinstance(last.model, LinearPolicy)
    np.testing.assert_allclose(last.model.shift, contexts.mean(axis=0))
    np.testing.assert_allclose(1 / last.model.factor, contexts.std(axis=0))


@pytest.mark.parametrize(
    ("labels", "pilot", "deviation"), [(20, 0.153, 0.051), (100, 0.496, 0.083), (500, 0.915, 0.012)]
)
def test_digits_land_where_the_pilot_did(labels: int, pilot: float, deviation: float) -> None:
    scores = []
    for seed in range(8):
        problem = digits(labels, seed)
        *_, last = LINUCB.train(show(problem, Environment), 0)
        scores.append(problem.evaluate(last.model, "test").scores["accuracy"])
    assert np.mean(scores) == pytest.approx(pilot, abs=0.02 + 3 * deviation / np.sqrt(8))


def test_what_it_cannot_learn_from_is_a_mismatch() -> None:
    flat, meter = gym.spaces.Box(0, 1, (2,), np.float64), Meter()
    view = show(iris(), Environment)
    for inputs, actions, said in (
        (gym.spaces.Discrete(3), gym.spaces.Discrete(2), "one flat Box"),
        (gym.spaces.Box(0, 1, (2, 2), np.float64), gym.spaces.Discrete(2), "one flat Box"),
        (flat, flat, "Discrete actions"),
    ):
        shown = Environment(view.make, view.make_vec, Signature(inputs, {Meaning.ACTION: actions}), meter)
        with pytest.raises(Mismatch, match=said):
            next(LINUCB.train(shown, 0))
    with pytest.raises(Refused, match="scale=range"):
        next(replace(LINUCB, scale="range").train(view, 0))
    with pytest.raises(Refused, match="stride=0"):
        replace(LINUCB, stride=0)


def test_it_plays_episodes_of_many_steps_too() -> None:
    """CartPole has flat contexts and Discrete actions: a pull is a step there."""
    from paralab.environments.journal import Journal

    def copy(place: int) -> gym.Env[Array, np.int64]:
        env = Journal(gym.make("CartPole-v1"))
        env.reset(seed=place)
        return env

    env = copy(0)
    task = Signature(env.observation_space, {Meaning.ACTION: env.action_space})
    view = Environment(copy, lambda count: gym.vector.SyncVectorEnv([lambda: copy(0)] * count), task, Meter())
    stream = LINUCB.train(view, 0)
    first, second = next(stream), next(stream)
    assert (first.step, second.step) == (50, 100)
    assert np.isfinite(second.model.predict(np.zeros((2, 4)))[Meaning.ACTION]).all()
