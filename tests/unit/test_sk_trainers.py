"""Generated over the YAMLs of the scikit-learn trainers: three blobs, their labels, and a value linear in them."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import yaml

from paralab.core import Array, Labelled, Meaning, PartlyLabelled, Signature, Snapshot, State, Unlabelled, View
from paralab.errors import Mismatch, Refused

CONF = Path(__file__).parents[2] / "conf" / "trainer"
SMALL: dict[str, dict[str, Any]] = {  # so that all of this takes seconds
    "supervised/logistic": {},
    "supervised/forest": {"trees": 10},
    "supervised/hist_gradient_boosting": {"stride": 3},
    "supervised/ridge": {},
    "semi_supervised/label_spreading": {},
    "semi_supervised/self_training": {},
    "unsupervised/kmeans": {"clusters": 3},
    "unsupervised/kmeans_features": {"centres": 12},
    "unsupervised/pca": {},
    "unsupervised/gaussian_mixture": {"components": 3},
    "unsupervised/isolation_forest": {"trees": 20},
}
REGRESSORS = ["supervised/ridge", "supervised/forest", "supervised/hist_gradient_boosting"]
CASES = [(name, Meaning.LABEL) for name in SMALL if name != "supervised/ridge"] + [
    (name, Meaning.VALUE) for name in REGRESSORS
]
INPUTS = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
LABEL: Signature = Signature(INPUTS, {Meaning.LABEL: gym.spaces.Discrete(5)})  # of which 0, 1 and 3 ever come
VALUE = Signature(INPUTS, {Meaning.VALUE: gym.spaces.Box(-np.inf, np.inf, (), np.float64)})
KIND = np.arange(150) % 3
ROWS = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])[KIND] + np.random.default_rng(0).normal(size=(150, 2))
CLASS = np.array([0, 1, 3])[KIND]
TEST = np.random.default_rng(1).normal(4, 4, (40, 2))


def make(name: str, **fields: Any) -> Any:
    config = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    module, kind = config.pop("_target_").rsplit(".", 1)
    del config["default_steps"]
    return getattr(import_module(module), kind)(**{**config, **SMALL[name], **fields})


def shown(trainer: Any, meaning: Meaning = Meaning.LABEL, rows: Array = ROWS, labels: Array = CLASS) -> View:
    if trainer.view is Unlabelled:
        return Unlabelled(rows, Signature(INPUTS))
    if meaning is Meaning.VALUE:
        return Labelled(rows, rows @ np.array([2.0, -1.0]) + 5, VALUE)
    if trainer.view is Labelled:
        return Labelled(rows, labels, LABEL)
    return PartlyLabelled(rows, np.where(np.arange(len(rows)) < 30, labels, -1), LABEL)


def first(trainer: Any, view: View, seed: int = 3, state: State | None = None) -> Snapshot:
    stream = trainer.train(view, seed, state)
    snapshot: Snapshot = next(stream)
    return snapshot


def same(a: Any, b: Any) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[meaning], b[meaning]) for meaning in a)


@pytest.mark.parametrize("name", SMALL)
def test_the_yaml_gives_every_field_and_no_other(name: str) -> None:
    config = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    assert set(config) - {"_target_", "default_steps"} == {field.name for field in fields(make(name))}


@pytest.mark.parametrize(("name", "meaning"), CASES)
def test_answers_lie_in_their_spaces_and_are_the_same_again_and_from_disk(
    name: str, meaning: Meaning, tmp_path: Path
) -> None:
    trainer = make(name)
    snapshot = first(trainer, shown(trainer, meaning))
    answers = snapshot.model.predict(TEST)
    assert list(answers) == list(snapshot.model.signature.outputs)
    for kind, space in snapshot.model.signature.outputs.items():
        assert len(answers[kind]) == len(TEST)
        assert all(space.contains(np.asarray(answer)) for answer in answers[kind])
    assert np.isfinite(list(snapshot.metrics.values())).all()
    assert same(answers, first(trainer, shown(trainer, meaning)).model.predict(TEST))
    snapshot.model.save(tmp_path)
    loaded = type(snapshot.model).load(tmp_path)
    assert loaded.signature == snapshot.model.signature
    assert same(answers, loaded.predict(TEST))
    assert len(snapshot.model.predict(TEST[:1])[kind]) == 1


@pytest.mark.parametrize("name", [name for name, meaning in CASES if meaning is Meaning.LABEL])
def test_it_learns_three_blobs(name: str) -> None:
    trainer = make(name)
    learned = first(trainer, shown(trainer)).model.predict(ROWS)
    match next(iter(learned)):
        case Meaning.LABEL:
            assert np.mean(learned[Meaning.LABEL] == CLASS) > 0.95
            probability = learned[Meaning.PROBABILITY]
            np.testing.assert_allclose(probability.sum(axis=1), 1)
            assert not probability[:, [2, 4]].any()
        case Meaning.CLUSTER:
            found = learned[Meaning.CLUSTER]
            assert all(len(set(found[kind == KIND])) == 1 for kind in range(3))
            assert len(set(found)) == 3
        case Meaning.EMBEDDING:
            spread = learned[Meaning.EMBEDDING]
            middles = np.array([spread[kind == KIND].mean(axis=0) for kind in range(3)])
            nearest = np.linalg.norm(spread[:, None] - middles, axis=2).argmin(axis=1)
            assert np.mean(nearest == KIND) > 0.95
        case Meaning.ANOMALY:
            model = first(trainer, shown(trainer)).model
            assert model.predict(np.array([[30.0, 30.0]]))[Meaning.ANOMALY] > np.quantile(
                learned[Meaning.ANOMALY], 0.95
            )


@pytest.mark.parametrize("name", REGRESSORS)
def test_it_learns_a_linear_value(name: str) -> None:
    trainer = make(name, **({"stride": 50} if name.endswith("boosting") else {}))
    view = shown(trainer, Meaning.VALUE)
    assert isinstance(view, Labelled)
    error = first(trainer, view).model.predict(ROWS)[Meaning.VALUE] - view.targets
    assert error.var() < 0.1 * view.targets.var()


@pytest.mark.parametrize("meaning", [Meaning.LABEL, Meaning.VALUE])
def test_boosting_goes_on_exactly_from_its_saved_state(meaning: Meaning) -> None:
    trainer = make("supervised/hist_gradient_boosting")
    view = shown(trainer, meaning)
    stream, whole = trainer.train(view, 3), []
    for _ in range(3):
        snapshot = next(stream)
        whole.append((snapshot.step, snapshot.model.predict(TEST)))
        if snapshot.step == 3:
            file = BytesIO()
            np.savez(file, **snapshot.state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as state:
        resumed = trainer.train(view, 3, dict(state))
    for step, answers in whole[1:]:
        snapshot = next(resumed)
        assert snapshot.step == step
        assert same(snapshot.model.predict(TEST), answers)
    assert not same(whole[0][1], whole[2][1])


def test_a_fit_has_one_snapshot_and_nothing_to_go_on_from() -> None:
    trainer = make("supervised/logistic")
    [snapshot] = trainer.train(shown(trainer), 0)
    assert (snapshot.step, snapshot.state()) == (1, {})


def test_a_row_that_no_label_reaches_is_answered_uniformly(tmp_path: Path) -> None:
    targets = np.where(KIND < 2, CLASS, -1)  # the third blob is an island
    model = first(make("semi_supervised/label_spreading"), PartlyLabelled(ROWS, targets, LABEL)).model
    model.save(tmp_path)
    for each in (model, type(model).load(tmp_path)):
        answers = each.predict(np.array([[0.0, 8.0], [8.0, 0.0]]))
        assert answers[Meaning.PROBABILITY].tolist() == [[0.2] * 5, [0, 1, 0, 0, 0]]
        assert answers[Meaning.LABEL][1] == 1


@pytest.mark.parametrize("name", ["label_spreading", "self_training"])
def test_any_negative_label_is_hidden_and_none_need_be(name: str) -> None:
    trainer = make(f"semi_supervised/{name}")
    view = shown(trainer)
    assert isinstance(view, PartlyLabelled)
    other = PartlyLabelled(ROWS, np.where(view.known, view.targets, -7), LABEL)
    assert same(first(trainer, view).model.predict(TEST), first(trainer, other).model.predict(TEST))
    assert first(trainer, PartlyLabelled(ROWS, CLASS, LABEL)).metrics["train/converged"] == 1


def test_a_fit_that_stops_short_says_so_and_does_not_warn() -> None:
    trainer = make("supervised/logistic", max_iter=2)
    assert first(trainer, shown(trainer)).metrics["train/converged"] == 0


def test_the_width_of_the_features_can_come_from_the_distances() -> None:
    trainer = make("unsupervised/kmeans_features", width=None)
    embedding = first(trainer, shown(trainer)).model.predict(1000 * ROWS)[Meaning.EMBEDDING]
    assert embedding.min() >= 0
    assert first(trainer, Unlabelled(np.ones((20, 2)), Signature(INPUTS))).model.predict(ROWS[:1])


@pytest.mark.parametrize("name", [name for name in SMALL if not name.startswith("unsupervised")])
def test_what_it_cannot_learn_is_refused_in_one_line(name: str) -> None:
    trainer = make(name)
    wrong = VALUE if name not in REGRESSORS else LABEL if name == "supervised/ridge" else Signature(INPUTS)
    with pytest.raises(Mismatch, match=r"^[^\n]*see paralab list trainers$"):
        first(trainer, trainer.view(ROWS, CLASS, wrong))
    if name != "supervised/ridge":
        with pytest.raises(Refused, match=r"^[^\n]*only class 3[^\n]*labels=$"):
            first(trainer, trainer.view(ROWS, np.full(150, 3), LABEL))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("unsupervised/kmeans", "clusters"),
        ("unsupervised/kmeans_features", "centres"),
        ("unsupervised/gaussian_mixture", "components"),
        ("semi_supervised/label_spreading", "neighbours"),
    ],
)
def test_too_few_rows_are_refused_with_the_number_that_would_do(name: str, field: str) -> None:
    trainer = make(name, **{field: 31})
    with pytest.raises(Refused, match=f"^{field}=31 .* 30 are shown: set trainer.{field}=30$"):
        first(trainer, shown(trainer, rows=ROWS[:30], labels=CLASS[:30]))


def test_a_kernel_too_large_for_memory_is_refused_with_the_arithmetic() -> None:
    trainer = make("semi_supervised/label_spreading", kernel="rbf")
    view = PartlyLabelled(np.zeros((32_000, 2)), np.arange(32_000) % 2, LABEL)
    with pytest.raises(Refused, match=r"32,000 x 32,000 x 8 bytes = 8\.2 GB.*10,000 rows \(0\.8 GB\).*kernel=knn$"):
        first(trainer, view)
    assert first(trainer, shown(trainer)).model.predict(TEST)
