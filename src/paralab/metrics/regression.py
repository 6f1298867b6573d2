"""Scores of values; errors are negated, so that greater is always better."""

from __future__ import annotations

import numpy as np

from paralab.core import Array, Metrics


def scores(truth: Array, values: Array) -> Metrics:
    """All scores of `values` (n,) against `truth` (n,); none where one is not finite, no r2 of a constant truth."""
    if not np.all(np.isfinite(values)):
        return {}
    found = {"neg_rmse": neg_rmse(truth, values), "neg_mae": neg_mae(truth, values)}
    explained = r2(truth, values)
    return found if explained is None else {**found, "r2": explained}


def neg_rmse(truth: Array, values: Array) -> float:
    return -float(np.sqrt(np.mean((truth - values) ** 2)))


def neg_mae(truth: Array, values: Array) -> float:
    return -float(np.mean(np.abs(truth - values)))


def r2(truth: Array, values: Array) -> float | None:
    """Share of the variance explained; None where the truth does not vary."""
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((truth - values) ** 2)) / spread if spread > 0 else None
