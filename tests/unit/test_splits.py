"""Scenarios: disjoint splits, nested and stratified labels, refusals of one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.core import Array
from paralab.datasets import bundled, parts
from paralab.datasets.splits import Marks, Rows, Scenario, check, draw, stratified_order
from paralab.errors import Refused
from tests.known import PLAIN

STRATA = st.lists(st.integers(8, 60), min_size=1, max_size=6).map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))
SEEDS = st.integers(0, 2**31)


@settings(max_examples=60, deadline=None)
@given(strata=STRATA, seed=SEEDS, beginning=st.floats(0, 1))
def test_every_beginning_of_an_order_is_stratified(strata: Array, seed: int, beginning: float) -> None:
    order = stratified_order(strata, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(strata)))
    size = round(beginning * len(strata))
    counts, sizes = np.bincount(strata[order[:size]], minlength=strata.max() + 1), np.bincount(strata)
    if size >= len(sizes):
        assert counts.min() >= 1
    # One row of each stratum goes first, so that a proportion may be off by as many rows as there are strata.
    assert np.all(np.abs(counts - sizes * size / len(strata)) <= len(sizes))


@settings(max_examples=60, deadline=None)
@given(strata=STRATA, seed=SEEDS, data=st.data())
def test_splits_are_disjoint_and_complete(strata: Array, seed: int, data: st.DataObject) -> None:
    labels, select = data.draw(st.none() | st.integers(1, 2 * len(strata))), data.draw(st.booleans())
    rows = draw(strata, replace(PLAIN, seed=seed, labels=labels, select=select))
    parts = np.concatenate([rows.train, rows.test, rows.valid])
    assert sorted(parts) == list(range(len(strata)))
    assert set(rows.labelled) <= set(rows.train)
    assert len(rows.test) == int(np.ceil(0.3 * len(strata)))
    wanted = len(strata) - len(rows.test) if labels is None else min(labels, len(strata) - len(rows.test))
    assert len(rows.labelled) + len(rows.valid) == wanted
    assert all(np.all(np.diff(part) > 0) for part in rows.named.values())


@settings(max_examples=60, deadline=None)
@given(strata=STRATA, seed=SEEDS, few=st.integers(1, 40), more=st.integers(0, 40), select=st.booleans())
def test_granted_rows_are_nested(strata: Array, seed: int, few: int, more: int, select: bool) -> None:
    scenario = replace(PLAIN, seed=seed, select=select)
    small, large = (draw(strata, replace(scenario, labels=labels)) for labels in (few, few + more))
    granted = [set(rows.labelled) | set(rows.valid) for rows in (small, large)]
    assert granted[0] <= granted[1]
    np.testing.assert_array_equal(small.test, large.test)
    if not select:
        assert set(small.labelled) <= set(large.labelled)


@pytest.mark.parametrize("labels", [20, 50, 100, 500, None])
def test_digits_show_every_class_in_proportion(labels: int | None) -> None:
    targets = bundled.digits().targets
    rows = draw(targets, replace(PLAIN, labels=labels))
    counts = np.bincount(targets[rows.labelled], minlength=10)
    assert counts.max() - counts.min() <= max(2, 0.06 * len(rows.labelled))
    assert len(rows.train) == 1257


def test_validation_is_a_fifth_of_the_labels_and_leaves_every_class() -> None:
    targets = bundled.digits().targets
    for labels in (50, 100, 503):
        rows = draw(targets, replace(PLAIN, labels=labels, select=True))
        assert len(rows.valid) == int(np.ceil(0.2 * labels))
        assert set(targets[rows.labelled]) == set(targets[rows.valid]) == set(range(10))


def test_the_split_follows_the_seed_unless_set() -> None:
    strata = np.repeat([0, 1], 50)
    free = [draw(strata, replace(PLAIN, seed=seed)) for seed in (1, 2)]
    fixed = [draw(strata, replace(PLAIN, seed=seed, split_seed=1, labels=10)) for seed in (1, 2)]
    assert not np.array_equal(free[0].test, free[1].test)
    np.testing.assert_array_equal(fixed[0].test, fixed[1].test)
    np.testing.assert_array_equal(fixed[0].test, free[0].test)
    assert not np.array_equal(fixed[0].labelled, fixed[1].labelled)


def test_split_all_shows_and_tests_every_row_without_labels() -> None:
    rows = draw(np.repeat([0, 1], 5), replace(PLAIN, split="all"))
    assert list(rows.train) == list(rows.test) == list(range(10))
    assert not len(rows.labelled)
    assert not len(rows.valid)


def test_a_class_of_one_row_cannot_be_split() -> None:
    for scenario in (PLAIN, replace(PLAIN, split="cv", fold=fold_of_last())):
        with pytest.raises(Refused, match="no row of class 'rare' to train on; it has to have 2 rows"):
            draw(LONELY, scenario, Marks(classes=("usual", "rare")))


LONELY = np.array([0] * 20 + [1])


def fold_of_last() -> int:
    from paralab.seeds import generator

    return int(parts.folds(LONELY, 5, generator(0, "split"))[-1])


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (replace(PLAIN, labels=0), "labels=0"),
        (replace(PLAIN, labels=-3), "labels=-3"),
        (replace(PLAIN, labels=71), "70 training rows"),
        (replace(PLAIN, labels=1), "2 classes"),
        (replace(PLAIN, labels=3, select=True), "2 labels"),
        (replace(PLAIN, labels=5, split="all"), "split=all"),
        (replace(PLAIN, select=True, split="all"), "split=all"),
    ],
)
def test_bad_scenarios_are_refused_in_one_line(scenario: Scenario, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        check(draw(np.repeat([0, 1], 50), scenario), scenario, classes=2)
    assert "\n" not in str(refused.value)


# --- the other splits -------------------------------------------------------------------------------------------------


@st.composite
def marked(draw_from: st.DrawFn) -> tuple[Array, Marks]:
    """Strata of 2 to 4 classes with groups, times (with ties) and a published test part."""
    count, kinds = draw_from(st.integers(24, 120)), draw_from(st.integers(1, 4))
    rng = np.random.default_rng(draw_from(st.integers(0, 2**20)))
    strata = rng.permutation(np.arange(count) % kinds)
    groups = rng.integers(draw_from(st.integers(4, 40)), size=count) * 7 - 3
    times = np.round(rng.normal(size=count) * draw_from(st.sampled_from([1, 5, 1000])))
    return strata, Marks(groups, times, np.sort(rng.choice(count, count // 4, replace=False)))


def drawn(strata: Array, scenario: Scenario, marks: Marks, *reasons: str) -> Rows | None:
    """The rows; None where they are refused for one of these reasons."""
    try:
        return draw(strata, scenario, marks)
    except Refused as refused:
        if any(reason in str(refused) for reason in reasons):
            return None
        raise


def is_parted(rows: Rows, count: int) -> bool:
    """Disjoint, labelled among the shown; and complete, where nothing is hidden."""
    together = np.concatenate([rows.train, rows.test, rows.valid])
    return len(set(together)) == len(together) <= count and set(rows.labelled) <= set(rows.train)


@settings(max_examples=60, deadline=None)
@given(strata=STRATA, seed=SEEDS, count=st.integers(2, 8), other=SEEDS)
def test_folds_are_disjoint_complete_and_stratified(strata: Array, seed: int, count: int, other: int) -> None:
    cv = replace(PLAIN, split="cv", split_seed=seed, folds=count, fold=0)
    parted = [draw(strata, replace(cv, fold=fold, seed=other)) for fold in range(count)]
    assert sorted(np.concatenate([rows.test for rows in parted])) == list(range(len(strata)))
    for rows in parted:
        assert is_parted(rows, len(strata))
        assert len(rows.train) + len(rows.test) == len(strata)
        assert abs(len(rows.test) - len(strata) / count) < 1
        assert np.all(np.abs(np.bincount(strata[rows.test]) - np.bincount(strata) / count) < 1)


@settings(max_examples=100, deadline=None)
@given(
    told=marked(), seed=SEEDS, share=st.floats(0.1, 0.6), labels=st.none() | st.integers(4, 60), select=st.booleans()
)
def test_groups_are_never_split(
    told: tuple[Array, Marks], seed: int, share: float, labels: int | None, select: bool
) -> None:
    strata, marks = told
    groups = marks.groups
    assert groups is not None
    scenario = replace(PLAIN, seed=seed, split="group", test_size=share, labels=labels, select=select)
    rows = drawn(strata, scenario, marks, "2 groups")  # or every group holds all there is of some class
    if rows is None:
        return
    assert is_parted(rows, len(strata))
    assert set(strata[rows.train]) == set(strata)
    sides = [set(groups[part]) for part in (rows.train, rows.test, rows.valid)]
    assert sum(map(len, sides)) == len(set.union(*sides))
    largest = np.bincount(np.unique(groups, return_inverse=True)[1]).max()
    assert abs(len(rows.test) - share * len(strata)) <= largest * max(strata + 1) + 1
    if not select:
        assert len(rows.train) + len(rows.test) == len(strata)
    assert_granted(strata, marks, scenario, rows)


def assert_granted(strata: Array, marks: Marks, scenario: Scenario, rows: Rows) -> None:
    """As many labels as asked for, among those of a larger budget, of the same test."""
    granted = set(rows.labelled) | set(rows.valid)
    rest = len(strata) - len(rows.test)
    assert len(granted) == (rest if scenario.labels is None else min(rest, scenario.labels))
    everything = draw(strata, replace(scenario, labels=len(granted) + 3), marks)
    assert granted <= set(everything.labelled) | set(everything.valid)
    np.testing.assert_array_equal(rows.test, everything.test)


@settings(max_examples=60, deadline=None)
@given(told=marked(), seed=SEEDS, count=st.integers(2, 4))
def test_folds_of_groups_hold_them_whole(told: tuple[Array, Marks], seed: int, count: int) -> None:
    strata, marks = np.zeros_like(told[0]), told[1]
    groups = marks.groups
    assert groups is not None
    cv = replace(PLAIN, split="cv", seed=seed, folds=count, fold=0)
    tests = [draw(strata, replace(cv, fold=fold), marks).test for fold in range(count)]
    assert sorted(np.concatenate(tests)) == list(range(len(strata)))
    assert sum(len(set(groups[test])) for test in tests) == len(set(groups))
    largest = np.bincount(np.unique(groups, return_inverse=True)[1]).max()
    assert max(map(len, tests)) - min(map(len, tests)) <= largest


@settings(max_examples=100, deadline=None)
@given(
    told=marked(), seed=SEEDS, share=st.floats(0.1, 0.6), labels=st.none() | st.integers(4, 60), select=st.booleans()
)
def test_nothing_of_the_future_is_shown(
    told: tuple[Array, Marks], seed: int, share: float, labels: int | None, select: bool
) -> None:
    strata, marks = told
    times = marks.times
    assert times is not None
    scenario = replace(PLAIN, seed=seed, split="time", test_size=share, labels=labels, select=select)
    rows = drawn(strata, scenario, marks, "one time", "class number")
    if rows is None:
        return
    assert is_parted(rows, len(strata))
    assert times[rows.train].max() < times[rows.test].min()
    if len(rows.valid):
        assert times[rows.train].max() < times[rows.valid].min() <= times[rows.valid].max() < times[rows.test].min()
    ties = np.unique(times, return_counts=True)[1].max()
    assert abs(len(rows.test) - share * len(strata)) <= ties + 1
    if not select:
        assert len(rows.train) + len(rows.test) == len(strata)
    assert_granted(strata, marks, scenario, rows)
    again = draw(strata, replace(scenario, split_seed=seed + 1), marks)
    np.testing.assert_array_equal(rows.test, again.test)


@settings(max_examples=40, deadline=None)
@given(told=marked(), seed=SEEDS, select=st.booleans())
def test_official_rows_are_tested_on_exactly(told: tuple[Array, Marks], seed: int, select: bool) -> None:
    strata, marks = np.zeros_like(told[0]), told[1]
    rows = draw(strata, replace(PLAIN, seed=seed, split="official", select=select), marks)
    np.testing.assert_array_equal(rows.test, marks.official)
    assert is_parted(rows, len(strata))
    plain = draw(strata, replace(PLAIN, seed=seed, split="official"), replace(marks, groups=None))
    assert len(plain.train) + len(plain.test) == len(strata)


def test_groups_differ_between_seeds_and_hold_their_share_of_rows_and_classes() -> None:
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(200), 5))
    strata = (groups % 10 == 0).astype(int)  # a tenth of the groups are of the rare class
    tests = [draw(strata, replace(PLAIN, seed=seed, split="group"), Marks(groups)).test for seed in range(8)]
    assert len({test.tobytes() for test in tests}) == 8
    for test in tests:
        assert abs(len(test) - 300) <= 10
        assert abs(strata[test].sum() - 30) <= 5


def test_two_groups_are_one_to_show_and_one_to_test_on() -> None:
    groups = np.repeat([5, 9], [30, 10])
    rows = draw(np.zeros(40, int), replace(PLAIN, split="group"), Marks(groups))
    assert set(groups[rows.test]) == {9}


def test_times_of_many_rows_are_on_the_side_that_brings_the_share_nearer() -> None:
    assert parts.latest(np.repeat([0.0, 1.0], [8, 2]), 0.3).tolist() == [False] * 8 + [True] * 2  # not all ten
    assert parts.latest(np.repeat([0.0, 1.0, 2.0], [3, 6, 1]), 0.2).tolist() == [False] * 9 + [True]  # not seven
    assert parts.latest(np.repeat([0.0, 1.0, 2.0], [6, 3, 1]), 0.3).tolist() == [False] * 6 + [True] * 4


@pytest.mark.parametrize("changes", [{"split": "cv", "fold": 1, "folds": 4}, {"split": "official"}])
def test_validation_takes_whole_groups_wherever_there_are_groups(changes: dict[str, object]) -> None:
    groups, strata = np.arange(80) // 4, np.arange(80) % 2
    marks = Marks(groups, official=np.arange(60, 80))
    rows = draw(strata, replace(PLAIN, select=True, **changes), marks)  # type: ignore[arg-type]
    assert len(rows.valid)
    assert not set(groups[rows.valid]) & {*groups[rows.train], *groups[rows.labelled]}


def test_a_share_of_the_rows_is_what_was_asked_for() -> None:
    strata = np.repeat([0, 1], 50)
    assert [len(draw(strata, replace(PLAIN, test_size=share)).test) for share in (0.01, 0.1, 0.5, 0.9)] == [
        1, 10, 50, 90,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"test_size": 0.0}, "test_size=0.0: a share of the rows, above 0 and below 1"),
        ({"test_size": 1.0}, "test_size=1.0"),
        ({"test_size": float("nan")}, "test_size=nan"),
        ({"folds": 1}, "folds=1: at least 2"),
        ({"split": "cv"}, "add fold=0, or all of them by 'fold=range"),
        ({"split": "cv", "fold": 5}, "fold=5: folds=5 are numbered 0 to 4"),
        ({"split": "cv", "fold": -1}, "fold=-1: folds=5 are numbered 0 to 4"),
        ({"fold": 1}, "fold=1 is of split=cv, not of split=holdout: add split=cv"),
    ],
)
def test_numbers_out_of_range_are_no_scenario(changes: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        replace(PLAIN, **changes)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "marks", "said"),
    [
        ({"split": "official"}, Marks(), "names no rows to be tested on: set split=holdout"),
        ({"split": "official"}, Marks(official=np.arange(0)), "names no rows to be tested on"),
        ({"split": "official"}, Marks(official=np.arange(12)), "tests on all 12 rows and leaves none"),
        ({"split": "group"}, Marks(), "problem.group=COLUMN"),
        ({"split": "group"}, Marks(groups=np.zeros(12, int)), "2 groups"),
        ({"split": "group"}, Marks(groups=np.arange(12) % 2), "2 groups, of a class at least"),
        ({"split": "time"}, Marks(), "problem.time=COLUMN"),
        ({"split": "time"}, Marks(times=np.zeros(12)), "all rows are of one time"),
        ({"split": "time"}, Marks(times=np.append(np.arange(11.0), np.nan)), "1 rows have no time, first row 11"),
        ({"split": "time"}, Marks(times=np.tile([0.0, 1.0], 6)), "leaves no row of class number 1"),
        ({"split": "cv", "fold": 0, "folds": 13}, Marks(), "folds=13 is more than the 12 rows"),
        ({"split": "cv", "fold": 0, "folds": 3}, Marks(groups=np.arange(12) // 6), "there are 2: lower folds"),
        ({"test_size": 0.99}, Marks(), "leaves none to train on: give more rows"),
        ({"split": "group", "select": True}, Marks(groups=np.arange(12) // 4 * 2 + np.arange(12) % 2), None),
    ],
)
def test_what_the_rows_cannot_give_is_refused(changes: dict[str, object], marks: Marks, said: str | None) -> None:
    strata, scenario = np.arange(12) % 2, replace(PLAIN, **changes)  # type: ignore[arg-type]
    if said is None:
        draw(strata, scenario, marks)
        return
    with pytest.raises(Refused, match=said) as refused:
        draw(strata, scenario, marks)
    assert "\n" not in str(refused.value)


def test_validation_that_cannot_imitate_the_test_is_refused() -> None:
    strata = np.zeros(20, int)
    late, whole = Marks(times=np.arange(20.0) // 10), Marks(groups=np.arange(20) // 10)
    for split, marks, said in (("time", late, "of 2 times"), ("group", whole, "in 2 groups")):
        scenario = replace(PLAIN, split=split, select=True)  # type: ignore[arg-type]
        with pytest.raises(Refused, match=said):
            check(draw(strata, scenario, marks), scenario, 0)
