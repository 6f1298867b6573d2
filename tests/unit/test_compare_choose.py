"""The choice of the test follows protocol.md's table, and its guards hold."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paralab.compare.choose import Asked, compared
from paralab.compare.compare import compare
from paralab.compare.result import Comparison, Place, Standing
from paralab.compare.told import coverage
from paralab.compare.units import Kind, Units
from paralab.errors import Refused
from paralab.record.read import runs
from paralab.seeds import TUNING
from paralab.statistics import bayes, power
from paralab.statistics.summary import summary
from tests.unit.fake_runs import write_run

PLACE = Place("digits", "holdout", "test/accuracy")
SAME = (("rows", ""), ("rows", ""))


def two(one: Sequence[float], other: Sequence[float], kind: Kind = "splits", ratio: float | None = 0.43) -> Units:
    scores = np.array([one, other]).T
    return Units(("one", "other"), tuple(range(len(one))), scores, kind, ratio, "a new split", SAME)


def drawn(n: int, apart: float = 0.02, seed: int = 0) -> tuple[list[float], list[float]]:
    generator = np.random.default_rng(seed)
    base = generator.normal(0.8, 0.03, n)
    return (base + apart + generator.normal(0, 0.01, n)).tolist(), base.tolist()


def test_splits_take_the_corrected_t() -> None:
    one, other = drawn(10)
    pair = compared(PLACE, None, two(one, other), 0, 1, Asked())
    d = np.array(one) - np.array(other)
    error = d.std(ddof=1) * (1 / 10 + 0.43) ** 0.5
    assert pair.p == pytest.approx(2 * stats.t.sf(abs(d.mean()) / error, 9))
    assert pair.effect.high - pair.effect.low == pytest.approx(2 * stats.t.ppf(0.975, 9) * error)
    assert "corrected" in pair.test
    assert ".43" in pair.why
    assert pair.about == "a new split"
    assert pair.improvement is not None
    assert pair.detectable is not None
    naive = compared(PLACE, None, two(one, other, "fixed test", None), 0, 1, Asked())
    assert naive.detectable is not None
    assert naive.detectable < pair.detectable


def test_folds_measure_the_variance_and_a_seed_is_the_unit() -> None:
    generator = np.random.default_rng(3)
    folds = generator.normal(0.8, 0.02, (2, 6, 5))
    units = Units(("one", "other"), tuple(range(6)), folds.mean(axis=2).T, "folds", 0.3125, "new folds", SAME,
                  tuple({seed: tuple(of[seed]) for seed in range(6)} for of in folds))  # fmt: skip
    pair = compared(PLACE, None, units, 0, 1, Asked())
    d = (folds[0] - folds[1]).ravel()
    error = d.std(ddof=1) * (1 / 30 + 0.3125) ** 0.5
    assert pair.n == 6
    assert pair.p == pytest.approx(2 * stats.t.sf(abs(d.mean()) / error, 29))
    assert pair.effect.value == pytest.approx(folds[0].mean() - folds[1].mean())
    assert "a seed one unit" in pair.why


@pytest.mark.parametrize("kind", ["fixed test", "independent"])
def test_matched_seeds_that_share_nothing_else_take_sign_flips(kind: Kind) -> None:
    one, other = drawn(8)
    pair = compared(PLACE, None, two(one, other, kind, None), 0, 1, Asked())
    d = np.array(one) - np.array(other)
    flipped = [abs((d * (1 - 2 * (np.array([int(b) for b in f"{i:08b}"])))).mean()) for i in range(256)]
    assert pair.p == pytest.approx(np.mean([value >= abs(d.mean()) - 1e-12 for value in flipped]))
    assert pair.effect.low == pytest.approx(stats.ttest_1samp(d, 0).confidence_interval().low)
    assert "sign-flip" in pair.test


def test_unmatched_seeds_are_two_groups() -> None:
    one, other = drawn(14)
    scores = np.full((14, 2), np.nan)
    scores[:7, 0], scores[7:, 1] = one[:7], other[7:]
    units = Units(("one", "other"), tuple(range(14)), scores, "splits", 0.43, "a new split", SAME)
    pair = compared(PLACE, None, units, 0, 1, Asked())
    assert (pair.n, pair.test) == (7, "permutation, Welch t interval")
    assert pair.effect.value == pytest.approx(np.mean(one[:7]) - np.mean(other[7:]))
    assert pair.iqm is not None
    assert pair.improvement is not None
    with pytest.raises(Refused, match="14 seeds are of one alone, such as 0 of one"):
        compared(PLACE, None, units, 0, 1, Asked(paired=True))


def test_other_rows_are_two_groups_though_seeds_are_equal() -> None:
    one, other = drawn(8)
    units = Units(("one", "other"), tuple(range(8)), np.array([one, other]).T, "splits", 0.43, "x",
                  (("rows", ""), ("others", "")))  # fmt: skip
    pair = compared(PLACE, None, units, 0, 1, Asked())
    assert "different rows" in pair.why
    assert "Welch" in pair.test
    with pytest.raises(Refused, match="tested on different rows"):
        compared(PLACE, None, units, 0, 1, Asked(paired=True))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_under_six_seeds_there_is_no_p(n: int) -> None:
    for kind, ratio in (("splits", 0.43), ("independent", None)):
        pair = compared(PLACE, None, two(*drawn(n), kind, ratio), 0, 1, Asked(rope=0.01))  # type: ignore[arg-type]
        assert (pair.p, pair.test, pair.beliefs) == (None, "descriptive only", None)
        assert pair.why.startswith(f"{n} seeds, a test needs 6")


def test_few_seeds_that_match_are_still_pairs() -> None:
    one, other = drawn(3)
    pair = compared(PLACE, None, two(one, other, "fixed test", None), 0, 1, Asked())
    wide = stats.ttest_1samp(np.array(one) - np.array(other), 0).confidence_interval()
    assert (pair.effect.low, pair.effect.high) == pytest.approx((wide.low, wide.high))
    assert "seed by seed" in pair.why


def test_equal_methods_are_equal() -> None:
    one, _ = drawn(10)
    pair = compared(PLACE, None, two(one, one), 0, 1, Asked())
    assert (pair.p, pair.effect.value, pair.detectable, pair.more_seeds) == (1.0, 0.0, None, None)


def test_more_seeds_are_those_that_find_the_effect() -> None:
    pair = compared(PLACE, None, two(*drawn(8, apart=0.005), "fixed test", None), 0, 1, Asked())
    assert pair.detectable is not None
    assert (pair.more_seeds == 0) == (pair.detectable <= abs(pair.effect.value))


def test_what_is_said_of_splits_takes_their_overlap_in(tmp_path: Path) -> None:
    """Probabilities and seeds to come are of the corrected variance, as the interval is."""
    one, other = drawn(10)
    d = np.array(one) - np.array(other)
    pair = compared(PLACE, None, two(one, other), 0, 1, Asked(rope=0.01))
    assert pair.beliefs == bayes.correlated_t(d, 0.43, 0.01)
    assert pair.beliefs != bayes.correlated_t(d, 0.0, 0.01)
    needed = power.seeds_needed(d.std(ddof=1), d.mean(), ratio=0.43)
    assert pair.more_seeds == (None if needed is None else max(0, needed - 10))
    assert needed != power.seeds_needed(d.std(ddof=1), d.mean())


def test_more_seeds_of_folds_are_seeds_and_not_folds() -> None:
    folds = np.random.default_rng(3).normal(0.0, 0.02, (6, 5)) + 0.01
    by_seed = ({seed: tuple(folds[seed]) for seed in range(6)}, dict.fromkeys(range(6), (0.0,) * 5))
    units = Units(("one", "other"), tuple(range(6)), np.array([folds.mean(axis=1), np.zeros(6)]).T, "folds", 0.01,
                  "new folds", SAME, by_seed)  # fmt: skip
    needed = power.seeds_needed(folds.ravel().std(ddof=1), folds.mean(), ratio=0.01)
    assert needed is not None
    assert compared(PLACE, None, units, 0, 1, Asked()).more_seeds == max(0, math.ceil(needed / 5) - 6)


def test_a_rope_gives_three_probabilities() -> None:
    pair = compared(PLACE, None, two(*drawn(10, apart=0.05)), 0, 1, Asked(rope=0.01))
    assert pair.beliefs is not None
    assert pair.beliefs.left + pair.beliefs.rope + pair.beliefs.right == pytest.approx(1)
    assert pair.beliefs.right > 0.9


@given(st.integers(6, 12), st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_the_answer_turns_with_the_question(n: int, seed: int, scale: float, shift: float) -> None:
    """Swapped, only the sign changes; another unit or origin leaves p alone."""
    one, other = drawn(n, seed=seed)
    there = compared(PLACE, None, two(one, other), 0, 1, Asked())
    back = compared(PLACE, None, two(one, other), 1, 0, Asked())
    assert back.effect.value == pytest.approx(-there.effect.value)
    assert back.p == pytest.approx(there.p)
    assert back.detectable == pytest.approx(there.detectable)
    moved, stayed = ([scale * value + shift for value in column] for column in (one, other))
    assert compared(PLACE, None, two(moved, stayed), 0, 1, Asked()).p == pytest.approx(there.p, rel=1e-4)


def three(root: Path, seeds: int = 8, labels: Sequence[int | None] = (None,), problem: str = "digits") -> None:
    generator = np.random.default_rng(seeds)
    for at, trainer in enumerate(("supervised/logistic", "supervised/forest", "unsupervised/kmeans")):
        for budget in labels:
            for seed in range(seeds):
                score = 0.9 - 0.01 * at + 0.005 * generator.normal()
                write_run(root, trainer, seed=seed, labels=budget, score=score, problem=problem)


def test_holm_runs_over_pairs_and_budgets(tmp_path: Path) -> None:
    three(tmp_path, labels=(20, 50))
    found = compare(runs(tmp_path))
    assert len(found.pairs) == 6
    p = sorted(pair.p for pair in found.pairs if pair.p is not None)
    smallest = min(found.pairs, key=lambda pair: pair.p or 1)
    assert smallest.adjusted == pytest.approx(min(1, 6 * p[0]))
    assert all(pair.adjusted is not None and pair.p is not None and pair.adjusted >= pair.p for pair in found.pairs)


def test_against_a_baseline_everyone_else_is_set(tmp_path: Path) -> None:
    three(tmp_path)
    found = compare(runs(tmp_path), against="supervised/forest")
    assert [(pair.one, pair.other) for pair in found.pairs] == [("logistic", "forest"), ("kmeans", "forest")]
    assert found.pairs[0].effect.value > 0 > found.pairs[1].effect.value


def test_better_comes_first_in_standings_and_pairs(tmp_path: Path) -> None:
    three(tmp_path)
    found = compare(runs(tmp_path))
    assert [row.method for row in found.standings if row.kind == "ours"] == ["logistic", "forest", "kmeans"]
    assert all(pair.effect.value >= 0 for pair in found.pairs)


def test_a_comparison_is_the_same_twice(tmp_path: Path) -> None:
    three(tmp_path, seeds=7)
    write_run(tmp_path, "supervised/mlp", seed=90)
    write_run(tmp_path, "supervised/mlp", seed=91)
    assert compare(runs(tmp_path), rope=0.01) == compare(list(reversed(runs(tmp_path))), rope=0.01)


def refused(make: Callable[[], Comparison], said: str) -> None:
    with pytest.raises(Refused, match=said):
        make()


def test_guards_of_the_whole(tmp_path: Path) -> None:
    three(tmp_path, seeds=2)
    found = runs(tmp_path)
    refused(lambda: compare(found, against="forrest"), "no such method. Did you mean 'forest'")
    refused(lambda: compare(found, metric="cost/seconds"), "less of them is better")
    refused(lambda: compare(found, metric="valid/accuracy"), "chosen by it")
    refused(lambda: compare(found, metric="test/accuracy,test/return"), "never averaged")
    refused(lambda: compare(found, metric="acuracy"), "Did you mean 'accuracy'")
    refused(lambda: compare(found, budget=20), "Known: all")
    refused(lambda: compare(found, by="labels", budget="all"), "leave out --budget")
    refused(lambda: compare(found, by="fold"), "neither methods nor data sets")
    refused(lambda: compare([]), "no run")


def test_a_tuners_trials_are_never_reported(tmp_path: Path) -> None:
    write_run(tmp_path, seed=TUNING, score=0.99)
    refused(lambda: compare(runs(tmp_path)), "what was chosen on a seed is not reported on it")
    write_run(tmp_path, seed=0, score=0.5)
    found = compare(runs(tmp_path))
    assert [row.mean.mean for row in found.standings if row.kind == "ours"] == [0.5]
    assert any("1 runs of a tuner are left out" in note for note in found.notes)


def test_what_failed_is_counted_and_said(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, seed=seed)
    write_run(tmp_path, seed=3, score=None, status="failed", error="boom")
    write_run(tmp_path, seed=4, score=0.1, status="diverged")
    write_run(tmp_path, seed=5, score=None, status="interrupted")
    found = compare(runs(tmp_path))
    (row,) = found.standings
    assert (row.n, row.lost) == (3, 2)
    assert any(note.startswith("2 runs failed or diverged and are in no mean") for note in found.notes)
    assert "Not compared: 1 interrupted." in found.notes


def test_a_method_of_which_no_run_finished_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, seed=0)
    write_run(tmp_path, seed=1, score=None, status="failed", error="boom")
    gone = write_run(tmp_path, "supervised/forest", seed=0, score=None, status="diverged")
    line = f"In no table, for no run of theirs finished: digits supervised/forest {gone.parent.name}."
    assert line in compare(runs(tmp_path)).notes


def test_the_truth_told_to_a_clusterer_is_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "unsupervised/kmeans", settings={"clusters": 10})
    np.savez(folder / "predictions.npz", truth=np.arange(50) % 10, cluster=np.zeros(50, int))
    assert "kmeans is told k = 10, the true number of classes." in compare(runs(tmp_path)).notes


def bounded(folder: Path, floor: float, ceiling: float) -> None:
    record = json.loads((folder / "record.json").read_text())
    record["bounds"] = {"floor": {"value": floor, "source": "a"}, "ceiling": {"value": ceiling, "source": "b"}}
    (folder / "record.json").write_text(json.dumps(record))


def test_bounds_give_normalised_scores_and_rows_of_their_own(tmp_path: Path) -> None:
    bounded(write_run(tmp_path, score=0.75, problem="p", more={"test/ari": 0.3}), 0.5, 0.7)
    rows = {row.kind: row for row in compare(runs(tmp_path)).standings}
    assert rows["ours"].normalised == pytest.approx(1.25)
    assert (rows["ceiling"].normalised, rows["floor"].mean.mean, rows["floor"].source) == (1.0, 0.5, "a")
    (other,) = compare(runs(tmp_path), metric="ari").standings
    assert other.normalised is None


def many_problems(root: Path, count: int, methods: int = 3, objective: str = "accuracy") -> None:
    trainers = ("supervised/logistic", "supervised/forest", "unsupervised/kmeans")[:methods]
    generator = np.random.default_rng(1)
    for number in range(count):
        for at, trainer in enumerate(trainers):
            for seed in range(3):
                score = 0.5 + 0.04 * number - 0.1 * at + 0.001 * generator.normal()
                folder = write_run(root, trainer, seed=seed, problem=f"p{number}", objective=objective, score=score)
                bounded(folder, 0.0, 1.0)


def test_many_data_sets_are_ranked_by_their_means(tmp_path: Path) -> None:
    many_problems(tmp_path, 8)
    found = compare(runs(tmp_path)).across
    assert found is not None
    assert found.friedman_p is not None
    assert (found.methods, found.ranks) == (("logistic", "forest", "kmeans"), (1.0, 2.0, 3.0))
    assert found.friedman_p == pytest.approx(stats.friedmanchisquare([3] * 8, [2] * 8, [1] * 8).pvalue)
    assert [pair.adjusted for pair in found.pairs] == pytest.approx([3 * 2 / 2**8] * 3)  # exact signed ranks, Holm
    assert (found.cliques, [pair.wins for pair in found.pairs]) == ((), [8, 8, 8])
    assert [each.method for each in found.aggregates] == ["logistic", "forest", "kmeans"]
    assert found.aggregates[0].iqm.low <= found.aggregates[0].iqm.value <= found.aggregates[0].iqm.high
    assert found.aggregates[0].gap.value == pytest.approx(1 - found.aggregates[0].mean.value)


def test_few_data_sets_are_described_only(tmp_path: Path) -> None:
    many_problems(tmp_path, 5)
    found = compare(runs(tmp_path)).across
    assert found is not None
    assert (found.friedman_p, found.cliques, {pair.adjusted for pair in found.pairs}) == (None, (), {None})
    assert any("descriptive only" in note for note in found.notes)


def test_two_methods_on_many_data_sets_take_signed_ranks(tmp_path: Path) -> None:
    many_problems(tmp_path, 7, methods=2)
    found = compare(runs(tmp_path), rope=0.01).across
    assert found is not None
    assert found.friedman_p is None
    (pair,) = found.pairs
    assert pair.adjusted == pytest.approx(2 / 2**7)
    assert pair.beliefs is not None
    assert pair.beliefs.right > 0.9


def test_a_return_is_never_ranked_with_an_accuracy(tmp_path: Path) -> None:
    many_problems(tmp_path, 3)
    write_run(tmp_path, problem="cartpole", objective="return", score=400.0)
    write_run(tmp_path, "supervised/forest", problem="cartpole", objective="return", score=500.0)
    found = compare(runs(tmp_path))
    assert found.across is not None
    assert found.across.datasets == ("p0", "p1", "p2")
    assert any("never mixed with test/return" in note for note in found.across.notes)
    assert {(place.problem, place.metric) for place in found.places} >= {("cartpole", "test/return")}


def test_the_area_is_of_seeds_with_every_budget(tmp_path: Path) -> None:
    for labels in (10, 100):
        for seed in range(3 if labels == 10 else 2):
            write_run(tmp_path, labels=labels, seed=seed, score=0.6 if labels == 10 else 0.8)
    (area,) = compare(runs(tmp_path)).areas
    assert (area.area.n, area.budgets) == (2, (10, 100))
    assert area.area.mean == pytest.approx(0.7)


def test_an_interval_of_fewer_seeds_than_simulations_ask_for_is_told() -> None:
    def notes(n: int, metric: str = "test/accuracy") -> str:
        place = Place("digits", "holdout", metric)
        rows = [Standing(place, None, "one", "supervised", n, summary([0.1 * k for k in range(n)]))]
        pair = compared(place, None, two(*drawn(n), "fixed test", None), 0, 1, Asked())
        return " ".join(coverage(rows, [pair]))

    assert "'t of one mean' is optimistic under 20 seeds" in notes(10)
    assert "'t'" not in notes(10)
    assert "'t' is optimistic under 20 seeds" in notes(10, "test/return")
    assert notes(20) == notes(20, "test/return") == ""
