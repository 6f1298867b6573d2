"""The MLP's model: what it answers, that it comes back from disk the same, and that it learns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from paralab.core import Labelled, Meaning, Member, Signature, Snapshot, Space
from paralab.trainers.supervised.mlp import MLP
from paralab.trainers.supervised.mlp_model import MLPModel

TRAINER = MLP((32,), 1e-2, 0.5, 64, "cosine", 15, "auto", None, "cpu")


def digits() -> Labelled:
    inputs, targets = load_digits(return_X_y=True)
    space = gym.spaces.Box(0.0, 16.0, (64,), np.float64)
    return Labelled(inputs, targets, Signature(space, {Meaning.LABEL: gym.spaces.Discrete(10)}))


def diabetes() -> Labelled:
    inputs, targets = load_diabetes(return_X_y=True)
    space = gym.spaces.Box(-np.inf, np.inf, (10,), np.float64)
    value: Space = gym.spaces.Box(-np.inf, np.inf, (), np.float64)
    return Labelled(inputs, targets, Signature(space, {Meaning.VALUE: value}))


def first(shown: Labelled, count: int) -> Labelled:
    return Labelled(shown.inputs[:count], shown.targets[:count], shown.task)


def last(shown: Labelled, trainer: MLP = TRAINER) -> Snapshot:
    return next(islice(trainer.train(shown, seed=0), trainer.horizon - 1, None))


def test_it_learns_digits_and_its_probabilities_are_whole() -> None:
    shown = digits()
    answers = last(first(shown, 1257)).model.predict(shown.inputs[1257:])
    assert (answers[Meaning.LABEL] == shown.targets[1257:]).mean() > 0.9
    probability = answers[Meaning.PROBABILITY]
    assert probability.dtype == np.float64
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert np.array_equal(probability.argmax(axis=1), answers[Meaning.LABEL])


def test_it_learns_diabetes_better_than_the_mean_in_the_unit_of_the_targets() -> None:
    shown = diabetes()
    values = last(first(shown, 300)).model.predict(shown.inputs[300:])[Meaning.VALUE]
    rest = shown.targets[300:]
    assert values.shape == rest.shape
    assert np.mean((values - rest) ** 2) < 0.7 * np.mean((shown.targets[:300].mean() - rest) ** 2)


@pytest.mark.parametrize("make", [digits, diabetes])
@pytest.mark.parametrize("hidden", [(), (32,), (13, 1)])
def test_it_comes_back_from_disk_the_same(
    make: Callable[[], Labelled], hidden: tuple[int, ...], tmp_path: Path
) -> None:
    shown = first(make(), 100)
    trainer = MLP(hidden, 1e-2, 0.0, 64, "constant", 3, "auto", None, "cpu")
    beside = [Member(trainer, shown, seed) for seed in range(3)]
    model = next(MLP.train_cohort(beside))[1].model  # its parameters lie between its neighbours'
    model.save(tmp_path)
    loaded = MLPModel.load(tmp_path)
    assert loaded.signature == model.signature
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlp.json", "mlp.safetensors"]
    for count in (0, 1, 37):
        before, behind = model.predict(shown.inputs[:count]), loaded.predict(shown.inputs[:count])
        assert list(before) == list(behind) == list(model.signature.outputs)
        for meaning, answers in before.items():
            assert len(answers) == count
            assert answers.tobytes() == behind[meaning].tobytes()
            assert all(np.asarray(row) in model.signature.outputs[meaning] for row in answers)


def test_constant_targets_and_inputs_do_no_harm() -> None:
    shown = diabetes()
    still = Labelled(np.ones((30, 10)), np.full(30, 5.0), shown.task)
    values = last(still).model.predict(still.inputs)[Meaning.VALUE]
    np.testing.assert_allclose(values, 5, atol=0.1)
