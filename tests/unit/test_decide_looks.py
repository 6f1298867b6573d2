"""What the rule alone does to differences: how often it is wrong, and that looking more often changes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from paralab.compare.decide import differences_of
from paralab.compare.looks import look
from paralab.statistics.paired import corrected_t, mean_difference
from paralab.statistics.spending import nominal

RUNS = 1_200
SIX = (6, 10, 14, 18, 22, 26)  # six looks, as in the protocol's warning
RATIO = 0.3 / 0.7

values = st.floats(-1, 1, allow_nan=False, width=32)


def false_answers(
    looks: tuple[int, ...], ratio: float | None, shared: float = 0.0, runs: int = RUNS
) -> tuple[float, float]:
    """How often "yes", and how often an answer that was shown either way, where the truth is at_least itself.

    All seeds are there: whoever peeked on the way has seen no other answer, as a property below holds.
    """
    rng = np.random.default_rng(4)
    yes = either = 0
    for _ in range(runs):
        d = 0.02 + rng.normal(size=looks[-1]) * math.sqrt(1 - shared) + rng.normal() * math.sqrt(shared)
        seen = look(d, looks, 0.05, 0.02, ratio)
        assert seen is not None
        yes += seen.answer == "yes"
        either += seen.shown
    return yes / runs, either / runs


def check_level(looks: tuple[int, ...], runs: int, least: float, most: float) -> None:
    yes, either = false_answers(looks, None, runs=runs)
    assert least <= either <= most
    assert yes <= most / 2 + 0.005


@pytest.mark.parametrize("looks", [(10, 20), SIX])
def test_equal_methods_are_told_apart_in_five_of_a_hundred_however_often_one_looks(looks: tuple[int, ...]) -> None:
    check_level(looks, RUNS, 0.03, 0.07)  # .05 within three errors of 1,200 simulations


@pytest.mark.slow
@pytest.mark.parametrize("looks", [(6,), (20,), (10, 20), (6, 30), SIX])
def test_the_level_holds_within_a_hundredth(looks: tuple[int, ...]) -> None:
    check_level(looks, 10_000, 0.043, 0.06)


@pytest.mark.parametrize(("ratio", "least", "most"), [(RATIO, 0.0, 0.06), (None, 0.2, 1.0)])
def test_overlapping_splits_are_no_excuse(ratio: float | None, least: float, most: float) -> None:
    """Differences of resampled splits share what their rows share: a plain t tells equal methods apart too often."""
    shared = RATIO / (1 + RATIO)  # what the corrected t assumes
    assert least <= false_answers((10, 20), ratio, shared, runs=600)[1] <= most


def test_the_same_peeking_without_a_rule_is_wrong_three_times_as_often() -> None:
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(600):
        d = rng.normal(size=SIX[-1])
        intervals = [mean_difference(d[:n]) for n in SIX]
        wrong += any(each.low > 0 or each.high < 0 for each in intervals)
    assert wrong / 600 >= 0.12


@given(
    arrays(np.float64, st.integers(0, 40), elements=values),
    st.sampled_from([(30,), (10, 20, 30), (6, 7, 30)]),
    values,
    st.sampled_from([None, RATIO]),
)
def test_an_answer_once_given_stays_and_between_looks_nothing_changes(
    d: NDArray[np.float64], looks: tuple[int, ...], at_least: float, ratio: float | None
) -> None:
    seen = [look(d[:n], looks, 0.05, at_least, ratio) for n in range(len(d) + 1)]
    for n, now in enumerate(seen):
        assert (now is None) == (n < looks[0])
        reached = max((each for each in looks if each <= n), default=0)
        assert now == seen[reached]
        if now is not None and now.answer != "not yet":
            assert all(later == now for later in seen[n:])
        if n >= looks[-1]:
            assert now is not None
            assert now.answer != "not yet"


@given(arrays(np.float64, st.integers(6, 20), elements=values), values)
def test_yes_and_no_are_what_the_interval_says(d: NDArray[np.float64], at_least: float) -> None:
    seen = look(d, (len(d),), 0.05, at_least)
    assert seen is not None
    assert seen.effect == mean_difference(d, 1 - 0.05) or abs(seen.effect.level - 0.95) < 1e-6
    if seen.answer == "yes":
        assert seen.effect.low > at_least
    assert seen.shown == (seen.answer == "yes" or seen.effect.high < at_least) or seen.effect.low == seen.effect.high


@pytest.mark.parametrize(("copies", "answer"), [(True, "no"), (False, "yes")])
def test_one_run_repeated_is_no_evidence(copies: bool, answer: str) -> None:
    seen = look(np.full(10, 0.1), (10,), 0.05, 0.0, None, copies)
    assert seen is not None
    assert (seen.answer, seen.shown) == (answer, answer == "yes")
    assert look(np.zeros(10), (10,), 0.05, 0.0) == look(np.zeros(10), (10,), 0.05, 0.0, None, True)


pairs = st.lists(st.tuples(values, values), min_size=1, max_size=12)


@given(pairs, st.data(), st.one_of(st.just(math.inf), values), values)
def test_a_failed_run_is_never_for_the_candidate(
    scores: list[tuple[float, float]], data: st.DataObject, floor: float, at_least: float
) -> None:
    lost = data.draw(
        st.lists(st.sampled_from(["", "one", "other", "both"]), min_size=len(scores), max_size=len(scores))
    )
    given_ = [
        (math.nan if each in ("one", "both") else one, math.nan if each in ("other", "both") else other)
        for each, (one, other) in zip(lost, scores, strict=True)
    ]
    d = differences_of(given_, floor, at_least)
    whole = [one - other for each, (one, other) in zip(lost, scores, strict=True) if not each]
    assert np.isfinite(d).all()
    for each, difference, (one, other) in zip(lost, d, scores, strict=True):
        if each:
            assert difference <= min([0.0, at_least, *whole])
        else:
            assert difference == one - other


def test_a_candidate_that_fails_every_other_time_is_not_better() -> None:
    good = [(0.95 + seed / 1000, 0.90) for seed in range(20)]
    assert getattr(look(differences_of(good, 0.1, 0.0), (20,), 0.05, 0.0), "answer", "") == "yes"
    half = [(math.nan, other) if seed % 2 else (one, other) for seed, (one, other) in enumerate(good)]
    assert getattr(look(differences_of(half, 0.1, 0.0), (20,), 0.05, 0.0), "answer", "") == "no"


@pytest.mark.parametrize("ratio", [None, RATIO])
def test_each_look_has_the_interval_of_its_own_level(ratio: float | None) -> None:
    levels = [1 - level for level in nominal(0.05, [0.5, 1.0])]
    d = np.random.default_rng(1).normal(0.0, 0.1, 20)
    for seeds, level in zip((10, 20), levels, strict=True):
        seen = look(d[:seeds], (10, 20), 0.05, 0.0, ratio)
        assert seen is not None
        assert seen.effect.level == pytest.approx(level)
        wide = mean_difference(d[:seeds], level) if ratio is None else corrected_t(d[:seeds], ratio, level)[0]
        assert (seen.effect.low, seen.effect.high) == pytest.approx((wide.low, wide.high))


def test_signs_alone_answer_only_where_their_own_p_is_small_enough() -> None:
    """Six differences that are all the same: by their signs p = 2 / 64."""
    for alpha, shown in ((0.032, True), (0.031, False)):
        seen = look(np.full(6, 0.1), (6,), alpha, 0.0)
        assert seen is not None
        assert seen.shown == shown


def test_a_candidate_that_failed_counts_as_the_worst_score_or_the_floor() -> None:
    pairs = [(0.9, 0.8), (0.7, 0.6), (math.nan, 0.8)]
    assert differences_of(pairs, math.inf, 0.0) == pytest.approx([0.1, 0.1, 0.6 - 0.8])
    assert differences_of(pairs, 0.1, 0.0) == pytest.approx([0.1, 0.1, 0.1 - 0.8])
    assert differences_of([(0.9, 0.8), (0.7, math.nan)], 0.1, 0.0) == pytest.approx([0.1, 0.0])
