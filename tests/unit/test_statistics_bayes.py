"""Bayesian comparisons: equal to baycomp's, and sensible at their edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.statistics.bayes import Beliefs, correlated_t, signed_rank


def parts(beliefs: Beliefs) -> list[float]:
    return [beliefs.left, beliefs.rope, beliefs.right]


def known(test: str) -> list[dict[str, Any]]:
    """What baycomp 1.0.3 gave; kept, for an installed baycomp brings a package `tests` that hides this one."""
    cases: list[dict[str, Any]] = json.loads((Path(__file__).parent / "baycomp_1_0_3.json").read_text())[test]
    return cases


@pytest.mark.parametrize("case", known("correlated_t"))
def test_correlated_t_is_baycomps_at_the_ratio_of_cross_validation(case: dict[str, Any]) -> None:
    d = np.array(case["d"])
    assert parts(correlated_t(d, 1 / (len(d) - 1), case["rope"])) == pytest.approx(case["probs"], abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    d=st.lists(st.floats(-1, 1).map(lambda x: round(x, 4)), min_size=2, max_size=30),
    rope=st.sampled_from([0.001, 0.01, 0.2]),
)
def test_correlated_t_turned_round_is_its_mirror(d: list[float], rope: float) -> None:
    ours = correlated_t(np.array(d), 1 / (len(d) - 1), rope)
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


@pytest.mark.parametrize("case", known("signed_rank"))
def test_signed_rank_is_baycomps_within_monte_carlo_error(case: dict[str, Any]) -> None:
    ours = parts(signed_rank(np.array(case["d"]), case["rope"], np.random.default_rng(2)))
    assert ours == pytest.approx(case["probs"], abs=4 * (2 * 0.25 / 50_000) ** 0.5)
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
