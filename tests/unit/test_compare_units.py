"""Units: folds are one unit a seed, and what seeds share is read from the run, never assumed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.compare.by import regrouped
from paralab.compare.gather import Block, Cell, Method, blocks
from paralab.compare.units import table
from paralab.errors import Refused
from paralab.record.read import Run, runs
from paralab.statistics.summary import summary
from tests.unit.fake_runs import write_run


def put(root: Path, *, trainer: str = "supervised/logistic", seed: int = 0, score: float = 0.9, **more: object) -> Path:
    """A run whose config says more at its root: split, fold, split_seed, ... beside what tells it apart."""
    labels = more.pop("labels", None)
    assert labels is None or isinstance(labels, int)
    own = more.pop("trainer_settings", {})
    assert isinstance(own, dict)
    apart = {"told": hashlib.sha256(repr(sorted(more.items())).encode()).hexdigest()}
    folder = write_run(root, trainer, seed=seed, score=score, labels=labels, settings={**own, **apart})
    config = yaml.safe_load((folder / "config.yaml").read_text()) | {"trainer": own} | more
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if "split" in more:
        record = (folder / "record.json").read_text().replace('"split": "holdout"', f'"split": "{more["split"]}"')
        (folder / "record.json").write_text(record)
    return folder


def scenario(folder: Path, train: int = 70, test: int = 30, data: int = 1, **arrays: object) -> None:
    rows = {"train": np.arange(train), "valid": np.arange(0), "test": np.arange(test)}
    np.savez(folder / "scenario.npz", **rows, data=np.full(32, data, np.uint8), **arrays)  # type: ignore[arg-type]


def test_folds_of_a_seed_are_one_unit(tmp_path: Path) -> None:
    for seed in range(2):
        for fold in range(5):
            put(tmp_path, seed=seed, score=0.5 + 0.1 * fold + 0.01 * seed, split="cv", folds=5, fold=fold)
    (block,) = blocks(runs(tmp_path))
    (method,) = block.methods
    cell = method.cells[None]
    assert (method.name, cell.seeds, len(cell.runs)) == ("logistic", (0, 1), 10)
    assert cell.values == pytest.approx((0.7, 0.71))
    assert cell.folds[1] == pytest.approx((0.51, 0.61, 0.71, 0.81, 0.91))
    assert cell.score.n == 2
    units = table(block, None)
    assert (units.kind, units.ratio) == ("folds", 0.3125)
    assert units.scores[:, 0].tolist() == pytest.approx([0.7, 0.71])


def test_a_seed_without_all_its_folds_is_left_out_and_counted(tmp_path: Path) -> None:
    for trainer, folds in (("supervised/logistic", 3), ("supervised/forest", 2)):
        for fold in range(3):
            put(tmp_path, trainer=trainer, seed=0, split="cv", folds=3, fold=fold)
        for fold in range(folds):
            put(tmp_path, trainer=trainer, seed=1, score=0.1, split="cv", folds=3, fold=fold)
    (block,) = blocks(runs(tmp_path))
    forest, logistic = (method.cells[None] for method in block.methods)
    assert (forest.seeds, forest.partial) == ((0,), (1,))
    assert (logistic.seeds, logistic.partial) == ((0, 1), ())


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, "splits"),
        ({"split": "group"}, "splits"),
        ({"split_seed": 3}, "fixed test"),
        ({"split": "official"}, "fixed test"),
        ({"split": "time"}, "fixed test"),
        ({"split": "all"}, "fixed test"),
        ({"split": "cv", "folds": 4, "fold": 0}, "folds"),
        ({"split": "cv", "folds": 4, "fold": 0, "split_seed": 1}, "fixed test"),
    ],
)
def test_what_seeds_share_is_read_from_the_config(tmp_path: Path, more: dict[str, Any], kind: str) -> None:
    for seed in range(2):
        put(tmp_path, seed=seed, **more)
    (block,) = blocks(runs(tmp_path))
    units = table(block, None)
    assert units.kind == kind
    assert (units.ratio is None) == (kind == "fixed test")


def test_the_ratio_is_that_of_the_rows_kept(tmp_path: Path) -> None:
    scenario(put(tmp_path), train=80, test=20)
    (block,) = blocks(runs(tmp_path))
    assert table(block, None).ratio == 0.3125


def test_without_rows_the_ratio_is_that_of_the_config(tmp_path: Path) -> None:
    put(tmp_path, test_size=0.2)
    (block,) = blocks(runs(tmp_path))
    assert table(block, None).ratio == pytest.approx(0.3125)


def test_episodes_make_seeds_independent(tmp_path: Path) -> None:
    np.savez(put(tmp_path) / "scenario.npz", test_seeds=np.arange(100))
    (block,) = blocks(runs(tmp_path))
    units = table(block, None)
    assert (units.kind, units.about) == ("independent", "a new training seed and new episodes")


def test_other_rows_are_not_matched(tmp_path: Path) -> None:
    scenario(put(tmp_path), data=1)
    scenario(put(tmp_path, trainer="supervised/forest"), data=1)
    scenario(put(tmp_path, trainer="supervised/mlp"), data=2)
    put(tmp_path, trainer="supervised/ridge", split_seed=7)
    (block,) = blocks(runs(tmp_path))
    units = table(block, None)
    place = {name.split(" ")[0]: i for i, name in enumerate(units.methods)}
    assert units.matched(place["logistic"], place["forest"])
    assert not units.matched(place["logistic"], place["mlp"])
    assert not units.matched(place["logistic"], place["ridge"])


def test_data_that_is_not_known_and_how_it_is_judged_hinder_no_match(tmp_path: Path) -> None:
    scenario(put(tmp_path, problem={"_target_": "a", "objective": "accuracy", "bounds": None}))
    put(tmp_path, trainer="supervised/forest", problem={"_target_": "a", "objective": "accuracy", "bounds": {"f": 1}})
    put(tmp_path, trainer="supervised/mlp", problem={"_target_": "a", "objective": "accuracy", "noise": 1})
    (block,) = blocks(runs(tmp_path))
    units = table(block, None)
    place = {name.split(" ")[0]: i for i, name in enumerate(units.methods)}
    assert units.matched(place["logistic"], place["forest"])
    assert not units.matched(place["logistic"], place["mlp"])


def test_of_several_ratios_the_greatest_corrects(tmp_path: Path) -> None:
    scenario(put(tmp_path), train=90, test=10)
    scenario(put(tmp_path, trainer="supervised/forest"), train=70, test=30)
    (block,) = blocks(runs(tmp_path))
    assert table(block, None).ratio == pytest.approx(30 * 100 / 70**2)


def test_the_interval_of_a_fixed_test_is_about_labels_where_there_are_some(tmp_path: Path) -> None:
    put(tmp_path, split_seed=1)
    put(tmp_path, split_seed=1, labels=20)
    (block,) = blocks(runs(tmp_path))
    assert table(block, 20).about == "new labels, a new training seed; the test rows stay"
    assert table(block, None).about == "a new training seed; the test rows stay"


def test_methods_of_one_name_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, trainer="supervised/sklearn")
    put(tmp_path, trainer="unsupervised/sklearn")
    (block,) = blocks(runs(tmp_path))
    assert table(block, None).methods == ("supervised/sklearn", "unsupervised/sklearn")


@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_table_holds_every_score_at_its_seed(seeds: Sequence[set[int]]) -> None:
    """And NaN where a method has no run."""
    methods = []
    for place, held in enumerate(seeds):
        values = tuple(place + seed / 10 for seed in sorted(held))
        run = Run(Path("nowhere"), "e", "p", f"supervised/m{place}", "0", 0, "finished")
        cell = Cell(tuple(sorted(held)), values, summary(values), {}, {}, (run,))
        methods.append(Method(f"supervised/m{place}", "", {None: cell}))
    units = table(Block("p", "holdout", "accuracy", tuple(methods)), None)
    assert set(units.seeds) == set().union(*seeds)
    for place, held in enumerate(seeds):
        assert units.column(place) == {seed: place + seed / 10 for seed in held}


def test_by_a_setting_groups_its_values_in_their_order(tmp_path: Path) -> None:
    for strength in (10.0, 2.0):
        for seed in range(2):
            put(tmp_path, seed=seed, score=strength / 100, trainer_settings={"C": strength})
    put(tmp_path, trainer="supervised/forest")
    (block,), notes = regrouped(blocks(runs(tmp_path)), "C")
    assert [(m.name, m.cells[None].values) for m in block.methods] == [("C=2.0", (0.02, 0.02)), ("C=10.0", (0.1, 0.1))]
    assert notes == []


def test_a_paradigm_is_the_mean_of_its_methods_seed_by_seed(tmp_path: Path) -> None:
    for seed in range(3):
        put(tmp_path, seed=seed, score=0.8 + seed / 100)
        put(tmp_path, trainer="unsupervised/kmeans", seed=seed, score=0.1)
    for seed in range(2):
        put(tmp_path, trainer="supervised/forest", seed=seed, score=0.6 + seed / 100)
    (block,), notes = regrouped(blocks(runs(tmp_path)), "paradigm")
    assert [method.name for method in block.methods] == ["supervised", "unsupervised"]
    assert block.methods[0].cells[None].values == pytest.approx((0.7, 0.71))
    assert "none is picked" in notes[0]


def test_each_trainer_of_a_paradigm_weighs_the_same_however_many_settings_it_has(tmp_path: Path) -> None:
    for strength in (1.0, 2.0, 3.0):
        put(tmp_path, score=0.9, trainer_settings={"C": strength})
    put(tmp_path, trainer="supervised/forest", score=0.5)
    (block,), _ = regrouped(blocks(runs(tmp_path)), "paradigm")
    assert block.methods[0].cells[None].values == pytest.approx((0.7,))


def test_folds_are_averaged_over_the_methods_of_a_paradigm_too(tmp_path: Path) -> None:
    for place, trainer in enumerate(("supervised/logistic", "supervised/forest")):
        for fold in range(2):
            score = 0.5 + 0.1 * fold + 0.2 * place
            put(tmp_path, trainer=trainer, score=score, split="cv", folds=2, fold=fold)
    (block,), _ = regrouped(blocks(runs(tmp_path)), "paradigm")
    (method,) = block.methods
    assert method.cells[None].values == pytest.approx((0.65,))
    assert method.cells[None].folds[0] == pytest.approx((0.6, 0.7))


@pytest.mark.parametrize("by", ["seed", "fold", "problem", "split_seed", "test_size", "nonsense", "C"])
def test_what_tells_no_methods_apart_is_refused(tmp_path: Path, by: str) -> None:
    put(tmp_path, trainer_settings={"C": 1.0})
    with pytest.raises(Refused, match=f"--by {by}: "):
        regrouped(blocks(runs(tmp_path)), by)
