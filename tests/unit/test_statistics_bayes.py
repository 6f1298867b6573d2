"""Bayesian comparisons: equal to baycomp's, and sensible at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from baycomp import CorrelatedTTest, SignedRankTest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.statistics.bayes import Beliefs, correlated_t, signed_rank


def parts(beliefs: Beliefs) -> list[float]:
    return [beliefs.left, beliefs.rope, beliefs.right]


@settings(max_examples=50, deadline=None)
@given(
    d=st.lists(st.floats(-1, 1).map(lambda x: round(x, 4)), min_size=2, max_size=30),
    rope=st.sampled_from([0.001, 0.01, 0.2]),
)
def test_correlated_t_is_baycomps_at_the_ratio_of_cross_validation(d: list[float], rope: float) -> None:
    theirs = CorrelatedTTest.probs(np.zeros(len(d)), np.array(d), rope=rope)
    ours = correlated_t(np.array(d), 1 / (len(d) - 1), rope)
    assert parts(ours) == pytest.approx(theirs, abs=1e-9)
    turned = correlated_t(-np.array(d), 1 / (len(d) - 1), rope)
    assert parts(turned) == pytest.approx(parts(ours)[::-1], abs=1e-12)


def test_rows_shared_make_the_posterior_wider() -> None:
    d = np.array([0.02, 0.03, 0.01, 0.025, 0.015])
    assert correlated_t(d, 0.0, 0.01).right > correlated_t(d, 0.4, 0.01).right > 0.5


def test_no_spread_at_all() -> None:
    assert correlated_t(np.full(4, 0.5), 0.3, 0.1) == Beliefs(0.0, 0.0, 1.0)
    assert correlated_t(np.zeros(4), 0.3, 0.1) == Beliefs(0.0, 1.0, 0.0)
    assert correlated_t(np.zeros(4), 0.3, 0.0) == Beliefs(0.5, 0.0, 0.5)
    assert correlated_t(np.full(4, -0.5), 0.3, 0.0) == Beliefs(1.0, 0.0, 0.0)


@pytest.mark.parametrize("rope", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("n", [3, 8, 20])
def test_signed_rank_is_baycomps_within_monte_carlo_error(n: int, rope: float) -> None:
    d = np.random.default_rng(n).normal(0.02, 0.03, n).round(3)
    theirs = SignedRankTest.probs(np.zeros(n), d, rope=rope, nsamples=5_000, random_state=1)
    ours = parts(signed_rank(d, rope, np.random.default_rng(2)))
    theirs = theirs if rope else (theirs[0], 0.0, theirs[1])
    assert ours == pytest.approx(theirs, abs=4 * (0.25 / 5_000) ** 0.5)
    assert sum(ours) == pytest.approx(1)


def test_signed_rank_at_its_edges() -> None:
    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    assert signed_rank(np.full(12, 0.4), 0.1, rng()).right > 0.99
    assert signed_rank(np.zeros(12), 0.1, rng()) == Beliefs(0.0, 1.0, 0.0)
    assert signed_rank(np.zeros(12), 0.0, rng()) == Beliefs(0.5, 0.0, 0.5)
    assert signed_rank(np.arange(9.0), 0.5, rng()) == signed_rank(np.arange(9.0), 0.5, rng())
    assert sum(parts(signed_rank(np.arange(9.0), 0.5, rng(), samples=7))) == pytest.approx(1)


def test_what_is_no_row_of_differences_is_refused() -> None:
    with pytest.raises(ValueError, match="2 or more finite differences"):
        correlated_t(np.ones(1), 0.3, 0.1)
    with pytest.raises(ValueError, match="finite"):
        signed_rank(np.array([0.1, np.nan]), 0.1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="cannot be negative"):
        signed_rank(np.ones(3), -0.1, np.random.default_rng(0))
