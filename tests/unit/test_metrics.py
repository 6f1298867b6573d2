"""Scores against scikit-learn's, and where they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from paralab.metrics import classification, clustering, ranking, regression

SEEDS = st.integers(0, 2**31)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, classes=st.integers(2, 5))
def test_class_scores_are_those_of_scikit_learn(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(classes, size=30)])
    probabilities = rng.dirichlet(np.ones(classes), len(truth)).round(2)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = probabilities.argmax(axis=1)
    area = reference.roc_auc_score(truth, probabilities if classes > 2 else probabilities[:, 1], multi_class="ovr")
    expected = {
        "accuracy": reference.accuracy_score(truth, labels),
        "balanced_accuracy": reference.recall_score(truth, labels, average="macro"),
        "macro_f1": reference.f1_score(truth, labels, average="macro"),
        "neg_log_loss": -reference.log_loss(truth, probabilities),
        "roc_auc": area,
    }
    assert classification.scores(truth, labels, probabilities) == pytest.approx(expected)


def test_class_scores_that_are_not_defined_are_left_out() -> None:
    truth, labels = np.zeros(4, int), np.array([0, 0, 1, 1])
    sure = np.eye(2)[labels]
    found = classification.scores(truth, labels, sure)
    assert set(found) == {"accuracy", "balanced_accuracy", "macro_f1", "neg_log_loss"}
    assert found["neg_log_loss"] == pytest.approx(np.log(classification.SMALLEST) / 2)
    assert "neg_log_loss" not in classification.scores(truth, labels, np.full((4, 2), np.nan))
    assert "neg_log_loss" not in classification.scores(truth, labels, None)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_rankings_are_those_of_scikit_learn_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = np.append(rng.integers(2, size=40), [0, 1])
    strangeness = rng.normal(size=42).round(int(rng.integers(3)))
    expected = {
        "average_precision": reference.average_precision_score(positive, strangeness),
        "roc_auc": reference.roc_auc_score(positive, strangeness),
    }
    assert ranking.scores(positive == 1, strangeness) == pytest.approx(expected)


def test_rankings_of_one_kind_of_row_or_of_nan_have_no_score() -> None:
    assert ranking.scores(np.zeros(3, bool), np.arange(3.0)) == {}
    assert set(ranking.scores(np.ones(3, bool), np.arange(3.0))) == {"average_precision"}
    assert ranking.scores(np.array([True, False]), np.array([np.nan, 1.0])) == {}


def test_errors_are_negated() -> None:
    found = regression.scores(np.array([0.0, 2.0]), np.array([1.0, 4.0]))
    assert found == pytest.approx({"neg_rmse": -np.sqrt(2.5), "neg_mae": -1.5, "r2": 1 - 5 / 2})
    assert set(regression.scores(np.ones(2), np.zeros(2))) == {"neg_rmse", "neg_mae"}
    assert regression.scores(np.ones(2), np.array([1.0, np.inf])) == {}


def test_clusters_are_scored_whatever_they_are_called() -> None:
    truth, clusters = np.array([0, 0, 1, 1, 2, 2]), np.array([7, 7, 3, 3, 3, 5])
    assert clustering.oracle_accuracy(truth, clusters) == pytest.approx(5 / 6)
    assert clustering.agreement(truth, truth + 5) == pytest.approx(
        {"ari": 1, "ami": 1, "homogeneity": 1, "oracle_accuracy": 1}
    )
    inputs = np.array([[0.0], [2.0], [9.0]])
    assert clustering.neg_inertia(inputs, np.array([0, 0, 1])) == pytest.approx(-2)
    assert clustering.neg_inertia(inputs, np.arange(3)) == 0


@pytest.mark.parametrize("clusters", [np.zeros(6, int), np.arange(6)])
def test_one_cluster_or_one_a_row_is_no_error(clusters: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    truth = np.array([0, 0, 1, 1, 2, 2])
    assert clustering.silhouette(np.eye(6), clusters) is None
    assert np.all(np.isfinite(list(clustering.agreement(truth, clusters).values())))
    assert clustering.oracle_accuracy(truth, clusters) == pytest.approx(1 / 3 if clusters.max() == 0 else 1 / 2)


def test_silhouette_of_two_far_pairs_is_near_one() -> None:
    width = clustering.silhouette(np.array([[0.0], [0.1], [9.0], [9.1]]), np.array([0, 0, 1, 1]))
    assert width is not None
    assert width > 0.98
