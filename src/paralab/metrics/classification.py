"""Scores of class answers; greater is always better, and a score that is not defined is left out, never NaN."""

from __future__ import annotations

import numpy as np

from paralab.core import Array, Metrics
from paralab.metrics.ranking import roc_auc

SMALLEST = float(
    np.finfo(np.float64).eps
)  # probabilities are clipped to this: at most 36.04 nats a row, as in scikit-learn


def scores(truth: Array, labels: Array, probabilities: Array | None) -> Metrics:
    """All class scores of `labels` (n,) int and, where given, `probabilities` (n, classes) against `truth` (n,) int."""
    found = {
        "accuracy": accuracy(truth, labels),
        "balanced_accuracy": balanced_accuracy(truth, labels),
        "macro_f1": macro_f1(truth, labels),
    }
    if probabilities is not None and np.all(np.isfinite(probabilities)):
        found["neg_log_loss"] = neg_log_loss(truth, probabilities)
        area = one_against_rest(truth, probabilities)
        if area is not None:
            found["roc_auc"] = area
    return found


def accuracy(truth: Array, labels: Array) -> float:
    return float(np.mean(truth == labels))


def balanced_accuracy(truth: Array, labels: Array) -> float:
    """Mean recall over the classes that occur in the truth."""
    return float(np.mean([np.mean(labels[truth == known] == known) for known in np.unique(truth)]))


def macro_f1(truth: Array, labels: Array) -> float:
    """Mean F1 over the classes that occur in the truth or the answers; a class never hit scores 0."""
    hits = [
        (np.sum((truth == k) & (labels == k)), np.sum(truth == k) + np.sum(labels == k))
        for k in np.union1d(truth, labels)
    ]
    return float(np.mean([2 * both / total for both, total in hits]))


def neg_log_loss(truth: Array, probabilities: Array) -> float:
    """Mean log probability of the truth, rows normalised and clipped away from 0."""
    rows = np.clip(probabilities, SMALLEST, 1.0)
    rows = rows / rows.sum(axis=1, keepdims=True)
    return float(np.mean(np.log(rows[np.arange(len(truth)), truth])))


def one_against_rest(truth: Array, probabilities: Array) -> float | None:
    """Mean ROC-AUC of each class against the rest (two classes: of the second); None unless every class occurs."""
    classes = probabilities.shape[1]
    areas = [roc_auc(truth == k, probabilities[:, k]) for k in (range(classes) if classes > 2 else (1,))]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if len(defined) == len(areas) else None
