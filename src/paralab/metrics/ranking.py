"""Scores of a ranking of rows, some of which are positive; None where they are not defined."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from paralab.core import Array, Metrics


def scores(positive: Array, strangeness: Array) -> Metrics:
    """Both scores of `strangeness` (n,), greater is stranger, against `positive` (n,) bool, as far as defined."""
    found = {"average_precision": average_precision(positive, strangeness), "roc_auc": roc_auc(positive, strangeness)}
    return {name: value for name, value in found.items() if value is not None}


def roc_auc(positive: Array, ranking: Array) -> float | None:
    """Chance that a positive row ranks above another, ties half; None with one kind of row or values not finite."""
    wanted = np.asarray(positive, bool)
    hits = int(wanted.sum())
    misses = len(wanted) - hits
    if not hits or not misses or not np.all(np.isfinite(ranking)):
        return None
    above = rankdata(ranking)[wanted].sum() - hits * (hits + 1) / 2
    return float(above / (hits * misses))


def average_precision(positive: Array, ranking: Array) -> float | None:
    """Mean precision at each new recall, tied rows entering together; None without a positive row or if not finite."""
    wanted = np.asarray(positive, bool)
    if not wanted.any() or not np.all(np.isfinite(ranking)):
        return None
    order = np.argsort(-np.asarray(ranking), kind="stable")
    last_of_tie = np.append(np.diff(ranking[order]) != 0, True)
    hits, taken = np.cumsum(wanted[order])[last_of_tie], (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * hits / taken) / wanted.sum())
