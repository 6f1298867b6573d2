"""Detectable differences and the seeds they need: statsmodels' numbers, and each other's inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from statsmodels.stats.power import TTestIndPower, TTestPower

from paralab.statistics.power import detectable, detectable_two, seeds_needed, seeds_needed_two


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30, 200])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.01, 0.9), (0.05, 0.5)])
def test_it_has_the_power_that_statsmodels_says(n: int, alpha: float, power: float) -> None:
    one = detectable(2.0, n, alpha, power) / 2
    assert TTestPower().power(one, n, alpha, alternative="two-sided") == pytest.approx(power, abs=1e-6)
    two = detectable_two(2.0, n, n + 3, alpha, power) / 2
    assert TTestIndPower().power(two, n, alpha, (n + 3) / n) == pytest.approx(power, abs=1e-6)


def test_a_textbook_number() -> None:
    assert seeds_needed(1, 0.5) == 34  # Cohen's medium effect, paired
    assert seeds_needed_two(1, 0.5) == 64


def test_it_is_found_with_the_power_in_simulation() -> None:
    for n in (2, 8):
        d = np.random.default_rng(0).normal(detectable(1, n), 1, (4_000, n))
        assert (ttest_1samp(d, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(sd=st.floats(1e-3, 10), share=st.floats(0.05, 5), ratio=st.sampled_from([0.0, 0.1, 0.43]))
def test_seeds_needed_is_the_least_that_detects(sd: float, share: float, ratio: float) -> None:
    n = seeds_needed(sd, share * sd, ratio=ratio)
    if n is None:
        assert detectable(sd, 100_000, ratio=ratio) > share * sd
    else:
        assert detectable(sd, n, ratio=ratio) <= share * sd
        assert n == 2 or detectable(sd, n - 1, ratio=ratio) > share * sd


def test_shared_rows_set_a_floor() -> None:
    assert detectable(1, 10, ratio=0.4) > detectable(1, 10) * 2
    assert seeds_needed(1, 0.5, ratio=0.4) is None
    assert seeds_needed(1, -0.5) == seeds_needed(1, 0.5)
    assert seeds_needed(1, 0.0) is None
    assert seeds_needed(0, 0.1) == seeds_needed_two(0, 0.1) == 2


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="two or more"):
        detectable(1, 1)
    with pytest.raises(ValueError, match="no standard deviation"):
        detectable_two(float("nan"), 5, 5)
    with pytest.raises(ValueError, match=r"alpha 0\.9"):
        detectable(1, 5, alpha=0.9)
