"""What an environment declares, it must keep: told in one line, with its id, step and field, before any training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.environments as own
from paralab.core import Answers, Array, Environment, Meaning, show
from paralab.environments import checked, checker
from paralab.errors import Failed, Refused
from paralab.recipe import EnvId, Recipe
from tests.conftest import Cli
from tests.unit.test_rl_control import Always, control

FAULTY = "tests/Faulty-v0"
# fault -> how its message goes on after the id
COMPLAINTS = {
    "nan": "observation at step {at} is nan at [1]",
    "inf": "observation at step {at} is inf at [0]",
    "shape": "observation at step {at} has shape (3,), its space says (2,)",
    "bounds": "observation at step {at} is 1.5 at [1], outside [-1.0, 1.0]",
    "dtype": "observation at step {at} has dtype complex128, its space says float32",
    "list": "observation at step {at} is a list, not an array",
    "reward nan": "reward at step {at} is nan, not a finite number",
    "reward inf": "reward at step {at} is -inf, not a finite number",
    "reward text": "reward at step {at} is a str, not a number",
    "reward array": "reward at step {at} is a ndarray, not a number",
    "terminated": "terminated at step {at} is a int, not a bool",
    "truncated": "truncated at step {at} is a NoneType, not a bool",
    "info": "info at step {at} is a NoneType, not a dict",
    "raises": "step at step {at} raises ZeroDivisionError: division by zero",
    "four": "step at step {at} raises ValueError: not enough values to unpack (expected 5, got 4)",
    "unseeded": "observation at step {at} is another in a second copy",
}


@settings(max_examples=60, deadline=None)
@given(fault=st.sampled_from(sorted(COMPLAINTS)), at=st.integers(1, checker.STEPS))
def test_a_fault_is_told_with_id_step_and_field(fault: str, at: int) -> None:
    with pytest.raises(Refused) as refused:
        control(FAULTY, {"fault": fault, "at": at})
    assert str(refused.value).startswith(f"problem.id={FAULTY}: {COMPLAINTS[fault].format(at=at)}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", "observation at step 0 is nan"),
        ("raises", "reset at step 0 raises ZeroDivisionError"),
        ("no pair", "what reset returns at step 0 must be the pair"),
        ("info", "info at step 0"),
    ],
)
def test_a_fault_of_reset_is_of_step_0(fault: str, message: str) -> None:
    with pytest.raises(Refused, match=re.escape(f"problem.id={FAULTY}: {message}")):
        control(FAULTY, {"fault": fault, "at": 0})


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"sees": "tuple"}, "its observations are a Tuple, not an array; add problem.wrappers=.*FlattenObservation"),
        ({"sees": "text"}, "observations are a Text.*FlattenObservation"),
        ({"sees": "dict"}, "observation 'deep' is a Dict.*FlattenObservation"),
        ({"sees": "sequence"}, "observations are a Sequence, not an array; add a wrapper of yours"),
        ({"sees": "from one"}, "its observation counts from 1"),
        ({"acts": "tuple"}, "actions are a Tuple"),
        ({"acts": "dict"}, "actions are a Dict"),
        ({"acts": "from one"}, "its action counts from 1"),
        ({"acts": "many from one"}, r"its action counts from \[0 1\]"),
    ],
)
def test_spaces_that_no_trainer_takes_are_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=f"problem.id=tests/Strange-v0: .*{message}") as refused:
        control("tests/Strange-v0", kwargs)
    assert "\n" not in str(refused.value)


def test_an_answer_has_five_parts() -> None:
    with pytest.raises(Refused, match=r"what step returns at step 3 must be \(observation, reward, terminated"):
        control("tests/Endless-v0", {"fault": "four", "at": 3})


@pytest.mark.parametrize("name", ["tests/Endless-v0", "CliffWalking-v1"])
def test_an_episode_must_end(name: str) -> None:
    with pytest.raises(Refused, match=r"no TimeLimit, and no end in 1000 random steps; add \+problem.kwargs.max_ep"):
        control(name)
    limit = Recipe(gym.wrappers.TimeLimit, {"max_episode_steps": 7})
    for limited in (control(name, {"max_episode_steps": 7}), control(name, wrappers=(limit,))):
        assert limited.evaluate(Always(0), "test").evidence["lengths"].tolist() == [7] * 5


def test_an_environment_that_ends_by_itself_needs_no_limit() -> None:
    flat = Recipe(gym.wrappers.FlattenObservation, {})
    assert control("Blackjack-v1", wrappers=(flat,)).evaluate(Always(0), "test").evidence["terminated"].all()


def test_what_ended_at_random_must_end_for_a_policy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "LONGEST", 50)
    lake = control("FrozenLake-v1", {"max_episode_steps": -1, "is_slippery": False})
    with pytest.raises(Failed, match=r"FrozenLake-v1: no end at step 50 of episode 1 \(evaluation, seed"):
        lake.evaluate(Always(0), "test")  # to the left, into a wall


def test_the_look_is_taken_once_a_process_and_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = list[str](), checker.check.__globals__["limited"]
    monkeypatch.setattr(checker, "limited", lambda env: made.append("looked") or make(env))
    monkeypatch.setattr(checker, "_passed", set())
    for _ in range(3):
        control("Acrobot-v1")
    assert made == ["looked"]
    control("Acrobot-v1", {"max_episode_steps": 100})
    control("Acrobot-v1", wrappers=(Recipe(gym.wrappers.ClipReward, {"min_reward": -0.5, "max_reward": 0.0}),))
    assert made == ["looked"] * 3
    assert show(control("Acrobot-v1"), Environment).meter.used == 0


def test_a_copy_is_not_touched_by_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where copies share a space, whose generator the look must not draw from."""
    own.Faulty.action_space.seed(3)
    monkeypatch.setattr(checker, "_passed", set())
    control(FAULTY)
    drawn = [own.Faulty.action_space.sample() for _ in range(20)]
    own.Faulty.action_space.seed(3)
    assert drawn == [own.Faulty.action_space.sample() for _ in range(20)]


LATE = checker.STEPS + 5  # past the look


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", f"observation is NaN at step {LATE} of episode 1"),
        ("inf", f"observation is infinite at step {LATE} of episode 1"),
        ("reward nan", f"reward is nan at step {LATE} of episode 1"),
        ("raises", f"step raised ZeroDivisionError: division by zero at step {LATE} of episode 1"),
    ],
)
def test_a_later_fault_fails_with_its_place(fault: str, message: str) -> None:
    problem = control(FAULTY, {"fault": fault, "at": LATE})
    seed = problem.indices["test_seeds"][0]
    with pytest.raises(Failed, match=re.escape(f"{FAULTY}: {message} (evaluation, seed {seed})")):
        problem.evaluate(Always(1), "test")
    env = show(problem, Environment).make(2)
    env.reset()
    for _ in range(LATE - 1):
        env.step(0)
    with pytest.raises(Failed, match=re.escape(f"{FAULTY}: {message.replace('e 1', 'e 2')} (training copy 2)")):
        env.step(0)


class Ahead(Always):
    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        assert inputs.dtype.names == ("doors", "keys", "room", "speed")
        return {Meaning.ACTION: inputs["room"]}


def test_a_dict_of_observations_is_shown_and_judged() -> None:
    problem = control("tests/Rooms-v0", solved=20.0)
    verdict = problem.evaluate(Ahead(0), "test")
    np.testing.assert_array_equal(verdict.evidence["returns"], verdict.evidence["lengths"])
    seen, _ = show(problem, Environment).make_vec(3).reset()
    assert {key: value.shape for key, value in seen.items()} == {
        "doors": (3, 3), "keys": (3, 2), "room": (3,), "speed": (3, 2, 3),
    }  # fmt: skip


@pytest.mark.parametrize("trust", [(), ("--trust", "tests.")])
def test_a_package_is_imported_only_where_trusted(trust: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    words = ("problem=gym", "problem.id=tests.environments:tests/Faulty-v0", "problem.episodes=2")
    train = ("trainer=reinforcement/linucb", "budget.steps=70", "trainer.scale=none")
    code, out, err = cli("train", *words, *train, *trust)
    assert "Traceback" not in out + err
    if trust:
        assert code == 0, err
    else:
        assert code == 2
        assert "--trust tests.environments" in err


def test_an_id_of_a_package_is_made_by_build_alone() -> None:
    with pytest.raises(Refused, match="without a module"):
        control("tests.environments:tests/Faulty-v0")
    assert control(EnvId("tests.environments:tests/Faulty-v0"), solved=None).success is None
    with pytest.raises(Refused, match="No module named 'nowhere'; is it installed"):
        control(EnvId("nowhere:Faulty-v0"))


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(width=32), min_size=1, max_size=4),
    kind=st.sampled_from([np.float32, np.float64]),
    within=st.booleans(),
)
def test_every_number_that_is_not_finite_is_found_and_no_other(
    values: list[float], kind: type[np.floating[Any]], within: bool
) -> None:
    seen: Any = np.array(values, kind)
    space: Any = gym.spaces.Box(-np.inf, np.inf, seen.shape, kind)

    class Fixed(own.Faulty):
        observation_space = gym.spaces.Dict(a=gym.spaces.Discrete(2), b=space) if within else space

        def _answer(self) -> tuple[Any, ...]:
            return ({"a": 1, "b": seen} if within else seen), 0.0, False, False, {}

    env = checked.Checked(Fixed(), "x", "evaluation")
    if np.isfinite(seen).all():
        env.reset()
        return
    what = "NaN" if np.isnan(seen).any() else "infinite"
    with pytest.raises(Failed, match=f"observation{re.escape(' ' + repr('b')) if within else ''} is {what} at step 0"):
        env.reset()
