"""Scenarios: disjoint splits, nested and stratified labels, refusals of one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.core import Array
from paralab.datasets import bundled
from paralab.datasets.splits import Scenario, check, draw, stratified_order
from paralab.errors import Refused

PLAIN = Scenario(seed=0, labels=None, split="holdout", split_seed=None, select=False)
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
    with pytest.raises(Refused, match="2 rows of every class"):
        draw(np.array([0] * 20 + [1]), PLAIN)


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
