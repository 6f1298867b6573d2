"""Several methods on many data sets: ranks, Friedman, Wilcoxon with Holm's correction (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paralab.statistics.exact import doubled_ranks
from paralab.statistics.interval import checked, settled
from paralab.statistics.paired import wilcoxon


def ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """The mean rank of each method over scores (datasets, methods), 1 the best, ties shared."""
    return np.asarray(_ranked(scores, 1).mean(axis=0))


def friedman(scores: ArrayLike) -> float:
    """The p of the Friedman test of scores (datasets, methods), corrected for ties; 1 where all are tied everywhere.

    Raises ValueError under two data sets or three methods.
    """
    from scipy.special import chdtrc

    table = _ranked(scores, 2)
    datasets, methods = table.shape
    if methods < 3:
        raise ValueError(f"{methods} methods given; the Friedman test compares three or more, two have Wilcoxon's")
    spread = float(((table - (methods + 1) / 2) ** 2).sum()) / (
        methods - 1
    )  # datasets x methods(methods+1)/12, less ties
    if spread == 0:
        return 1.0
    between = float(((table.sum(axis=0) - datasets * (methods + 1) / 2) ** 2).sum())
    return float(chdtrc(methods - 1, between / spread))


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values (k,) adjusted for their number, step down (Holm 1979); raises ValueError for one outside [0, 1]."""
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError("p-values are numbers from 0 to 1 in one row")
    order = np.argsort(given, kind="stable")
    steps = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)) if len(given) else given
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def wilcoxon_holm(scores: ArrayLike) -> NDArray[np.float64]:
    """The signed-rank p of every two methods over scores (datasets, methods), Holm-adjusted: symmetric, diagonal 1."""
    values = checked(scores, "datasets x methods", 1, 2)
    one, two = np.triu_indices(values.shape[1], 1)
    matrix = np.ones((values.shape[1], values.shape[1]))
    adjusted = holm([wilcoxon(values[:, i] - values[:, j]) for i, j in zip(one, two, strict=True)])
    matrix[one, two] = matrix[two, one] = adjusted
    return matrix


def cliques(order: Sequence[int], p_matrix: ArrayLike, alpha: float) -> list[tuple[int, ...]]:
    """The largest groups of two or more methods of which no two are told apart (p above alpha), best first.

    `order` names the methods from best to worst, and so does each group. A group may pass over a method between its
    members that is told apart from one of them: a diagram marks members, and does not only draw a bar across.
    """
    matrix = np.asarray(p_matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, matrix.T):
        raise ValueError(f"p-values of shape {matrix.shape} given; a symmetric square without NaN is needed")
    alike = {one: frozenset(two for two in order if two != one and matrix[one, two] > alpha) for one in order}
    place = {method: position for position, method in enumerate(order)}
    found = (
        sorted(group, key=place.__getitem__) for group in _maximal(frozenset(), frozenset(order), frozenset(), alike)
    )
    return sorted((tuple(group) for group in found if len(group) > 1), key=lambda group: [place[one] for one in group])


def _maximal(
    group: frozenset[int], left: frozenset[int], done: frozenset[int], alike: dict[int, frozenset[int]]
) -> Iterator[frozenset[int]]:
    """Bron and Kerbosch (1973) with a pivot."""
    if not left and not done:
        yield group
        return
    pivot = max(sorted(left | done), key=lambda one: len(alike[one] & left))
    for one in sorted(left - alike[pivot]):
        yield from _maximal(group | {one}, left & alike[one], done & alike[one], alike)
        left, done = left - {one}, done | {one}


def _ranked(scores: ArrayLike, least: int) -> NDArray[np.float64]:
    values = checked(scores, "datasets x methods", least, 2)
    return np.array([doubled_ranks(-settled(row)) for row in values]) / 2
