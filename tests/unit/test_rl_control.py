"""Control problems: what is shown, what is judged, and that their declared optima are true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from omegaconf import OmegaConf

from paralab.core import Answers, Array, Environment, Labelled, Meaning, Model, Signature, show
from paralab.datasets.splits import Scenario
from paralab.environments.corridor import COST, Corridor, optimum
from paralab.errors import Failed, Mismatch, Refused, Spent
from paralab.problems.control import Control
from paralab.problems.rollout import rollout
from tests.known import PLAIN

CONF = Path(__file__).parents[2] / "conf" / "problem"


class Always(Model):
    """Answers one action to everything, and remembers the sizes of the batches it was asked."""

    def __init__(self, action: object, signature: Signature | None = None) -> None:
        self.action, self.batches = action, set[int]()

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        self.batches.add(len(inputs))
        return {Meaning.ACTION: np.array([self.action] * len(inputs))}

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Always:
        return cls(0)


def scenario(seed: int = 0, **changes: Any) -> Scenario:
    return replace(PLAIN, seed=seed, **changes)


def control(name: str = "CartPole-v1", kwargs: dict[str, Any] | None = None, **changes: Any) -> Control:
    fields = {
        "wrappers": (),
        "episodes": 5,
        "solved": None,
        "objective": "return",
        "bounds": None,
        "scenario": scenario(),
    } | changes
    return Control(id=name, kwargs=kwargs or {}, **fields)


def test_a_fixed_batch_is_judged_and_every_copy_plays_one_episode() -> None:
    model, problem = Always(1), control(solved=9.5)
    verdict = problem.evaluate(model, "test")
    returns = verdict.evidence["returns"]
    assert model.batches == {5}
    assert verdict.feedback == 0
    np.testing.assert_array_equal(returns, verdict.evidence["lengths"])
    assert verdict.evidence["terminated"].all()
    assert not verdict.evidence["truncated"].any()
    assert verdict.scores["return"] == returns.mean() == verdict.scores["length"]
    assert verdict.scores["success"] == (returns >= 9.5).mean()
    np.testing.assert_array_equal(verdict.evidence["seeds"], problem.indices["test_seeds"])


def test_an_episode_of_the_batch_is_the_one_played_alone() -> None:
    seeds = [7, 8, 9]
    together = rollout(Always(1), lambda: gym.make("CartPole-v1"), seeds)
    alone = [rollout(Always(1), lambda: gym.make("CartPole-v1"), [seed]).lengths[0] for seed in seeds]
    np.testing.assert_array_equal(together.lengths, alone)


def test_truncation_is_told_apart_from_termination() -> None:
    verdict = control("paralab/Corridor-v0", {"length": 4}).evaluate(Always(0), "test")
    assert verdict.evidence["truncated"].all()
    assert not verdict.evidence["terminated"].any()
    assert verdict.scores["return"] == pytest.approx(-100 * COST)


def test_validation_is_empty_unless_selecting_and_has_seeds_of_its_own() -> None:
    assert control().evaluate(Always(1), "valid").scores == {}
    assert set(control().indices) == {"test_seeds"}
    selecting = control(scenario=scenario(select=True))
    assert selecting.evaluate(Always(1), "valid").scores["return"] > 0
    assert not set(selecting.indices["valid_seeds"]) & set(selecting.indices["test_seeds"])
    assert selecting.indices["test_seeds"].tolist() == control().indices["test_seeds"].tolist()


def test_it_is_shown_as_an_environment_only() -> None:
    with pytest.raises(Mismatch, match="can only be shown as Environment"):
        show(control(), Labelled)
    shown = show(control(), Environment)
    assert shown.task.outputs[Meaning.ACTION] == gym.spaces.Discrete(2)


def test_training_copies_have_fixed_seeds_and_charge_one_meter() -> None:
    shown = show(control(), Environment)
    first = [shown.make(place).reset()[0] for place in (0, 1, 0)]
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])
    in_step = shown.make_vec(2)
    np.testing.assert_array_equal(in_step.reset()[0], first[:2])
    in_step.step(np.array([0, 1]))
    shown.make(0).step(1)
    assert (shown.feedback, shown.meter.reward) == (3, 3.0)
    shown.meter.grant = 3
    with pytest.raises(Spent):
        in_step.step(np.array([0, 1]))
    assert shown.feedback == 3


class Ill(gym.Env[Any, Any]):
    """Answers NaN in one field, at the second step."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Box(-1, 1, (1,))

    def __init__(self, field: str) -> None:
        self.field, self.steps, self.actions = field, 0, list[float]()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return np.zeros(1), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        self.actions.append(float(action[0]))
        bad = {self.field: np.nan} if self.steps == 2 else {}
        return np.full(1, bad.get("observation", 0.0)), bad.get("reward", 0.0), self.steps == 3, False, {}


@pytest.mark.parametrize("field", ["observation", "reward"])
def test_nan_is_named_with_its_step(field: str) -> None:
    with pytest.raises(Failed, match=f"{field} is NaN at step 2"):
        rollout(Always([0.0]), lambda: Ill(field), [0, 1])


def test_box_actions_are_clipped() -> None:
    env = Ill("nothing")
    rollout(Always([5.0]), lambda: env, [0])
    assert env.actions == [1.0] * 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scenario": scenario(labels=5)}, "labels=5: CartPole-v1 has no labels"),
        ({"scenario": scenario(split="all")}, "split=all"),
        ({"episodes": 0}, "problem.episodes=0"),
        ({"name": "Pendulum-v1", "objective": "success"}, "needs problem.solved"),
        ({"name": "CartPol-v1"}, "Did you mean: `CartPole`"),
        ({"name": "antigravity:CartPole-v1"}, "without a module"),
        ({"name": "CartPole"}, "name its version, as in CartPole-v1"),
        ({"name": "GymV26Environment-v0", "kwargs": {"env_id": "os:x"}}, "another registry"),
        ({"kwargs": {"legs": 3}}, "legs"),
        ({"kwargs": {"render_mode": "human"}}, "open a window"),
        ({"name": "FrozenLake-v1", "kwargs": {"map_name": "1x1"}}, "KeyError: '1x1'"),
        ({"name": "Blackjack-v1"}, "not an array"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        control(**changes)
    assert "\n" not in str(refused.value)


def test_the_corridors_optimum_is_what_it_says() -> None:
    conf = OmegaConf.to_container(OmegaConf.load(CONF / "corridor.yaml"), resolve=False)
    assert isinstance(conf, dict)
    length = conf["kwargs"]["length"]
    verdict = control("paralab/Corridor-v0", conf["kwargs"], solved=conf["solved"]).evaluate(Always(1), "test")
    assert (
        verdict.scores["return"] == pytest.approx(optimum(length)) == pytest.approx(conf["bounds"]["ceiling"]["value"])
    )
    assert verdict.scores["success"] == 1.0
    with pytest.raises(Refused, match="length=1"):
        Corridor(1)


def declared(name: str) -> dict[str, Any]:
    conf: Any = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"), resolve=False)
    return dict(conf)


@pytest.mark.parametrize("name", ["frozen_lake", "taxi", "cliff_walking"])
def test_a_tables_ceiling_is_its_value(name: str) -> None:
    """Value iteration backwards over the steps of an episode: no policy does better."""
    conf = declared(name)
    env = gym.make(conf["id"], **conf["kwargs"])
    assert env.spec is not None
    table: Any = env.unwrapped
    values = np.zeros(len(table.P))
    for _ in range(env.spec.max_episode_steps or 0):
        values = np.array([max(_worth(move, values) for move in moves.values()) for moves in table.P.values()])
    starts = table.initial_state_distrib
    assert conf["bounds"]["ceiling"]["value"] == pytest.approx(float(starts @ values), abs=5e-5)
    if name == "taxi":
        assert conf["solved"] == pytest.approx(values[starts > 0].min())


def _worth(move: list[tuple[float, int, float, bool]], values: Array) -> float:
    return sum(share * (reward + (0.0 if over else values[cell])) for share, cell, reward, over in move)


CONTROLS = [path.stem for path in CONF.glob("*.yaml") if "control.Control" in path.read_text() and path.stem != "gym"]


@pytest.mark.parametrize("name", CONTROLS)
def test_a_declared_threshold_is_gymnasiums(name: str) -> None:
    conf = declared(name)
    threshold = gym.spec(conf["id"]).reward_threshold
    ceiling = conf["bounds"]["ceiling"]
    if ceiling["source"] == "gymnasium's reward threshold":
        assert ceiling["value"] == conf["solved"] == threshold
    assert conf["bounds"]["floor"]["value"] < min(conf["solved"], ceiling["value"])


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_a_floor_is_what_its_command_says(name: str) -> None:
    """The script that the source names, with the arguments that it names."""
    import json
    import shlex
    import subprocess
    import sys

    floor = declared(name)["bounds"]["floor"]
    script, *words = shlex.split(floor["source"].partition(": ")[2])
    command = [sys.executable, str(CONF.parents[1] / script), *words]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert floor["value"] == pytest.approx(said["mean"], rel=3e-3, abs=5e-5)
