"""What the doors promise beyond going through: what is answered, what is refused, seeds, trust, tables and cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.tree import DecisionTreeClassifier

from paralab.build import job_of
from paralab.core import Labelled, Meaning, Signature, Unlabelled
from paralab.errors import Failed, Mismatch, Refused
from paralab.package.model import load_model, save_model
from paralab.record.plan import Plan
from paralab.trainers.door import settled
from tests.unit.doors import CLASS, KIND, LABEL, ROWS, Node, door, through, view
from tests.unit.test_sk_tables import ANSWER, NEW, SHOWN, TABLE, TASKS
from tests.unit.test_sk_trainers import same


class Nearest(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A user's own classifier: the class of the nearest mean."""

    def __init__(self, power: float = 2.0) -> None:
        self.power = power

    def fit(self, rows: Any, targets: Any) -> Nearest:
        self.classes_ = np.unique(targets)
        self.means_ = np.array([rows[targets == each].mean(axis=0) for each in self.classes_])
        return self

    def predict(self, rows: Any) -> Any:
        return self.classes_[(np.abs(rows[:, None] - self.means_) ** self.power).sum(axis=2).argmin(axis=1)]


def one(paradigm: str, target: str, shown: Any = None, **settings: Any) -> Any:
    fields = {name: settings.pop(name) for name in ("scale", "encode") if name in settings}
    trainer = door(paradigm, {"_target_": target, **settings}, ("tests.",), **fields)
    [snapshot] = trainer.train(view(paradigm) if shown is None else shown, 3)
    return snapshot


# --- what is answered


@pytest.mark.parametrize("target", ["sklearn.svm.LinearSVC", "sklearn.linear_model.Perceptron"])
def test_without_probabilities_only_the_label_is_answered_and_judged(plan: Callable[..., Plan], target: str) -> None:
    job = job_of(plan("iris", "supervised/sklearn", f"trainer.estimator._target_={target}"))
    [snapshot] = job.trainer.train(job.shown, 0)
    assert list(snapshot.model.signature.outputs) == [Meaning.LABEL]
    scores = job.problem.evaluate(snapshot.model, "test").scores
    assert scores["accuracy"] > 0.6
    assert "neg_log_loss" not in scores


def test_settings_come_from_the_command_line(plan: Callable[..., Plan]) -> None:
    plus = ["+trainer.estimator.n_neighbors=3", "trainer.scale=standard"]
    job = job_of(
        plan("wine", "supervised/sklearn", "trainer.estimator._target_=sklearn.neighbors.KNeighborsClassifier", *plus)
    )
    [snapshot] = job.trainer.train(job.shown, 0)
    assert snapshot.model.pipeline[-1].n_neighbors == 3
    assert job.problem.evaluate(snapshot.model, "test").scores["accuracy"] > 0.9


def test_the_label_is_what_the_estimator_itself_predicts() -> None:
    shown: Any = replace(view("supervised"), targets=(CLASS > 0) * 1)
    inner: Node = {"_target_": "sklearn.linear_model.LogisticRegression"}
    target = "sklearn.model_selection.FixedThresholdClassifier"
    never = one("supervised", target, shown, estimator=inner, threshold=1.1).model.predict(ROWS)
    assert not never[Meaning.LABEL].any()
    assert never[Meaning.PROBABILITY][:, 1].max() > 0.9


@pytest.mark.parametrize("library", ["xgboost.XGBClassifier", "lightgbm.LGBMClassifier", "catboost.CatBoostClassifier"])
def test_boosters_take_classes_with_gaps_and_leave_no_files(library: str, tmp_path: Path, capfd: Any) -> None:
    pytest.importorskip(library.partition(".")[0])
    trees = {"iterations": 10} if library.startswith("catboost") else {"n_estimators": 10}
    snapshot, _ = through(door("supervised", {"_target_": library, **trees}), view("supervised"), tmp_path / "model")
    answers = snapshot.model.predict(ROWS)
    assert set(answers[Meaning.LABEL]) == {0, 1, 3}
    assert np.mean(answers[Meaning.LABEL] == CLASS) > 0.9
    assert not answers[Meaning.PROBABILITY][:, [2, 4]].any()
    assert [path.name for path in Path.cwd().iterdir()] == ["model"]
    assert capfd.readouterr() == ("", "")


def test_noise_is_a_cluster_of_its_own_the_last() -> None:
    rows = np.concatenate([ROWS, [[90.0, 90, 90, 90]]])
    snapshot = one("unsupervised", "sklearn.cluster.DBSCAN", Unlabelled(rows, Signature(LABEL.inputs)), eps=3.0)
    found = snapshot.model.predict(rows)[Meaning.CLUSTER]
    last = snapshot.model.signature.outputs[Meaning.CLUSTER].n - 1
    assert found[-1] == last
    assert last == len(set(found)) - 1
    assert all(len(set(found[:60][kind == KIND])) == 1 for kind in range(3))


@pytest.mark.parametrize(
    ("target", "meaning"),
    [("cluster.AgglomerativeClustering", Meaning.CLUSTER), ("manifold.TSNE", Meaning.EMBEDDING)],
)
def test_a_surrogate_is_exact_on_the_rows_shown_and_says_so(
    target: str, meaning: Meaning, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("paralab.trainers.unsupervised.sklearn.say", said.append)
    rows = np.unique(ROWS + np.random.default_rng(1).normal(size=ROWS.shape), axis=0)
    node: Node = {"_target_": f"sklearn.{target}"}
    behind: Node = {
        "_target_": "sklearn.pipeline.Pipeline",
        "steps": [["scale", {"_target_": "sklearn.preprocessing.StandardScaler"}], ["last", node]],
    }
    for estimator in (node, behind):
        trainer = door("unsupervised", estimator)
        [snapshot] = trainer.train(Unlabelled(rows, Signature(LABEL.inputs)), 3)
        own = settled(trainer.estimator, 3)
        told = own.fit_predict(rows) if meaning is Meaning.CLUSTER else own.fit_transform(rows)
        assert np.array_equal(snapshot.model.predict(rows)[meaning], told)
        assert snapshot.metrics["train/surrogate"] == 1
    assert ["a new one gets the answer of the nearest" in line for line in said] == [True, True]


def test_strangers_are_stranger_by_every_detector() -> None:
    for target in (
        "neighbors.LocalOutlierFactor",
        "svm.OneClassSVM",
        "covariance.MinCovDet",
        "neighbors.KernelDensity",
    ):
        rows = np.concatenate([ROWS, [[40.0, 40, 40, 40]]])
        model = one("unsupervised", f"sklearn.{target}", Unlabelled(rows, Signature(LABEL.inputs))).model
        assert model.predict(rows)[Meaning.ANOMALY].argmax() == 60


def test_a_covariance_behind_other_steps_measures_what_they_make() -> None:
    steps = [
        ["scale", {"_target_": "sklearn.preprocessing.StandardScaler"}],
        ["last", {"_target_": "sklearn.covariance.OAS"}],
    ]
    model = one("unsupervised", "sklearn.pipeline.Pipeline", steps=steps).model
    pipeline = model.pipeline[-1]
    told = pipeline[-1].mahalanobis(pipeline[:-1].transform(ROWS))
    assert np.array_equal(model.predict(ROWS)[Meaning.ANOMALY], told)


def test_a_warning_is_told_once_in_the_log_and_as_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("paralab.trainers.door.say", said.append)
    snapshot = one("supervised", "sklearn.neural_network.MLPClassifier", max_iter=2)
    assert snapshot.metrics["train/converged"] == 0
    assert [line[:34] for line in said] == ["MLPClassifier: ConvergenceWarning:"]


# --- what is refused


@pytest.mark.parametrize(
    ("paradigm", "target", "message"),
    [
        ("supervised", "sklearn.linear_model.Ridge", r"^Ridge is a regressor, .* a label: name a classifier$"),
        ("supervised", "sklearn.cluster.KMeans", r"^KMeans is a clusterer, .* name a classifier$"),
        ("supervised", "sklearn.semi_supervised.SelfTrainingClassifier", r"^.* inside may be missing$"),
        (
            "semi_supervised",
            "sklearn.naive_bayes.GaussianNB",
            r"^GaussianNB takes a hidden label for one more class: .*$",
        ),
        ("semi_supervised", "sklearn.linear_model.Ridge", r"^Ridge is a regressor, .*$"),
        (
            "unsupervised",
            "sklearn.svm.SVC",
            r"^SVC is a classifier and learns from answers: name it under supervised/sklearn$",
        ),
        (
            "unsupervised",
            "sklearn.preprocessing.TargetEncoder",
            r"^.* put it before a classifier in a Pipeline, under .*$",
        ),
        ("unsupervised", "sklearn.neighbors.NearestNeighbors", r"^NearestNeighbors gives no answer: .*$"),
    ],
)
def test_an_estimator_of_another_kind_is_a_mismatch(paradigm: str, target: str, message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        one(paradigm, target)


def test_values_ask_for_a_regressor_and_labels_for_two_classes() -> None:
    with pytest.raises(Mismatch, match=r"^SVC is a classifier, this problem asks for a value: name a regressor$"):
        one("supervised", "sklearn.svm.SVC", view("supervised", Meaning.VALUE))
    with pytest.raises(Refused, match="only class 1"):
        one("supervised", "sklearn.svm.SVC", Labelled(ROWS, np.ones(60, np.int64), LABEL))
    with pytest.raises(Mismatch, match="learns labels"):
        one("semi_supervised", "sklearn.semi_supervised.LabelPropagation", view("supervised", Meaning.VALUE))


def test_a_fit_that_fails_is_one_line_in_the_estimators_words() -> None:
    with pytest.raises(Failed, match=r"^NMF cannot be fitted on these rows: Negative values.*$") as failure:
        one("unsupervised", "sklearn.decomposition.NMF", Unlabelled(-ROWS, Signature(LABEL.inputs)))
    assert "\n" not in str(failure.value)


# --- seeds


def test_everything_random_inside_follows_the_seed() -> None:
    search = GridSearchCV(DecisionTreeClassifier(max_features=1), {"max_depth": [1, 2]}, cv=KFold(3, shuffle=True))
    first, second, other = settled(search, 1), settled(search, 1), settled(search, 2)
    assert first.cv.random_state == second.cv.random_state != other.cv.random_state
    assert first.estimator.random_state == second.estimator.random_state != other.estimator.random_state
    assert search.cv.random_state is None


@pytest.mark.parametrize("library", ["xgboost.XGBRegressor", "lightgbm.LGBMRegressor", "catboost.CatBoostRegressor"])
def test_boosters_follow_the_seed(library: str) -> None:
    pytest.importorskip(library.partition(".")[0])
    settings: Node = {"iterations": 5, "bootstrap_type": "Bernoulli"} if "cat" in library else {"n_estimators": 5}
    if library.startswith("lightgbm"):
        settings |= {"subsample_freq": 1, "min_child_samples": 2}
    trainer = door("supervised", {"_target_": library, "subsample": 0.5, **settings})
    shown = view("supervised", Meaning.VALUE)
    answers = [next(trainer.train(shown, seed)).model.predict(ROWS) for seed in (1, 1, 2)]
    assert same(answers[0], answers[1])
    assert not same(answers[0], answers[2])


def test_lightgbm_adds_up_in_an_order_that_no_clock_decides() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    assert settled(lightgbm.LGBMClassifier(), 1).get_params()["force_col_wise"] is True
    rows = settled(lightgbm.LGBMClassifier(force_row_wise=True), 1).get_params()
    assert rows["force_row_wise"] is True
    assert "force_col_wise" not in rows


# --- trust


def test_a_users_own_estimator_takes_trust_to_name_and_to_load(tmp_path: Path) -> None:
    node: Node = {"_target_": f"{__name__}.Nearest", "power": 1.0}
    with pytest.raises(Refused, match=r"add --trust tests\.$"):
        door("supervised", node)
    snapshot, _ = through(door("supervised", node, ("tests.",)), view("supervised"), tmp_path / "model", ("tests.",))
    assert np.mean(snapshot.model.predict(ROWS)[Meaning.LABEL] == CLASS) > 0.9
    with pytest.raises(Refused, match=r"^[^\n]*Nearest, which is not trusted; if you trust it, add --trust tests\.$"):
        load_model(tmp_path / "model")
    with pytest.raises(Refused, match="--trust"):
        load_model(tmp_path / "model", ("tests.units.",))


# --- tables


def test_a_pipeline_in_yaml_picks_columns_by_name(plan: Callable[..., Plan], tmp_path: Path) -> None:
    random, lines = np.random.default_rng(0), ["size,weight,colour,note,good"]
    for place in range(120):
        size, colour = random.normal(), random.choice(["red", "green", "blue"])
        told = (f"{size}" if place % 9 else "", f"{random.normal()}", colour if place % 7 else "", f"{random.normal()}")
        lines.append(",".join([*told, "yes" if size + 2 * (colour == "red") > 0.5 else "no"]))
    (tmp_path / "fruit.csv").write_text("\n".join(lines) + "\n")
    job = job_of(plan("table", "supervised/columns", f"problem.path={tmp_path / 'fruit.csv'}", "problem.target=good"))
    [snapshot] = job.trainer.train(job.shown, 0)
    save_model(snapshot.model, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert job.problem.evaluate(model, "test").scores["accuracy"] > 0.75
    shown: Any = job.shown
    assert same(model.predict(shown.inputs), snapshot.model.predict(shown.inputs))
    assert isinstance(model.signature.inputs, gym.spaces.Dict)
    changed = shown.inputs.copy()
    changed["note"] += 1e6  # no column that was picked
    assert same(model.predict(changed), snapshot.model.predict(shown.inputs))
    with pytest.raises(Refused, match=r"^column 'size' is not in these inputs$"):
        model.predict(shown.inputs[["weight", "colour", "note"]])


@pytest.mark.parametrize("encode", ["auto", "none"])
@pytest.mark.parametrize(
    "target", ["sklearn.ensemble.HistGradientBoostingClassifier", "lightgbm.LGBMClassifier", "xgboost.XGBClassifier"]
)
def test_boosters_take_a_table_as_numbers_or_as_it_is(target: str, encode: str, tmp_path: Path) -> None:
    pytest.importorskip(target.partition(".")[0])
    settings: Node = {"max_iter": 10} if target.startswith("sklearn") else {"n_estimators": 10}
    if target.startswith("xgboost"):
        settings["enable_categorical"] = True
    trainer = door("supervised", {"_target_": target, **settings}, encode=encode)
    space = gym.spaces.Dict([(name, TABLE[name]) for name in ("size", "kind", "more")])
    shown = Labelled(SHOWN[list(space)], ANSWER, Signature(space, TASKS[Meaning.LABEL].outputs))
    snapshot, _ = through(trainer, shown, tmp_path / "model")
    assert np.mean(snapshot.model.predict(shown.inputs)[Meaning.LABEL] == ANSWER) > 0.8
    snapshot.model.predict(NEW[list(space)])  # with values never seen


def test_a_table_as_it_is_cannot_be_scaled() -> None:
    shown = Labelled(SHOWN, ANSWER, TASKS[Meaning.LABEL])
    with pytest.raises(Refused, match=r"^encode=none .*: set trainer\.scale=none$"):
        one("supervised", "sklearn.svm.SVC", shown, scale="standard", encode="none")


# --- cost


def test_reading_models_imports_neither_torch_nor_boosters() -> None:
    asked = "sorted({'torch', 'lightgbm', 'xgboost', 'catboost', 'stable_baselines3'} & set(sys.modules))"
    code = f"import sys, paralab.trainers.skops_file, paralab.trainers.supervised.sklearn; print({asked})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", done.stdout
