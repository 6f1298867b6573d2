"""Every trainer on every small problem: it refuses in one line, or it is a proper stream of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, product
from math import isfinite
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from paralab.build import Job, job_of
from paralab.catalog import folders, names
from paralab.core import Array, Model, State
from paralab.errors import Refused
from paralab.named import Category
from paralab.package.model import load_model, save_model
from paralab.record.files import read_arrays, write_arrays
from paralab.record.plan import Plan
from tests.known import BRIEF, brief

CONF = folders()[:1]
SMALL = [name for name in names("problem", CONF) if name != "mnist_5k"]
SNAPSHOTS = 3

VECTORS = ("acrobot", "mountain_car", "lunar_lander", "gym")  # observed, as cartpole; few actions
TABLES = ("frozen_lake", "corridor", "taxi", "cliff_walking")
FORCES = ("pendulum", "mountain_car_continuous")
RARE = {*VECTORS, "taxi", "cliff_walking", "mountain_car_continuous", "images"}  # alike for a trainer to the others
ALGORITHMS = [f"reinforcement/{name}" for name in BRIEF]  # all of one class
ACTS_IN = {name: "pendulum" if name in ("sac", "td3", "ddpg", "tqc", "crossq") else "corridor" for name in BRIEF}
TRIED = {  # in the fast tests nevertheless
    *((f"reinforcement/{name}", problem) for name, problem in ACTS_IN.items()),
    ("reinforcement/linucb", "acrobot"), ("reinforcement/linucb", "mountain_car"), ("reinforcement/ppo", "gym"),
    ("reinforcement/ppo", "mountain_car_continuous"), ("reinforcement/ppo", "lunar_lander"),
    ("reinforcement/q_table", "taxi"), ("reinforcement/q_table", "cliff_walking"), ("supervised/logistic", "gym"),
    ("supervised/logistic", "images"), ("unsupervised/kmeans", "images"), ("reinforcement/linucb", "images"),
}  # fmt: skip
CLASSES = ("iris", "digits", "wine", "breast_cancer", "table", "images")
ROWS = (*CLASSES, "breast_cancer_anomaly", "diabetes")
# What each shipped trainer must accept, and nothing else; one that is not named here is held to the rest.
ACCEPTED = {
    **dict.fromkeys((f"supervised/{name}" for name in ("forest", "hist_gradient_boosting", "mlp")), ROWS),
    "supervised/logistic": (*CLASSES, "breast_cancer_anomaly"),
    "supervised/ridge": ("diabetes",),
    "semi_supervised/label_spreading": (*CLASSES, "breast_cancer_anomaly"),
    "semi_supervised/self_training": (*CLASSES, "breast_cancer_anomaly"),
    "unsupervised/gaussian_mixture": ROWS,
    "unsupervised/isolation_forest": ROWS,
    "unsupervised/kmeans": ROWS,
    "unsupervised/kmeans_features": ROWS,
    "unsupervised/pca": ROWS,
    "reinforcement/linucb": (*CLASSES, "cartpole", *VECTORS),
    "reinforcement/ppo": ("digits", "breast_cancer", "cartpole", *VECTORS, *TABLES, *FORCES),  # 256 pulls a rollout
    "reinforcement/dqn": ("digits", "breast_cancer", "cartpole", *VECTORS, *TABLES),
    "reinforcement/q_table": TABLES,
}


@dataclass
class Seen:
    """What one snapshot showed, kept past the next one."""

    step: int
    answers: dict[str, bytes]
    state: State


def _is_slow(trainer: str, problem: str) -> bool:
    return (trainer, problem) not in TRIED and (problem in RARE or trainer in ALGORITHMS)


PAIRS = [
    pytest.param(*pair, marks=pytest.mark.slow if _is_slow(*pair) else ())
    for pair in product(names("trainer", CONF), SMALL)
]


@pytest.mark.parametrize(("trainer", "problem"), PAIRS)
def test_stream(trainer: str, problem: str, plan: Callable[..., Plan], tmp_path: Path) -> None:
    decided = plan(problem, trainer, *brief(trainer), *(["trainer.every=1"] if trainer in ALGORITHMS else []))

    def fresh() -> Job:
        return job_of(decided, [])

    try:
        seen = _walk(fresh(), tmp_path)
    except Refused as refusal:
        _one_line(str(refusal))
        assert problem not in ACCEPTED.get(trainer, ())
        return
    assert trainer not in ACCEPTED or problem in ACCEPTED[trainer]
    steps = [each.step for each in seen]
    assert steps == sorted(set(steps))
    assert steps[0] >= 1

    again = _walk(fresh(), tmp_path)
    assert [each.answers for each in again] == [each.answers for each in seen]

    if len(seen) > 1:
        resumed = _walk(fresh(), tmp_path, _through_disk(seen[0].state, tmp_path), count=len(seen) - 1)
        assert [each.step for each in resumed] == steps[1:]
        assert [each.answers for each in resumed] == [each.answers for each in seen[1:]]


def _one_line(text: str) -> None:
    assert "\n" not in text
    assert 20 < len(text) < 300


def _walk(job: Job, tmp_path: Path, state: State | None = None, count: int = SNAPSHOTS) -> list[Seen]:
    """Train for a few snapshots, then close midway; meters go on as the loop would have them."""
    from paralab.core import meter_of

    meter = meter_of(job.shown)
    if state is not None and meter is not None:
        meter.used, meter.reward = int(state["_meter_used"]), float(state["_meter_reward"])
        state = {name: array for name, array in state.items() if not name.startswith("_meter")}
    stream, seen = job.trainer.train(job.shown, 5, state), []
    for snapshot in islice(stream, count):
        assert all(isfinite(value) for value in snapshot.metrics.values())
        kept = dict(snapshot.state())
        if meter is not None:
            kept |= {"_meter_used": np.array(meter.used), "_meter_reward": np.array(meter.reward)}
        seen.append(Seen(snapshot.step, _answers(snapshot.model, tmp_path), kept))
    stream.close()
    assert seen
    return seen


def _answers(model: Model, tmp_path: Path) -> dict[str, bytes]:
    """The model's answers, held against its signature and against itself saved and reloaded."""
    inputs = _inputs(model)
    answers = model.predict(inputs)
    assert next(iter(answers)) in model.signature.outputs
    for meaning, array in answers.items():
        space = model.signature.outputs[meaning]
        assert len(array) == len(inputs)
        assert all(space.contains(np.asarray(row, space.dtype)) for row in array)
    place = tmp_path / f"model-{len(list(tmp_path.glob('model-*')))}"
    save_model(model, place)
    reloaded = load_model(place)
    assert reloaded.signature == model.signature
    for meaning, array in reloaded.predict(inputs).items():
        np.testing.assert_array_equal(array, answers[meaning])
    return {meaning.value: np.asarray(array).tobytes() for meaning, array in answers.items()}


def _inputs(model: Model) -> Array:
    space = model.signature.inputs
    space.seed(0)
    if isinstance(space, gym.spaces.Dict):  # a table's columns
        kinds = [(name, "<i4" if isinstance(kind, Category) else "<f8") for name, kind in space.spaces.items()]
        return np.array([tuple(space.sample().values()) for _ in range(32)], kinds)
    return np.stack([np.asarray(space.sample()) for _ in range(32)])


def _through_disk(state: State, tmp_path: Path) -> State:
    write_arrays(tmp_path / "state.npz", state)
    return read_arrays(tmp_path / "state.npz")
