"""Scores of clusters, with and without the truth; greater is always better, an undefined score is left out."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    homogeneity_score,
    silhouette_score,
)

from paralab.core import Array, Metrics


def agreement(truth: Array, clusters: Array) -> Metrics:
    """How `clusters` (n,) int agree with the classes `truth` (n,) int, whatever the clusters are called."""
    return {
        "ari": float(adjusted_rand_score(truth, clusters)),
        "ami": float(adjusted_mutual_info_score(truth, clusters)),
        "homogeneity": float(homogeneity_score(truth, clusters)),
        "oracle_accuracy": oracle_accuracy(truth, clusters),
    }


def oracle_accuracy(truth: Array, clusters: Array) -> float:
    """Accuracy under the best one-to-one naming of clusters by classes (Hungarian): it has seen every label.

    Rows of clusters that are left without a name, where there are more clusters than classes, count as wrong.
    """
    _, true = np.unique(truth, return_inverse=True)
    _, found = np.unique(clusters, return_inverse=True)
    together = np.zeros((true.max() + 1, found.max() + 1), int)
    np.add.at(together, (true, found), 1)
    return float(together[linear_sum_assignment(together, maximize=True)].sum() / len(truth))


def neg_inertia(inputs: Array, clusters: Array) -> float:
    """Minus the summed squared distance of the rows to the means of their clusters."""
    groups = (inputs[clusters == name] for name in np.unique(clusters))
    return -float(sum(np.sum((rows - rows.mean(axis=0)) ** 2) for rows in groups))


def silhouette(inputs: Array, clusters: Array) -> float | None:
    """Mean silhouette width, Euclidean, in O(n**2) time; None unless there are 2 to n - 1 clusters."""
    if not 2 <= len(np.unique(clusters)) < len(clusters):
        return None
    return float(silhouette_score(inputs, clusters))
