"""Against scipy, and against every choice of signs where ties keep scipy from counting."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paralab.statistics.exact import flips_beyond
from paralab.statistics.interval import NO_SPREAD
from paralab.statistics.paired import corrected_t, mean_difference, sign_flip, wilcoxon

FAST = settings(max_examples=60, deadline=None)
TIED = st.lists(st.integers(-4, 4).map(lambda n: n / 10), min_size=1, max_size=9)  # as accuracies are, on a grid
SPREAD = st.lists(st.floats(-5, 5, width=16), min_size=2, max_size=30).filter(lambda d: len(set(d)) > 1)
D = np.random.default_rng(0).normal(0.3, 1, size=12)


def every_sign(values: list[float]) -> list[list[float]]:
    return [[sign * value for sign, value in zip(signs, values, strict=True)]
            for signs in product((-1, 1), repeat=len(values))]  # fmt: skip


@FAST
@given(SPREAD, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_t_is_scipy_s(d: list[float], level: float) -> None:
    theirs = stats.ttest_1samp(d, 0)
    low, high = theirs.confidence_interval(level)
    mine = mean_difference(d, level)
    assert (mine.value, mine.low, mine.high) == pytest.approx((np.mean(d), low, high), rel=1e-6, abs=1e-9)
    same, p = corrected_t(d, 0.0, level)
    assert (same.value, same.low, same.high) == (mine.value, mine.low, mine.high)
    assert p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("ratio", [0.1, 3 / 7, 2.0])
def test_corrected_by_hand(ratio: float) -> None:
    interval, p = corrected_t(D, ratio)
    n = len(D)
    error = D.std(ddof=1) * math.sqrt(1 / n + ratio)
    assert p == pytest.approx(2 * stats.t.sf(abs(D.mean()) / error, n - 1))
    assert (interval.low, interval.high) == pytest.approx(stats.t.interval(0.95, n - 1, D.mean(), error))
    assert (p > 0.05) == (interval.low < 0 < interval.high)


def test_corrected_t_is_stricter_the_more_is_shared() -> None:
    ps = [corrected_t(D + 1, ratio)[1] for ratio in (0, 0.1, 0.5, 1)]
    assert ps == sorted(ps)
    assert len(set(ps)) == 4


@FAST
@given(TIED)
def test_sign_flip_counts_every_flip(d: list[float]) -> None:
    bar = abs(sum(d)) - 1e-9
    assert sign_flip(d) == pytest.approx(np.mean([abs(sum(flip)) >= bar for flip in every_sign(d)]))


def test_sign_flip_is_scipy_s() -> None:
    theirs = stats.permutation_test((D,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(D) == pytest.approx(theirs.pvalue)


def test_random_flips_agree_with_all_of_them() -> None:
    d = np.random.default_rng(4).normal(0.3, 1, size=33)
    exact = flips_beyond(d, abs(d.sum()))
    assert sign_flip(d) == pytest.approx(exact, abs=4 * math.sqrt(exact / 50_000))
    assert sign_flip(d) == sign_flip(d) != exact
    assert sign_flip([1.0] * 40) == pytest.approx(1 / 50_001)  # never 0


@FAST
@given(TIED)
def test_wilcoxon_counts_every_sign_of_tied_ranks(d: list[float]) -> None:
    kept = [value for value in d if value]
    ranks = stats.rankdata(np.round(np.abs(kept), 6))
    observed = abs(sum(ranks * np.sign(kept))) - 1e-9
    sums = [abs(sum(flip)) for flip in every_sign(list(ranks))]
    assert wilcoxon(d) == pytest.approx(np.mean([each >= observed for each in sums]))


@pytest.mark.parametrize("n", [5, 6, 12, 50, 120])
def test_wilcoxon_is_scipy_s(n: int) -> None:
    d = np.random.default_rng(n).normal(0.3, 1, size=n)
    assert wilcoxon(d) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


def test_wilcoxon_of_very_many() -> None:
    d = np.random.default_rng(1).normal(0.1, 1, size=201)
    assert wilcoxon(d) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=0.02)
    assert wilcoxon(d[:200]) == pytest.approx(stats.wilcoxon(d[:200], method="exact").pvalue)


def test_five_pairs_can_never_be_significant() -> None:
    assert wilcoxon([1, 2, 3, 4, 5]) == pytest.approx(0.0625)
    assert sign_flip([1, 2, 3, 4, 5]) == pytest.approx(0.0625)


@FAST
@given(SPREAD, st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_order_scale_and_side_do_not_matter(d: list[float], scale: float, random: object) -> None:
    turned = list(np.random.default_rng(len(d)).permutation(d))
    for test in (sign_flip, wilcoxon, lambda d: corrected_t(d, 0.25)[1]):
        p = test(d)
        assert 0 <= p <= 1
        assert test(turned) == pytest.approx(p, abs=1e-9)
        assert test([-value for value in d]) == pytest.approx(p, abs=1e-9)
        assert test([scale * value for value in d]) == pytest.approx(p, abs=1e-9)
    mine, mirrored = mean_difference(d), mean_difference([2 - scale * value for value in d])
    assert (mirrored.low, mirrored.high) == pytest.approx((2 - scale * mine.high, 2 - scale * mine.low), abs=1e-7)


def test_differences_without_spread() -> None:
    flat = mean_difference([0.9 - 0.85, 0.85 - 0.8, 0.05])
    assert (flat.low, flat.high, flat.method) == (flat.value, flat.value, NO_SPREAD)
    interval, p = corrected_t([0.05] * 6, 0.4)
    assert interval.method == NO_SPREAD
    assert p == pytest.approx(2 / 2**6)  # not the 0 of a t without an error
    for nothing in (corrected_t([0.0] * 6, 0.4)[1], sign_flip([0.0] * 6), wilcoxon([0.0] * 6)):
        assert nothing == 1


def test_one_and_two_differences() -> None:
    for two_at_least in (mean_difference, lambda d: corrected_t(d, 0.2)):
        with pytest.raises(ValueError, match="at least 2"):
            two_at_least([0.5])
    assert sign_flip([0.5]) == wilcoxon([0.5]) == 1
    assert sign_flip([0.5, 0.6]) == wilcoxon([0.5, 0.6]) == 0.5
    wide = mean_difference([0.5, 0.6])
    assert wide.high - wide.low == pytest.approx(2 * 12.7062 * 0.05, rel=1e-4)


def test_what_is_no_difference_is_refused() -> None:
    for test in (mean_difference, sign_flip, wilcoxon, lambda d: corrected_t(d, 0.2)):
        with pytest.raises(ValueError, match="not finite"):
            test([0.1, np.nan, 0.2])
    for ratio in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="ratio"):
            corrected_t(D, ratio)
