"""The figures of a report: there where runs hold what they show, the same bytes each time, small, and said in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from paralab.compare.gather import Block, blocks
from paralab.record.read import runs
from paralab.report.figure import STYLE, painted, saved, smaller
from paralab.report.figures import confusion, efficiency, histories, learning, legend, looks, residuals, settings
from paralab.report.figures.drawn import Drawn, across, drawn, of_run
from tests.unit.fake_runs import write_run

MOST_BYTES = 130_000


def block_of(root: Path, experiment: str = "demo") -> Block:
    (block,) = blocks(runs(root, experiment))
    return block


def write_history(folder: Path, rows: Sequence[dict[str, float]]) -> None:
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def rising(seed: int, snapshots: int = 12) -> list[dict[str, float]]:
    return [
        {"step": 10.0 * i, "seconds": 0.5 * i, "train/return": i + seed, "train/length": 2.0 * i}
        for i in range(1, snapshots + 1)
    ]


def write_methods(root: Path, count: int) -> None:
    """Methods at two budgets, three seeds each, with histories and answers."""
    truth = np.arange(60) % 4
    for place in range(count):
        trainer = f"{('supervised', 'unsupervised', 'reinforcement')[place % 3]}/method_with_a_name_{place}"
        for labels in (20, 200):
            for seed in range(3):
                folder = write_run(
                    root, trainer, seed=seed, labels=labels, score=0.5 + place / 40 + seed / 100 + labels / 4000,
                    more={"cost/bits": labels * (1.0 if place % 3 == 2 else 2.0)},
                )  # fmt: skip
                if labels == 200:
                    write_history(folder, rising(seed))
                answers = {"cluster": (truth + 1) % 4} if place % 3 == 1 else {}
                answers["label"] = np.roll(truth, place)
                np.savez(folder / "predictions.npz", rows=np.arange(60), truth=truth, **answers)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small")
    write_methods(place, 3)
    return place


@pytest.fixture(scope="module")
def figures(root: Path) -> dict[str, Drawn]:
    return {each.stem: each for each in drawn(block_of(root))}


def test_every_figure_that_the_runs_can_fill(figures: dict[str, Drawn]) -> None:
    assert list(figures) == [
        "label_efficiency", "label_efficiency_bits", "performance_profile", "improvement", "learning_train_return",
        "learning_train_length", "confusion", "clusters",
    ]  # fmt: skip
    assert [stem for stem, each in figures.items() if each.png is not None] == ["label_efficiency"]


def test_figures_are_small_whole_and_said(figures: dict[str, Drawn]) -> None:
    for each in figures.values():
        ElementTree.fromstring(each.svg)
        assert len(each.svg) < MOST_BYTES, each.stem
        assert re.search(r"\d", each.words), each.stem
        assert "nan" not in each.svg
        ids, used = (set(re.findall(p, each.svg)) for p in (r'\bid="([^"]+)"', r'(?:href="|url\()#([^")]+)'))
        assert ids == used, each.stem


def test_same_runs_same_bytes(root: Path, figures: dict[str, Drawn]) -> None:
    block = block_of(root)
    with mpl.rc_context(STYLE):
        again = [efficiency.by_feedback(block), confusion.matrix(block), *learning.figures(block)[:1]]
    for sketch in again:
        assert sketch is not None
        assert saved(sketch.figure) == figures[sketch.stem].svg
    assert again[0] is not None
    assert painted(again[0].figure) == figures["label_efficiency"].png


@pytest.mark.slow
def test_many_methods_stay_small(tmp_path: Path) -> None:
    write_methods(tmp_path, 14)
    made = {each.stem: each for each in drawn(block_of(tmp_path))}
    assert len(made) == 8
    assert all(len(each.svg) < MOST_BYTES for each in made.values())
    assert "method_with_a_name_0 " not in made["label_efficiency"].words


def test_the_words_name_who_is_best(figures: dict[str, Drawn]) -> None:
    assert "with 200 labels: method_with_a_name_2 .610, method_with_a_name_1 .585" in figures["label_efficiency"].words
    assert "20 to 400" in figures["label_efficiency_bits"].words
    assert "13.00" in figures["learning_train_return"].words  # the last snapshot's mean over seeds 0 to 2
    assert "method_with_a_name_0: 1.000 of 180 rows right" in figures["confusion"].words
    assert "4 clusters of 4 classes, 1.000 of 60 rows" in figures["clusters"].words


def test_one_budget_is_dots_and_few_seeds_make_no_profile(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, seed=seed, score=0.8 + seed / 10)
        write_run(tmp_path, "unsupervised/kmeans", seed=seed, score=0.7)
    assert [each.stem for each in drawn(block_of(tmp_path))] == ["final_scores"]


def test_return_and_length_that_are_one_are_drawn_once(tmp_path: Path) -> None:
    for seed in range(2):
        folder = write_run(tmp_path, "reinforcement/ppo", seed=seed, score=9.0, objective="return")
        write_history(folder, [{**row, "train/length": row["train/return"]} for row in rising(seed)])
        np.savez(folder / "predictions.npz", returns=np.arange(10.0) + seed)
    made = {each.stem: each for each in drawn(block_of(tmp_path))}
    assert list(made) == ["final_scores", "learning_train_return", "episodes"]
    assert "20 episodes, median 5.00" in made["episodes"].words
    alone = of_run(runs(tmp_path, "demo")[0])
    assert [each.stem for each in alone] == ["course", "episodes"]
    assert "train/length" not in alone[0].words


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "history.jsonl").write_bytes(b'{"step": 1}\n[1]\nnull\n{"step"'),
        lambda folder: (folder / "predictions.npz").write_bytes(b"PK\x03\x04 cut"),
        lambda folder: np.savez(folder / "predictions.npz", truth=np.arange(3), label=np.arange(2)),
        lambda folder: np.savez(folder / "predictions.npz", truth=np.array([0, -1]), label=np.array([0, 1])),
        lambda folder: np.savez(folder / "predictions.npz", truth=np.array([1.0, np.nan]), value=np.array([1.0, 2.0])),
        lambda folder: np.savez(folder / "predictions.npz", truth=np.array([0.5, 1.5]), cluster=np.array([0, 1])),
    ],
)
def test_damaged_files_draw_nothing(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(write_run(tmp_path))
    assert [each.stem for each in drawn(block_of(tmp_path))] == ["final_scores"]
    assert of_run(runs(tmp_path, "demo")[0]) == []


def test_names_are_no_formulas_and_no_markup(tmp_path: Path) -> None:
    evil = "a$\\frac{x$ <script>&amp;"
    for seed in range(2):
        write_run(tmp_path, f"supervised/{evil.replace('/', '')}", seed=seed, score=0.5 + seed / 9)
        write_run(tmp_path, seed=seed, score=0.6, settings={evil: "$_^" * 30})
        write_run(tmp_path, seed=seed, score=0.7, settings={evil: "<b>"})
    made = drawn(block_of(tmp_path))
    assert [each.stem for each in made] == ["final_scores", "settings"]
    for each in made:
        ElementTree.fromstring(each.svg)
        assert "<script" not in each.svg


def test_settings_say_which_value_was_best(tmp_path: Path) -> None:
    for place, strength in enumerate((0.01, 0.1, 1.0, 10.0)):
        for penalty in ("l1", "l2"):
            score = 0.9 - abs(place - 2) / 20 - (penalty == "l1") / 100
            write_run(tmp_path, score=score, settings={"C": strength, "penalty": penalty})
    (drawing,) = (each for each in drawn(block_of(tmp_path)) if each.stem == "settings")
    assert "logistic C=1.0 .895 (worst 0.01 .795); logistic penalty=l2" in drawing.words
    found = settings.sweeps(block_of(tmp_path).methods, None)
    assert [(sweep.key, list(sweep.cells)) for sweep in found] == [
        ("trainer.C", ["0.01", "0.1", "1.0", "10.0"]), ("trainer.penalty", ["l1", "l2"]),
    ]  # fmt: skip


def test_log_axis_only_for_values_spaced_so() -> None:
    assert settings.logarithmic([0.01, 0.1, 1, 10])
    assert settings.logarithmic([16, 64, 256])
    assert not settings.logarithmic([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert not settings.logarithmic([0, 1, 100])
    assert not settings.logarithmic([2, 4, 8])


def test_many_methods_leave_the_best(tmp_path: Path) -> None:
    for place in range(14):
        for labels in (20, 200):
            write_run(tmp_path, f"supervised/method_with_a_name_{place}", labels=labels, score=0.5 + place / 40)
    block = block_of(tmp_path)
    kept, said = looks.best(block)
    assert len(kept.methods) == looks.MOST
    assert said == ["the best 12 of 14 methods by mean rank"]
    names = {method.name for method in kept.methods}
    assert {f"method_with_a_name_{place}" for place in range(2)} & names == set()
    assert looks.best(kept) == (kept, [])


def test_over_problems_ranks_and_normalised_scores(tmp_path: Path) -> None:
    for problem in range(6):
        for place in range(3):
            for seed in range(2):
                trainer = f"supervised/m{place}"
                folder = write_run(
                    tmp_path, trainer, seed=seed, problem=f"p{problem}", score=0.5 + place / 10 + (seed + problem) / 100
                )
                record = json.loads((folder / "record.json").read_text())
                ends = {"floor": {"value": 0.5, "source": "a"}, "ceiling": {"value": 1.0, "source": "b"}}
                (folder / "record.json").write_text(json.dumps({**record, "bounds": ends}))
    made = {each.stem: each for each in across(blocks(runs(tmp_path)))}
    assert list(made) == ["critical_difference", "aggregate", "performance_profile"]
    assert "m2 1.00, m1 2.00, m0 3.00" in made["critical_difference"].words
    assert "m2 .460 [" in made["aggregate"].words  # (.7 + .03 - .5) / .5
    assert across(blocks(runs(tmp_path))[:1]) == []


def test_counts_as_by_hand() -> None:
    truth, answers = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    table = confusion.tabled(truth, answers, 3, 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert confusion.sum_of([table, table[:2, :2]], 3).tolist() == [[2, 2, 0], [0, 2, 0], [1, 0, 0]]


def test_residuals_are_truth_less_answer(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "supervised/ridge", objective="r2")
    np.savez(folder / "predictions.npz", truth=np.array([1.0, 3.0]), value=np.array([0.5, 4.0]))
    pair = residuals.residuals(runs(tmp_path, "demo")[0])
    assert pair is not None
    assert pair[1].tolist() == [0.5, -1.0]
    (drawing,) = of_run(runs(tmp_path, "demo")[0])
    assert "mean -.25, root mean square .79" in drawing.words


curve = st.lists(
    st.tuples(st.floats(0.1, 100), st.floats(-10, 10)), min_size=3, max_size=30, unique_by=lambda point: point[0]
)


@trying(deadline=None, max_examples=50)
@given(st.lists(curve, min_size=1, max_size=4), st.integers(2, 40), st.booleans())
def test_aligned_curves_stay_within_what_was_seen(
    seeds: list[list[tuple[float, float]]], points: int, log: bool
) -> None:
    pairs = [tuple(np.array(column) for column in zip(*sorted(each), strict=True)) for each in seeds]
    made = histories.aligned([(x, y) for x, y in pairs], points, log)
    assert made.seeds.shape == (len(seeds), len(made.x))
    assert len(made.x) <= max(points, 2)
    assert (np.diff(made.x) >= 0).all()
    for row, (_, y) in zip(made.seeds, pairs, strict=True):
        assert y.min() - 1e-9 <= row.min()
        assert row.max() <= y.max() + 1e-9


def test_aligned_straight_lines_stay_straight() -> None:
    x = np.arange(1.0, 101.0)
    made = histories.aligned([(x, 2 * x), (x[:50], 2 * x[:50])], 10, False)
    assert np.allclose(made.seeds[0, 1:-1], 2 * made.x[1:-1], atol=2)
    assert made.seeds[1, -1] == 100.0  # an ended seed keeps its last value
    assert not made.even


def test_a_history_of_any_length_is_read_thinned(tmp_path: Path) -> None:
    write_history(tmp_path, [{"step": i, "seconds": i / 9, "train/loss": 1 / i} for i in range(1, 5001)])
    history = histories.read(tmp_path)
    assert history is not None
    steps, _ = history.curve("train/loss", "step")
    assert len(steps) <= histories.LINES + 1
    assert (steps[0], steps[-1]) == (1, 5000)


@trying(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30, unique=True), st.booleans())
def test_labels_of_ticks_do_not_touch(values: list[float], log: bool) -> None:
    rising = sorted(values)
    kept = legend.apart(rising, 3.0, log)
    assert kept[-1] == rising[-1]
    assert set(kept) <= set(rising)
    places = [math.log10(value) if log else value for value in (rising[0], rising[-1], *kept)]
    inch = [(place - places[0]) / ((places[1] - places[0]) or 1) * 3 for place in places[2:]]
    halves = [legend.inches(f"{value:g}") / 2 for value in kept]
    ends = list(zip(inch, halves, strict=True))
    assert all(left + half < right - other for (left, half), (right, other) in pairwise(ends))


@trying(deadline=None, max_examples=50)
@given(st.text(max_size=200))
def test_short_names_keep_both_ends(name: str) -> None:
    cut = legend.short(name)
    assert len(cut) <= legend.LONGEST
    assert cut == name or (name.startswith(cut.split("…")[0]) and name.endswith(cut.rsplit("…", 1)[1]))


@trying(deadline=None, max_examples=50)
@given(st.sampled_from(["#0072b2", "#d55e00", "#6b7280"]), st.integers(1, 12))
def test_shades_of_a_paradigm_are_told_apart(base: str, count: int) -> None:
    made = [looks.shade(base, place, count) for place in range(count)]
    assert len(set(made)) == count
    assert all(re.fullmatch(r"#[0-9a-f]{6}", each) for each in made)
    assert made == [base] if count == 1 else base not in (made[0], made[-1])


def test_smaller_keeps_what_is_used() -> None:
    svg = (
        '<!-- a --><g id="x_1"><path id="m1" d="M 1.23456 2.5 "/><use href="#m1" transform="translate(3.14159 0)"/></g>'
    )
    assert smaller(svg) == '<g><path id="m1" d="M 1.23 2.5 "/><use href="#m1" x="3.14"/></g>'
    assert math.isclose(float(re.findall(r'x="([^"]+)"', smaller(svg))[0]), 3.14)
