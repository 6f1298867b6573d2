"""Pairs, files of points and exclusions: from the command line, and from an experiment's YAML."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from paralab.compose import loader
from paralab.errors import Refused
from paralab.sweep.points import Grid, points


def _config(params: dict[str, str] | None = None, **sweep: object) -> DictConfig:
    """The part of a composed config that grids are made of."""
    return OmegaConf.create({
        "hydra": {"sweeper": {"params": params or {}}},
        "sweep": {"zip": [], "csv": None, "exclude": [], **sweep},
    })  # fmt: skip


def _said(grid: Grid) -> list[str]:
    return [" ".join(point.said) for point in grid.points]


def _file(text: str, name: str = "points.csv") -> str:
    Path(name).write_text(text)
    return name


AXES = ["labels=20,50", "seed=0,1", "budget.steps=5,9"]


def test_the_last_axis_varies_fastest() -> None:
    assert _said(points(_config(), ["seed=0,1", "labels=20,null"])) == [
        "seed=0 labels=20", "seed=0 labels=null", "seed=1 labels=20", "seed=1 labels=null",
    ]  # fmt: skip


# --- zip --------------------------------------------------------------------------------------------------------------


def test_zipped_axes_go_together_and_keep_their_places() -> None:
    assert _said(points(_config(zip=["labels", "budget.steps"]), AXES)) == [
        "labels=20 seed=0 budget.steps=5", "labels=20 seed=1 budget.steps=5",
        "labels=50 seed=0 budget.steps=9", "labels=50 seed=1 budget.steps=9",
    ]  # fmt: skip


def test_several_groups_are_a_product_of_groups() -> None:
    grid = points(_config(zip=[["labels", "budget.steps"], ["seed", "trainer.C"]]), [*AXES, "+trainer.C=1,2"])
    assert _said(grid) == [
        "labels=20 seed=0 budget.steps=5 +trainer.C=1", "labels=20 seed=1 budget.steps=5 +trainer.C=2",
        "labels=50 seed=0 budget.steps=9 +trainer.C=1", "labels=50 seed=1 budget.steps=9 +trainer.C=2",
    ]  # fmt: skip


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_a_zip_is_what_python_zips(sizes: list[int], data: st.DataObject) -> None:
    keys = [f"trainer.a{place}" for place in range(len(sizes))]
    size = data.draw(st.sampled_from(sizes))
    alike = [place for place in range(len(sizes)) if sizes[place] == size]
    values = [[f"{key}={value}" for value in range(count)] for key, count in zip(keys, sizes, strict=True)]
    words = [f"{key}={','.join(map(str, range(count)))}" for key, count in zip(keys, sizes, strict=True)]
    grid = points(_config(zip=[keys[place] for place in alike]), words)
    expected = [
        row for row in itertools.product(*values)
        if len({values[place].index(row[place]) for place in alike}) == 1
    ]  # fmt: skip
    assert sorted(point.said for point in grid.points) == sorted(expected)


@pytest.mark.parametrize(
    ("said", "words", "names"),
    [
        (["labels", "seed"], ["labels=20,50,90", "seed=0,1"], ["labels, which has 3 values", "seed, which has 2"]),
        (["labels", "sead"], ["labels=20,50", "seed=0,1"], ["'sead' is no axis", "'seed'"]),
        (["labels", "labels"], AXES, ["labels twice"]),
        ([["labels", "seed"], ["seed", "budget.steps"]], AXES, ["seed twice"]),
        ([["labels", "seed"], "budget.steps"], AXES, ["a list of keys is needed"]),
    ],
)
def test_a_zip_that_does_not_pair_is_refused(said: Sequence[object], words: list[str], names: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        points(_config(zip=said), words)
    assert all(name in str(refused.value) for name in names), refused.value


# --- csv --------------------------------------------------------------------------------------------------------------


def test_a_row_is_a_point_and_an_empty_cell_the_default() -> None:
    name = _file("\ufefftrainer.C,trainer,note.x\n1.5, supervised/logistic,\n\n,,\n".replace(",note.x", ",labels"))
    grid = points(_config(csv=name), ["seed=0,1"])
    assert _said(grid) == ["seed=0 trainer.C=1.5 trainer=supervised/logistic", "seed=0",
                           "seed=1 trainer.C=1.5 trainer=supervised/logistic", "seed=1"]  # fmt: skip
    assert [point.origin for point in grid.points] == ["points.csv, line 2", "points.csv, line 4"] * 2


def test_a_cell_may_hold_a_list() -> None:
    assert _said(points(_config(csv=_file('trainer.hidden,seed\n"[8,8]",1\n')), [])) == ["trainer.hidden=[8,8] seed=1"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["points.csv is empty"]),
        ("\n\n", ["points.csv is empty"]),
        ("labels,seed\n", ["points.csv", "no row"]),
        ("labels;seed\n20;1\n", ["points.csv, line 1", "parted by ';'", "commas"]),
        ("labels\tseed\n20\t1\n", ["points.csv, line 1", "parted by a tab", "commas"]),
        ("labels,sead\n20,1\n", ["points.csv, line 1, column 2", "Did you mean 'seed'"]),
        ("labels,\n20,1\n", ["points.csv, line 1, column 2", "no name"]),
        ("labels,sweep.force\n20,true\n", ["points.csv, line 1, column 2", "sweep.force"]),
        ("labels,hydra.mode\n20,RUN\n", ["points.csv, line 1, column 2", "hydra.mode"]),
        ("labels,labels\n20,50\n", ["points.csv, line 1", "labels is the name of two columns"]),
        ("labels,seed\n20,1\n50\n", ["points.csv, line 3, column 2", "1 cells"]),
        ("labels,seed\n20,1,2\n", ["points.csv, line 2, column 3", "3 cells"]),
        ('labels,seed\n20,"1,2"\n', ["points.csv, line 2, column 2", "several values"]),
        ("labels,seed\n20,${oc.env:HOME}\n", ["points.csv, line 2, column 2"]),
        ("labels,seed\n20,[\n", ["points.csv, line 2, column 2"]),
        ('labels,seed\n20,"1\n', ["points.csv cannot be read"]),
    ],
)
def test_a_bad_file_is_refused_by_line_and_column(text: str, names: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        points(_config(csv=_file(text)), [])
    assert all(name in str(refused.value) for name in names), refused.value


def test_a_file_that_is_no_text_or_not_there_is_refused() -> None:
    Path("bytes.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("none.csv", ".", "bytes.csv"):
        with pytest.raises(Refused, match="cannot be read"):
            points(_config(csv=name), [])


def test_the_command_line_replaces_what_the_experiment_says() -> None:
    name = _file("labels,seed\n20,1\n50,2\n")
    own = {"labels": "90,91", "split_seed": "3"}
    on_line = points(_config(own, csv=name), [f"sweep.csv={name}"])  # the file is the command line's
    assert _said(on_line) == ["split_seed=3 labels=20 seed=1", "split_seed=3 labels=50 seed=2"]
    replaced = points(_config({}, csv=name), ["labels=7"])  # the file is the experiment's
    assert _said(replaced) == ["labels=7 seed=1", "labels=7 seed=2"]
    for config, words in ((_config(own, csv=name), []), (_config({}, csv=name), [f"sweep.csv={name}", "labels=7"])):
        with pytest.raises(Refused, match=r"labels is an axis of this grid and a column of points\.csv"):
            points(config, words)


def test_how_a_grid_is_run_is_no_axis_of_an_experiment() -> None:
    with pytest.raises(Refused, match=r"executor: how a grid is run"):
        points(_config({"executor": "local,inline"}), [])


# --- exclude ----------------------------------------------------------------------------------------------------------


def test_points_are_left_out_where_all_words_match() -> None:
    grid = points(_config(exclude=["labels=20 seed=1", "budget.steps=9 seed=range(1)"]), AXES)
    assert _said(grid) == [
        "labels=20 seed=0 budget.steps=5", "labels=50 seed=0 budget.steps=5", "labels=50 seed=1 budget.steps=5",
        "labels=50 seed=1 budget.steps=9",
    ]  # fmt: skip
    assert not grid.notices


def test_values_match_by_what_they_are() -> None:
    def left(word: str) -> int:
        return len(points(_config(exclude=[word]), ["trainer.C=1,2,true,'a b'", "+problem.x=1,2"]).points)

    assert left("trainer.C=1.0") == left("trainer.C=true") == left("trainer.C='a b'") == left("trainer.C=a b") == 6
    assert left("trainer.C=1,2 problem.x=1") == 6
    assert left("trainer.C=3") == 8


def test_an_exclusion_of_nothing_is_said() -> None:
    grid = points(_config(exclude=["labels=21", "labels=20"]), AXES)
    assert len(grid.points) == 4
    assert list(grid.notices) == ["sweep.exclude: no point of this grid is 'labels=21'"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["label=20"], "there is no 'label'"),
        (["split_seed=1"], "'split_seed' is no axis of this grid"),
        (["labels=20", "labels=50"], "leaves no point"),
        (["labels"], "is no key=value"),
    ],
)
def test_a_bad_exclusion_is_refused(said: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        points(_config(exclude=said), AXES)


def test_a_glob_takes_the_choices_that_match() -> None:
    load = loader()
    grid = points(_config(), ["problem=iris", "trainer=glob(supervised/f*)", "seed=1,2"], load)
    assert _said(grid) == [f"problem=iris trainer=supervised/forest seed={seed}" for seed in (1, 2)]
    with pytest.raises(Refused, match=r"'trainer=glob\(nothing/\*\)' matches no choice of trainer"):
        points(_config(), ["trainer=glob(nothing/*)"], load)
