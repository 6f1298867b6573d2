from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from paralab.statistics.aggregate import iqm, optimality_gap, profile

MATRIX = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-2, 2, width=32))
FAST = settings(max_examples=60, deadline=None)


@FAST
@given(MATRIX)
def test_iqm_is_scipy_s_trimmed_mean(scores: np.ndarray) -> None:
    assert iqm(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), abs=1e-12)
    for axis in (0, 1, -1):
        assert iqm(scores, axis=axis) == pytest.approx(stats.trim_mean(scores, 0.25, axis=axis), abs=1e-12)


@FAST
@given(MATRIX, st.floats(0.1, 10), st.floats(-5, 5), st.randoms(use_true_random=False))
def test_iqm_moves_with_its_scores_and_not_with_their_order(
    scores: np.ndarray, scale: float, shift: float, random: object
) -> None:
    assert iqm(scale * scores + shift) == pytest.approx(scale * iqm(scores) + shift, abs=1e-9)
    assert iqm(-scores) == pytest.approx(-iqm(scores), abs=1e-12)
    assert iqm(np.random.default_rng(scores.size).permutation(scores.ravel())) == iqm(scores)


@FAST
@given(MATRIX, st.floats(-1, 2))
def test_gap_and_profile_by_counting(scores: np.ndarray, target: float) -> None:
    each = [max(target - score, 0) for score in scores.ravel()]
    assert optimality_gap(scores, target) == pytest.approx(sum(each) / len(each))
    above = [sum(score > bar for score in scores.ravel()) / scores.size for bar in (-1.0, target, 3.0)]
    assert profile(scores, [-1.0, target, 3.0]) == pytest.approx(above)
    assert (np.diff(profile(scores, np.linspace(-3, 3, 20))) <= 0).all()


def test_other_axes_lead() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 4, 8))
    assert iqm(scores, axis=-1).shape == (5, 4)
    assert optimality_gap(scores, axis=1)[2, 3] == pytest.approx(optimality_gap(scores[2, :, 3]))
    curves = profile(scores, [0.0, 0.5], axis=1)
    assert curves.shape == (5, 8, 2)
    assert curves[1, 7] == pytest.approx(profile(scores[1, :, 7], [0.0, 0.5]))


def test_what_is_no_score_is_refused() -> None:
    for figure in (iqm, optimality_gap):
        with pytest.raises(ValueError, match="no score"):
            figure([])
        with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
            figure([0.5, np.nan])
    with pytest.raises(ValueError, match="thresholds"):
        profile([0.5], [[0.1]])
