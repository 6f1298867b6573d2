"""The area under a label-efficiency curve: in the score's unit, over log n, for any shape of scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from paralab.statistics.curve import area

BUDGETS = st.lists(st.integers(1, 10**6), min_size=2, max_size=8, unique=True).map(sorted)


@given(budgets=BUDGETS, height=st.floats(-100, 100))
def test_a_flat_curve_is_its_own_area(budgets: list[int], height: float) -> None:
    assert area(budgets, np.full(len(budgets), height)) == pytest.approx(height)


@given(budgets=BUDGETS, data=st.data())
def test_it_is_scipys_trapezoid_over_log_n(budgets: list[int], data: st.DataObject) -> None:
    k = len(budgets)
    scores = np.array(data.draw(st.lists(st.lists(st.floats(0, 1), min_size=k, max_size=k), min_size=1, max_size=4)))
    expected = trapezoid(scores, np.log(budgets), axis=-1) / np.log(budgets[-1] / budgets[0])
    assert area(budgets, scores) == pytest.approx(expected)
    assert area(budgets, scores[None]).shape == (1, len(scores))


def test_equal_ratios_of_labels_weigh_alike() -> None:
    assert area([10, 100, 1000], np.array([0.0, 1.0, 0.0])) == pytest.approx(0.5)
    assert area([10, 20, 1000], np.array([1.0, 1.0, 0.0])) > area([10, 500, 1000], np.array([1.0, 0.0, 0.0]))


def test_a_missing_score_is_not_bridged() -> None:
    assert np.isnan(area([1, 2, 4], np.array([[0.1, np.nan, 0.3], [0.1, 0.2, 0.3]]))).tolist() == [True, False]


@pytest.mark.parametrize("budgets", [[20], [20, 20], [50, 20], [0, 20], []])
def test_budgets_that_span_nothing_are_refused(budgets: list[int]) -> None:
    with pytest.raises(ValueError, match="two or more rising"):
        area(budgets, np.ones(len(budgets)))


def test_scores_of_other_budgets_are_refused() -> None:
    with pytest.raises(ValueError, match="2 label budgets"):
        area([20, 50], np.ones((2, 3)))
