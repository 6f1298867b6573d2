"""What the tests of the doors share: a small problem in every view, and the way through build, training and disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import skops.io

from paralab.build import build
from paralab.core import Array, Labelled, Meaning, PartlyLabelled, Signature, Snapshot, Unlabelled, View
from paralab.package.model import load_model, save_model
from paralab.trust import TRAINER

KIND = np.arange(60) % 3
# Whole numbers from 0, which every estimator takes: counts, positive ones and categories too.
ROWS = (
    np.array([[0, 0, 5, 1], [4, 0, 1, 1], [0, 5, 1, 3]])[KIND] + np.random.default_rng(0).integers(0, 4, (60, 4)) * 1.0
)
CLASS = np.array([0, 1, 3])[KIND]
LABEL: Signature = Signature(gym.spaces.Box(-np.inf, np.inf, (4,), np.float64), {Meaning.LABEL: gym.spaces.Discrete(5)})
VALUE = Signature(LABEL.inputs, {Meaning.VALUE: gym.spaces.Box(-np.inf, np.inf, (), np.float64)})
HIDDEN = np.where(np.arange(60) < 30, CLASS, -1)
Node = dict[str, Any]


def view(door: str, meaning: Meaning = Meaning.LABEL, columns: int = 4) -> View:
    """The problem as the door is shown it, in its first columns."""
    rows, space = ROWS[:, :columns], gym.spaces.Box(-np.inf, np.inf, (columns,), np.float64)
    if door == "unsupervised":
        return Unlabelled(rows, Signature(space))
    if door == "semi_supervised":
        return PartlyLabelled(rows, HIDDEN, Signature(space, LABEL.outputs))
    if meaning is Meaning.VALUE:
        return Labelled(rows, ROWS.sum(axis=1) + 1, Signature(space, VALUE.outputs))
    return Labelled(rows, CLASS, Signature(space, LABEL.outputs))


def door(paradigm: str, estimator: Node, trust: tuple[str, ...] = (), **fields: Any) -> Any:
    node = {"scale": "none", "encode": "auto", **fields, "estimator": estimator}
    return build({"_target_": f"paralab.trainers.{paradigm}.sklearn.Sklearn", **node}, "trainer", TRAINER, trust)


def through(trainer: Any, shown: Any, folder: Path, trust: tuple[str, ...] = ()) -> tuple[Snapshot, set[str]]:
    """Train, save, load: equal answers, in their spaces; the snapshot, and the types that had to be trusted."""
    [snapshot] = trainer.train(shown, 3)
    [again] = trainer.train(shown, 3)
    save_model(snapshot.model, folder)
    loaded = load_model(folder, trust)
    assert loaded.signature == snapshot.model.signature
    inputs: Array = shown.inputs[:30]
    answers = snapshot.model.predict(inputs)
    for other in (loaded, again.model):
        theirs = other.predict(inputs)
        assert list(theirs) == list(answers) == list(snapshot.model.signature.outputs)
        assert all(np.array_equal(theirs[meaning], answers[meaning]) for meaning in answers)
    for meaning, array in answers.items():
        space = snapshot.model.signature.outputs[meaning]
        assert len(array) == len(inputs)
        assert all(space.contains(np.asarray(answer, space.dtype)) for answer in array)
    assert np.isfinite(list(snapshot.metrics.values())).all()
    return snapshot, set(skops.io.get_untrusted_types(file=folder / "estimator.skops"))
