"""Against scipy, statsmodels and scikit-posthocs; cliques against every subset."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from paralab.statistics.many import cliques, friedman, holm, ranks, wilcoxon_holm
from paralab.statistics.paired import wilcoxon

FAST = settings(max_examples=60, deadline=None)
SCORES = np.random.default_rng(0).beta(5, 2, size=(14, 5)) + np.arange(5) * 0.08


@st.composite
def grids(draw: st.DrawFn) -> np.ndarray:
    datasets, methods = draw(st.integers(2, 8)), draw(st.integers(3, 6))
    rows = st.lists(st.integers(0, 4), min_size=methods, max_size=methods)
    return np.array(draw(st.lists(rows, min_size=datasets, max_size=datasets))) / 10


@FAST
@given(grids())
def test_friedman_and_ranks_are_scipy_s(scores: np.ndarray) -> None:
    assert ranks(scores) == pytest.approx(stats.rankdata(-scores, axis=1).mean(axis=0))
    assert ranks(scores).sum() == pytest.approx(scores.shape[1] * (scores.shape[1] + 1) / 2)
    if (np.ptp(scores, axis=1) == 0).all():
        assert friedman(scores) == 1
    else:
        assert friedman(scores) == pytest.approx(stats.friedmanchisquare(*scores.T).pvalue)


@FAST
@given(grids(), st.floats(0.01, 100), st.floats(-5, 5))
def test_only_the_order_within_a_data_set_counts(scores: np.ndarray, scale: float, shift: float) -> None:
    moved = scores.copy()
    moved[0] = scale * moved[0] + shift
    turned = scores[::-1]
    for other in (moved, turned):
        assert ranks(other) == pytest.approx(ranks(scores))
        assert friedman(other) == pytest.approx(friedman(scores))
    assert friedman(scores[:, ::-1]) == pytest.approx(friedman(scores))
    assert friedman(-scores) == pytest.approx(friedman(scores))
    assert ranks(-scores) == pytest.approx(scores.shape[1] + 1 - ranks(scores))


def test_rounding_is_no_rank_and_units_need_not_agree() -> None:
    assert list(ranks([[0.1 + 0.2, 0.3, 0.0]])) == [1.5, 1.5, 3]
    assert list(ranks([[1e12, 2e12, 3e12], [0.3, 0.2, 0.1]])) == [2, 2, 2]


@pytest.mark.parametrize("p", [[0.3], [0.01, 0.04, 0.03, 0.005, 0.6, 0.03]])
def test_holm_is_statsmodels(p: list[float]) -> None:
    assert list(holm(p)) == pytest.approx(list(multipletests(p, method="holm")[1]))


@FAST
@given(st.lists(st.floats(0, 1, width=16), max_size=12), st.sampled_from([0.01, 0.05, 0.3]))
def test_holm_rejects_as_its_steps_do(p: list[float], alpha: float) -> None:
    rejected: set[float] = set()
    for step, each in enumerate(sorted(p)):
        if each * (len(p) - step) > alpha:
            break
        rejected.add(each)
    assert [adjusted <= alpha for adjusted in holm(p)] == [each in rejected for each in p]
    assert list(holm(p[::-1])) == list(holm(p))[::-1]
    assert all(each <= adjusted <= 1 for each, adjusted in zip(p, holm(p), strict=True))


def test_wilcoxon_holm_is_scikit_posthocs() -> None:
    mine = wilcoxon_holm(SCORES)
    groups = [list(column) for column in SCORES.T]
    assert mine == pytest.approx(scikit_posthocs.posthoc_wilcoxon(groups, p_adjust="holm").to_numpy())
    order = [3, 0, 4, 1, 2]
    assert wilcoxon_holm(SCORES[::-1, order]) == pytest.approx(mine[np.ix_(order, order)])
    assert (mine < 0.05).any()
    assert (mine > 0.05).any()


def test_three_pairs_need_seven_data_sets() -> None:
    clear = np.arange(3.0) * 10
    for datasets, told_apart in ((6, False), (7, True)):
        scores = clear + np.arange(datasets)[:, None] * np.array([1.0, 1.1, 1.3])
        assert (wilcoxon_holm(scores)[0, 1] <= 0.05) == told_apart


def test_two_methods() -> None:
    found = wilcoxon_holm(SCORES[:, :2])
    assert found[0, 1] == found[1, 0] == wilcoxon(SCORES[:, 0] - SCORES[:, 1])
    assert found[0, 0] == found[1, 1] == 1


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    methods = draw(st.integers(1, 7))
    matrix = np.ones((methods, methods))
    for one, two in combinations(range(methods), 2):
        matrix[one, two] = matrix[two, one] = draw(st.sampled_from([0.001, 0.05, 0.3, 1.0]))
    return matrix


@FAST
@given(tables(), st.randoms(use_true_random=False))
def test_cliques_by_trying_every_subset(matrix: np.ndarray, random: object) -> None:
    order = [int(one) for one in np.random.default_rng(len(matrix)).permutation(len(matrix))]
    groups = [group for size in range(2, len(order) + 1) for group in combinations(order, size)
              if all(matrix[one, two] > 0.05 for one, two in combinations(group, 2))]  # fmt: skip
    largest = [group for group in groups if not any(set(group) < set(other) for other in groups)]
    found = cliques(order, matrix, 0.05)
    assert sorted(found) == sorted(largest)
    assert found == sorted(found, key=lambda group: [order.index(one) for one in group])


def test_cliques_of_a_known_diagram() -> None:
    matrix = np.ones((4, 4))
    matrix[0, 2] = matrix[2, 0] = matrix[0, 3] = matrix[3, 0] = 0.01
    assert cliques([0, 1, 2, 3], matrix, 0.05) == [(0, 1), (1, 2, 3)]
    assert cliques([3, 2, 1, 0], matrix, 0.05) == [(3, 2, 1), (1, 0)]
    assert cliques([0, 1, 2, 3], np.eye(4), 0.05) == []
    assert cliques(range(30), np.ones((30, 30)), 0.05) == [tuple(range(30))]


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="2 methods"):
        friedman(SCORES[:, :2])
    with pytest.raises(ValueError, match="at least 2"):
        friedman(SCORES[:1])
    for test in (friedman, ranks, wilcoxon_holm):
        with pytest.raises(ValueError, match="not finite"):
            test(np.where(np.eye(14, 5), np.nan, SCORES))
    for wrong in ([0.1, np.nan], [1.2], [-0.1], [[0.1]]):
        with pytest.raises(ValueError, match="from 0 to 1"):
            holm(wrong)
    for table in (np.ones((2, 3)), np.array([[1, 0.1], [0.2, 1]]), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="symmetric"):
            cliques([0, 1], table, 0.05)
