"""Against scipy and statsmodels, and against every way to deal or to draw where they can be counted."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.nonparametric import rank_compare_2indep

from paralab.statistics.exact import choices_beyond
from paralab.statistics.interval import NO_SPREAD
from paralab.statistics.unpaired import improvement, permutation, welch

FAST = settings(max_examples=60, deadline=None)
GROUP = st.lists(st.floats(-5, 5, width=16), min_size=2, max_size=20).filter(lambda g: len(set(g)) > 1)
TIED = st.lists(st.integers(-3, 3).map(lambda n: n / 10), min_size=2, max_size=6)
ONE, TWO = np.random.default_rng(0).normal(0.6, 1, size=8), np.random.default_rng(1).normal(0, 2, size=11)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@FAST
@given(GROUP, GROUP, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_welch_is_scipy_s(one: list[float], two: list[float], level: float) -> None:
    theirs = stats.ttest_ind(one, two, equal_var=False)
    low, high = theirs.confidence_interval(level)
    mine, p = welch(one, two, level)
    assert (mine.value, mine.low, mine.high) == pytest.approx((np.mean(one) - np.mean(two), low, high), abs=1e-8)
    assert p == pytest.approx(theirs.pvalue, abs=1e-9)


def test_a_group_without_spread_leaves_the_other_s() -> None:
    mine, p = welch([0.9] * 5, [0.7, 0.8, 0.75])
    theirs = stats.ttest_1samp([0.7, 0.8, 0.75], 0.9)
    assert p == pytest.approx(theirs.pvalue)
    assert mine.high - mine.low == pytest.approx(np.ptp(theirs.confidence_interval(0.95)))


def test_neither_group_has_spread() -> None:
    for one, two in (([0.9] * 5, [0.8] * 5), ([0.9] * 4, [0.8] * 3)):
        flat, p = welch(one, two)
        assert (flat.low, flat.high, flat.method) == (flat.value, flat.value, NO_SPREAD)
        assert p == pytest.approx(permutation(one, two, rng()))
        assert p > 0
    assert welch([0.9] * 5, [0.9] * 3)[1] == permutation([0.9] * 5, [0.9] * 3, rng()) == 1


@FAST
@given(TIED, TIED)
def test_permutation_counts_every_way_to_deal(one: list[float], two: list[float]) -> None:
    both, chosen = np.array(one + two), len(one)
    bar = abs(np.mean(one) - np.mean(two)) - 1e-9
    ways = [set(way) for way in combinations(range(len(both)), chosen)]
    beyond = [abs(both[list(way)].mean() - np.delete(both, list(way)).mean()) >= bar for way in ways]
    assert permutation(one, two, rng()) == pytest.approx(np.mean(beyond))


def test_permutation_is_scipy_s() -> None:
    theirs = stats.permutation_test(
        (ONE, TWO), lambda x, y, axis: np.abs(x.mean(axis=axis) - y.mean(axis=axis)),
        vectorized=True, n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    assert permutation(ONE, TWO, rng()) == pytest.approx(theirs.pvalue)


def test_random_dealing_agrees_with_every_way() -> None:
    one, two = rng(2).normal(0.5, 1, size=16), rng(3).normal(size=17)
    pool = np.concatenate([one, two]) - np.concatenate([one, two]).mean()
    exact = choices_beyond(pool, 16, abs(pool[:16].sum()))
    assert permutation(one, two, rng()) == pytest.approx(exact, abs=4 * math.sqrt(exact / 50_000))
    assert permutation(one, two, rng()) != exact
    assert permutation([1.0] * 20, [0.0] * 20, rng()) == pytest.approx(1 / 50_001)  # never 0


@FAST
@given(GROUP, GROUP, st.floats(0.01, 100), st.floats(-5, 5))
def test_order_scale_and_side_do_not_matter(one: list[float], two: list[float], scale: float, shift: float) -> None:
    if len(one) + len(two) > 32:
        one = one[:12]
    turned = list(rng().permutation(one))
    mapped = [[scale * value + shift for value in group] for group in (one, two)]
    p = permutation(one, two, rng())
    for pair in ((turned, two), (two, one), mapped):
        assert permutation(*pair, rng()) == pytest.approx(p, abs=1e-9)
    mine, back = improvement(one, two), improvement(two, one)
    assert (back.value, back.low, back.high) == pytest.approx((1 - mine.value, 1 - mine.high, 1 - mine.low))
    moved = improvement(*mapped)
    assert (moved.value, moved.low, moved.high) == (mine.value, mine.low, mine.high)
    assert 0 <= mine.low < mine.high <= 1
    assert mine.low <= mine.value <= mine.high


@FAST
@given(TIED, TIED)
def test_improvement_is_the_mann_whitney_statistic(one: list[float], two: list[float]) -> None:
    u = stats.mannwhitneyu(one, two, method="asymptotic").statistic
    assert improvement(one, two).value == pytest.approx(u / (len(one) * len(two)))


def newcombe_s(end: float, runs: int, others: int) -> float:
    star = (runs + others) / 2 - 1
    return end * (1 - end) * (1 + star * (1 - end) / (2 - end) + star * end / (1 + end)) / (runs * others)


@pytest.mark.parametrize("spread", [0.5, 20])
def test_ends_lie_z_of_their_own_errors_away(spread: float) -> None:
    one, two = ONE, TWO * spread
    mine, theirs = improvement(one, two, 0.9), rank_compare_2indep(one, two)
    assert mine.value == pytest.approx(theirs.prob1)
    wider = max(1, theirs.var_prob / newcombe_s(mine.value, 8, 11))
    assert (wider > 1.2) == (spread == 20)
    for end in (mine.low, mine.high):
        assert abs(end - mine.value) == pytest.approx(1.6448536 * math.sqrt(wider * newcombe_s(end, 8, 11)), rel=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_width_also_where_every_run_wins(sign: int) -> None:
    found = improvement(sign * np.arange(1.0, 6), np.zeros(10), 0.9)
    assert found.value == (sign + 1) / 2
    far = found.low if sign == 1 else found.high
    assert abs(found.value - far) == pytest.approx(1.6448536 * math.sqrt(newcombe_s(far, 5, 10)), rel=1e-6)
    assert 0.1 < found.high - found.low < 0.5


def test_several_tasks_are_averaged() -> None:
    one, two = rng(0).normal(0.5, 1, size=(10, 4)), rng(1).normal(0, 1, size=(8, 4))
    found = improvement(one, two, rng=rng())
    assert found.value == pytest.approx(np.mean([improvement(one[:, t], two[:, t]).value for t in range(4)]))
    back = improvement(two, one, rng=rng())
    assert (1 - back.high, 1 - back.low) == pytest.approx((found.low, found.high), abs=0.015)
    narrow = [improvement(one[:, t], two[:, t]) for t in range(4)]
    assert found.high - found.low < min(each.high - each.low for each in narrow)


def test_several_tasks_against_every_resample() -> None:
    one, two = np.array([[0.3, 0.1], [0.9, 0.2]]), np.array([[0.5, 0.1], [0.2, 0.3]])

    def share(task: int, mine: tuple[int, ...], theirs: tuple[int, ...]) -> float:
        pairs = [(one[i, task], two[j, task]) for i in mine for j in theirs]
        return float(np.mean([(x > y) + (x == y) / 2 for x, y in pairs]))

    draws = list(product(range(2), repeat=2))
    every = [(share(0, a, b) + share(1, c, d)) / 2 for a, b, c, d in product(draws, repeat=4)]
    found = improvement(one, two, 0.8, rng())
    for end, at in ((found.low, 0.1), (found.high, 0.9)):
        near = np.quantile(every, [at - 0.015, at + 0.015], method="inverted_cdf")
        assert near[0] - 1e-9 <= end <= near[1] + 1e-9


def test_tasks_without_spread_say_so() -> None:
    found = improvement(np.ones((3, 2)), np.zeros((3, 2)), rng=rng())
    assert (found.value, found.low, found.high, found.method) == (1, 1, 1, NO_SPREAD)


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        welch([0.1], [0.1, 0.2])
    with pytest.raises(ValueError, match="at least 2"):
        improvement([0.1, 0.2], [0.1])
    assert permutation([0.1], [0.2], rng()) == 1
    for test in (welch, improvement, lambda one, two: permutation(one, two, rng())):
        with pytest.raises(ValueError, match="not finite"):
            test([0.1, 0.2], [0.1, np.inf])
    with pytest.raises(ValueError, match="rng"):
        improvement(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="tasks 3 and 2"):
        improvement(np.eye(3), np.eye(3)[:, :2], rng=rng())
    with pytest.raises(ValueError, match="level"):
        improvement(ONE, TWO, 95)
