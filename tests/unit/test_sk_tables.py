"""Trainers on tables: columns made numbers by what the rows shown say alone, inside the model; raw rows are served."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.core import Array, Labelled, Meaning, Member, Model, PartlyLabelled, Signature, Snapshot, Unlabelled
from paralab.errors import Refused
from paralab.named import MISSING, UNKNOWN, Category, Classes, Date
from paralab.trainers.inputs import matrix_of
from paralab.trainers.preparation import prepare, width
from paralab.trainers.supervised.mlp import MLP
from tests.unit.test_sk_trainers import REGRESSORS, SMALL, make, same

NUMBER = gym.spaces.Box(-np.inf, np.inf, (), np.float64)
TABLE = gym.spaces.Dict([("size", NUMBER), ("kind", Category(["a", "b", "c"])), ("when", Date()), ("more", NUMBER)])
DTYPE = np.dtype([("size", "<f8"), ("kind", "<i4"), ("when", "<f8"), ("more", "<f8")])
TASKS = {
    Meaning.LABEL: Signature(TABLE, {Meaning.LABEL: Classes(["no", "yes", "never"])}),
    Meaning.VALUE: Signature(TABLE, {Meaning.VALUE: gym.spaces.Box(-np.inf, np.inf, (), np.float64)}),
}
CASES = [(name, Meaning.VALUE if name == "supervised/ridge" else Meaning.LABEL) for name in SMALL] + [
    (name, Meaning.VALUE) for name in REGRESSORS[1:]
]


def rows(count: int, seed: int = 0) -> Array:
    """Numbers, dates and categories, a tenth of each missing."""
    random, table = np.random.default_rng(seed), np.zeros(count, DTYPE)
    table["size"], table["more"] = random.normal(10, 3, count), random.normal(-5, 100, count)
    table["when"], table["kind"] = random.uniform(10_000, 20_000, count), random.integers(0, 3, count)
    for name in ("size", "more", "when"):
        table[name][random.random(count) < 0.1] = np.nan
    table["kind"][random.random(count) < 0.1] = MISSING
    return table


SHOWN = rows(150)
ANSWER = np.where(np.nan_to_num(SHOWN["size"], nan=10) + 3 * (SHOWN["kind"] == 1) > 11, 1, 0)
NEW = rows(40, seed=1)
NEW["kind"][:3] = UNKNOWN


def learned(trainer: Any, meaning: Meaning, table: Array = SHOWN, space: gym.spaces.Dict = TABLE) -> Model:
    task = Signature(space, TASKS[meaning].outputs)
    targets = ANSWER if meaning is Meaning.LABEL else ANSWER * 2.5
    if trainer.view is Unlabelled:
        shown: Any = Unlabelled(table, Signature(space))
    elif trainer.view is PartlyLabelled:
        shown = PartlyLabelled(table, np.where(np.arange(150) < 60, targets, -1), task)
    else:
        shown = Labelled(table, targets, task)
    snapshot: Snapshot = next(trainer.train(shown, 3))
    return snapshot.model


@pytest.mark.parametrize(("name", "meaning"), CASES)
def test_raw_rows_are_served_also_from_disk_and_as_a_matrix(name: str, meaning: Meaning, tmp_path: Path) -> None:
    model = learned(make(name), meaning)
    assert model.signature.inputs == TABLE
    model.save(tmp_path)
    loaded = type(model).load(tmp_path)
    assert loaded.signature == model.signature
    answers = model.predict(NEW)
    assert same(answers, loaded.predict(NEW))
    assert same(answers, model.predict(matrix_of(NEW, TABLE)))
    for meaning, array in answers.items():
        space = model.signature.outputs[meaning]
        assert all(space.contains(np.asarray(row, space.dtype)) for row in array)
    if Meaning.LABEL in answers:
        assert isinstance(loaded.signature.outputs[Meaning.LABEL], Classes)
        assert not answers[Meaning.PROBABILITY][:, 2].any()


def test_what_stands_before_the_estimator() -> None:
    prepared = prepare("standard", TABLE, SHOWN)
    numbers, kinds = prepared.rows[:, :3], prepared.rows[:, 3:]
    np.testing.assert_allclose([numbers.mean(0), numbers.std(0)], [[0] * 3, [1] * 3], atol=1e-12)
    assert np.array_equal(kinds.argmax(1) - 1, SHOWN["kind"])  # a missing one is a category of its own, the first
    [(_, step)] = prepared.steps
    strange = NEW[:3].copy()
    strange["size"] = np.nan
    again = step.transform(matrix_of(strange, TABLE))
    assert not again[:, 3:].any()
    plain = prepare("none", TABLE, SHOWN)
    medians = [np.nanmedian(SHOWN[name]) for name in ("size", "when", "more")]
    assert np.array_equal(plain.rows[:, 0], np.where(np.isnan(SHOWN["size"]), medians[0], SHOWN["size"]))
    [(_, step)] = plain.steps
    assert step.transform(matrix_of(strange, TABLE))[0, 0] == medians[0]
    with pytest.raises(Refused, match=r"^.*a table has none: set trainer\.scale=standard$"):
        prepare("range", TABLE, SHOWN)


@pytest.mark.parametrize("keep", [("size", "when"), ("kind",), ("more",)])
def test_tables_of_one_kind_of_column(keep: Sequence[str]) -> None:
    space = gym.spaces.Dict([(name, TABLE[name]) for name in keep])
    model = learned(make("supervised/logistic"), Meaning.LABEL, SHOWN[list(keep)], space)
    assert len(model.predict(NEW[list(keep)])[Meaning.LABEL]) == len(NEW)


def test_a_column_of_nothing_does_no_harm() -> None:
    table, space = np.zeros(150, DTYPE), TABLE
    table["size"], table["more"] = np.nan, SHOWN["more"]
    table["kind"] = UNKNOWN
    for name in ("supervised/logistic", "supervised/hist_gradient_boosting", "unsupervised/pca"):
        model = learned(make(name), Meaning.LABEL, table, space)
        assert all(np.isfinite(array).all() for array in model.predict(NEW).values())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["supervised/logistic", "unsupervised/kmeans", "mlp"]))
def test_nothing_leaks_from_rows_that_are_not_shown(seed: int, name: str) -> None:
    """Rows beside those shown, of other medians, spreads and categories, in one array with them: the model is equal."""
    random = np.random.default_rng(seed)
    whole = np.concatenate([SHOWN, rows(50, seed)])
    hidden = slice(150, None)
    whole["size"][hidden] *= random.uniform(-1e6, 1e6)
    whole["kind"][hidden] = random.integers(UNKNOWN, 3, 50)
    trainer = MLP((4,), 0.01, 0.0, 64, "constant", 1, "auto", None, "cpu") if name == "mlp" else make(name)
    assert same(learned(trainer, Meaning.LABEL).predict(NEW), learned(trainer, Meaning.LABEL, whole[:150]).predict(NEW))
    shown = SHOWN.copy()
    shown["size"] += 1  # and what is shown does change it
    assert not np.array_equal(prepare("auto", TABLE, shown).steps[0][1].transform(matrix_of(NEW, TABLE)),
                              prepare("auto", TABLE, SHOWN).steps[0][1].transform(matrix_of(NEW, TABLE)))  # fmt: skip


@given(st.integers(1, 60), st.integers(0, 100))
def test_the_width_is_known_before_anything_is_fitted(count: int, seed: int) -> None:
    table = rows(count, seed)
    assert prepare("auto", TABLE, table).rows.shape == (count, width(TABLE, table))


def test_boosting_sends_missing_values_its_own_way() -> None:
    table = SHOWN.copy()
    table["more"] = np.where(ANSWER == 1, np.nan, 5.0)  # what is missing is the answer; a median would hide it
    model = learned(make("supervised/hist_gradient_boosting", stride=20), Meaning.LABEL, table)
    assert np.array_equal(model.predict(table)[Meaning.LABEL], ANSWER)


@pytest.mark.parametrize("meaning", TASKS)
def test_a_perceptron_on_a_table_goes_on_exactly_and_comes_back_from_disk(meaning: Meaning, tmp_path: Path) -> None:
    trainer = MLP((8,), 0.01, 0.1, 32, "cosine", 4, "auto", None, "cpu")
    shown = Labelled(SHOWN, ANSWER if meaning is Meaning.LABEL else ANSWER * 2.5, TASKS[meaning])
    *_, whole = islice(trainer.train(shown, 5), 4)
    second = next(islice(trainer.train(shown, 5), 1, None))
    file = BytesIO()
    np.savez(file, allow_pickle=False, **second.state())
    file.seek(0)
    beside = Labelled(rows(150, 9), shown.targets, shown.task)
    members = [Member(trainer, beside, 1), Member(trainer, shown, 5, dict(np.load(file, allow_pickle=False)))]
    resumed = next(islice(MLP.train_cohort(members), 1, None))[1]
    assert same(resumed.model.predict(NEW), whole.model.predict(NEW))
    resumed.model.save(tmp_path)
    assert same(type(resumed.model).load(tmp_path).predict(NEW), whole.model.predict(NEW))


@pytest.mark.parametrize("name", ["supervised/logistic", "mlp", "unsupervised/kmeans_features"])
def test_other_inputs_are_refused_in_one_line(name: str) -> None:
    trainer = MLP((4,), 0.01, 0.0, 64, "constant", 1, "auto", None, "cpu") if name == "mlp" else make(name)
    model = learned(trainer, Meaning.LABEL)
    renamed = NEW.astype([("sizes", "<f8"), *DTYPE.descr[1:]])
    wrong = {
        r"^column 'size' is not in these inputs; is it 'sizes'\?$": renamed,
        r"^the columns must stand in the order size, kind, when, more$": NEW[["kind", "size", "when", "more"]],
        r"^column 'size' is not in these inputs$": NEW[["kind", "when"]],
        r"^these inputs are of shape \(3, 5\), the model takes rows of 4 columns$": np.zeros((3, 5)),
    }
    for message, inputs in wrong.items():
        with pytest.raises(Refused, match=message):
            model.predict(inputs)


def test_rows_with_names_are_refused_where_plain_ones_were_shown() -> None:
    space = gym.spaces.Box(-np.inf, np.inf, (4,), np.float64)
    shown = Labelled(np.nan_to_num(matrix_of(SHOWN, TABLE)), ANSWER, Signature(space, TASKS[Meaning.LABEL].outputs))
    model = next(make("supervised/logistic").train(shown, 0)).model
    with pytest.raises(Refused, match=r"^these inputs have named columns"):
        model.predict(NEW)
    with pytest.raises(Refused, match=r"shape \(2, 3\), the model takes rows of shape \(4,\)$"):
        model.predict(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "name", ["supervised/logistic", "supervised/forest", "supervised/hist_gradient_boosting", "mlp"]
)
def test_balanced_classes_count_the_same(name: str) -> None:
    random = np.random.default_rng(0)
    answer = (np.arange(400) % 20 == 0).astype(np.int64)  # one in twenty, and it overlaps the others
    inputs = random.normal(size=(400, 2)) + answer[:, None]
    task = Signature(gym.spaces.Box(-np.inf, np.inf, (2,), np.float64), {Meaning.LABEL: gym.spaces.Discrete(3)})
    found = []
    for weight in (None, "balanced"):
        if name == "mlp":
            trainer: Any = MLP((8,), 0.01, 0.0, 64, "constant", 20, "auto", weight, "cpu")
        else:
            few = {} if name == "supervised/logistic" else {"min_leaf": 40}
            trainer = make(name, class_weight=weight, **few)
        snapshot = next(islice(trainer.train(Labelled(inputs, answer, task), 0), 19 if name == "mlp" else 0, None))
        found.append(np.mean(snapshot.model.predict(inputs)[Meaning.LABEL][answer == 1] == 1))
    assert found[1] > found[0] + 0.3
    if name != "supervised/logistic":
        values = Signature(task.inputs, TASKS[Meaning.VALUE].outputs)
        with pytest.raises(Refused, match=r"^.*class_weight=balanced, and values have no classes: leave it null$"):
            next(trainer.train(Labelled(inputs, answer * 1.0, values), 0))
