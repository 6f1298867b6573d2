"""Tabular Q-learning: it learns, keeps to its grant, and goes on exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from paralab.core import Environment, Meaning, Snapshot, State, show
from paralab.environments.corridor import optimum
from paralab.errors import Mismatch
from paralab.problems.control import Control
from paralab.trainers.reinforcement.q_table import QLearning, QTable
from tests.known import PLAIN
from tests.unit.test_rl_journal import through_file

CONF = Path(__file__).parents[2] / "conf" / "trainer" / "reinforcement" / "q_table.yaml"


def q_table(**changes: Any) -> QLearning:
    conf: Any = OmegaConf.to_container(OmegaConf.load(CONF), resolve=False)
    fields = {key: value for key, value in conf.items() if key not in ("_target_", "default_steps")}
    return replace(QLearning(**fields), **changes)


def problem(name: str, kwargs: dict[str, Any]) -> Control:
    scenario = PLAIN
    return Control(name, kwargs, (), 100, None, "return", None, scenario)


CORRIDOR = problem("paralab/Corridor-v0", {"length": 10})
LAKE = problem("FrozenLake-v1", {"map_name": "4x4", "is_slippery": True})


def until(step: int, trainer: QLearning, shown: Environment, state: State | None = None) -> list[Snapshot]:
    snapshots = []
    for snapshot in trainer.train(shown, 0, state):
        snapshots.append(snapshot)
        if snapshot.step >= step:
            break
    return snapshots


def test_it_learns_the_corridors_optimum() -> None:
    last = until(10_000, q_table(exploration_steps=5_000), show(CORRIDOR, Environment))[-1]
    assert CORRIDOR.evaluate(last.model, "test").scores["return"] == pytest.approx(optimum(10))
    assert last.metrics["train/length"] < 15


def test_it_crosses_the_ice() -> None:
    last = until(40_000, q_table(exploration_steps=20_000), show(LAKE, Environment))[-1]
    assert LAKE.evaluate(last.model, "test").scores["return"] > 0.5  # .74 is the optimum, .018 random


@pytest.mark.parametrize("stop", [500, 1500])
def test_interrupted_and_resumed_is_uninterrupted(stop: int) -> None:
    trainer = q_table(every=500, exploration_steps=2000)
    shown = show(LAKE, Environment)
    snapshot = until(stop, trainer, shown)[-1]
    state = through_file(snapshot.state())
    again = show(LAKE, Environment)
    again.meter.used, again.meter.reward = shown.meter.used, shown.meter.reward
    after = until(3000, trainer, again, state)[-1]
    whole = until(3000, trainer, show(LAKE, Environment))[-1]
    assert isinstance(after.model, QTable)
    assert isinstance(whole.model, QTable)
    assert after.model.values.tobytes() == whole.model.values.tobytes()
    assert after.metrics == whole.metrics
    assert again.meter.used == 3000


def test_the_grant_ends_it_with_a_snapshot() -> None:
    shown = show(CORRIDOR, Environment)
    shown.meter.grant = 730
    assert [each.step for each in q_table(every=500).train(shown, 0)] == [500, 730]
    assert shown.meter.used == 730


def test_saved_and_loaded_it_answers_alike(tmp_path: Path) -> None:
    model = until(500, q_table(every=500), show(LAKE, Environment))[-1].model
    model.save(tmp_path)
    loaded = QTable.load(tmp_path)
    assert loaded.signature == model.signature
    cells = np.arange(16)
    np.testing.assert_array_equal(loaded.predict(cells)[Meaning.ACTION], model.predict(cells)[Meaning.ACTION])


def test_only_discrete_problems() -> None:
    with pytest.raises(Mismatch, match="q_table needs Discrete observations"):
        next(q_table().train(show(problem("CartPole-v1", {}), Environment), 0))
