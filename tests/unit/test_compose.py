"""A grid is the same as its points one by one, garbage is only ever refused, and what a Hydra user expects works."""

from __future__ import annotations

import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from paralab.catalog import folders, names
from paralab.cli import main
from paralab.compose import compose, loader
from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep.plan import compose_any, freeze, plan_grid

LOAD = loader()
Cli = Callable[..., str]
# Each test function has one working folder for all its examples; none of them writes.
FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # shrinking a grid takes minutes
)
MANY = settings(FEW, max_examples=150, derandomize=False)


# --- a grid equals its points -----------------------------------------------------------------------------------------

# An axis: how it stands on the command line, and what its points are.
Axis = tuple[str, list[str]]


def _axis(key: str, values: Sequence[str]) -> st.SearchStrategy[Axis]:
    """One or two of the values, as a, as a,b or as choice(a,b)."""

    def spell(chosen: list[str], by_name: bool) -> Axis:
        whole = ",".join(chosen)
        text = f"choice({whole})" if by_name and len(chosen) > 1 and "null" not in chosen else whole
        return f"{key}={text}", [f"{key}={each}" for each in chosen]

    return st.builds(spell, st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True), st.booleans())


def _range(key: str) -> st.SearchStrategy[Axis]:
    def spell(start: int, count: int) -> Axis:
        return f"{key}=range({start},{start + count})", [f"{key}={start + place}" for place in range(count)]

    return st.builds(spell, st.integers(0, 5), st.integers(1, 2))


CHOICES = [
    _axis("problem", ["iris", "digits", "digts", "gym"]),
    _axis("trainer", ["supervised/logistic", "supervised/mlp", "reinforcement/linucb", "supervised/sklearn"]),
]
PLAIN = [
    _axis("labels", ["20", "null", "0", "x"]),
    _axis("labels", ["20", "50"]),
    _axis("labels", ["${folds}", "20"]),
    _range("seed"),
    _axis("++seed", ["3", "4"]),
    _axis("seed", ["${labels}", "1"]),
    _axis("split_seed", ["null", "${seed}", "1"]),
    _axis("split", ["holdout", "all"]),
    _axis("select", ["true", "false"]),
    _axis("device", ["auto", "cpu"]),
    _axis("budget.steps", ["5", "null"]),
    _axis("budget", ["default"]),
    _axis("budget", ["{steps:5}", "{steps:6,patience:null}"]),
    _axis("budget.patience", ["${budget.steps}", "${folds}"]),
    _axis("problem.probe", ["1.0", "${seed}", "null"]),
    _axis("problem", ["{probe:2.0}"]),
    _axis("problem", ["{scenario:{seed:5}}", "{scenario:null}"]),
    _axis("problem.scenario.labels", ["30", "null"]),
    _axis("problem.id", ["Acrobot-v1", "CartPole-v1"]),
    _axis("+problem", ["{extra:2.0}"]),
    _axis("problem@other", ["iris"]),
    _axis("budget@trainer.budget", ["default"]),
    _axis("trainer.C", ["1.0", "[1,2]"]),
    _axis("trainer.C", ["${trainer.max_iter}", "${.max_iter}"]),
    _axis("trainer.estimator._target_", ["sklearn.tree.DecisionTreeClassifier", "os.system"]),
    _axis("+trainer.estimator.max_depth", ["1", "2"]),
    _axis("trainer.hidden", ["[8]", "[8,8]", "[${seed},8]"]),
    _axis("trainer.hidden.0", ["8", "9"]),
    _axis("++trainer.C", ["2.0", "3.0"]),
    _axis("+trainer.new", ["1", "{a:1,b:[1,2]}"]),
    _axis("+trainer.new.deeper", ["1", "${seed}"]),
    _axis("~trainer.C", [""]),
    _axis("~trainer.C", ["1.0"]),
    _axis("~trainer.hidden", [""]),
    _axis("~budget.steps", [""]),
    _axis("trainer.schedule", ["linear", "'a, b'", '"quoted"']),
    _axis("question", ["'why ${name}?'", "null", "x y", "${seed}"]),
    _axis("name", ["one", "two"]),
    _axis("nope", ["1"]),
    _axis("trainer.default_steps", ["7", "8", "x"]),
    _axis("scenario.labels", ["20", "${labels}"]),
    _axis("scenario.seed", ["${problem.scenario.seed}"]),
    _axis("test_size", ["nan", "0.2"]),
    _axis("fold", ["???", "1"]),
]
FINE = [  # what composes with any problem of labels and any trainer
    _axis("labels", ["20", "50", "null", "${folds}"]),
    _range("seed"),
    _axis("split_seed", ["null", "${seed}", "1"]),
    _axis("select", ["true", "false"]),
    _axis("budget.steps", ["5", "null"]),
    _axis("budget", ["{steps:5}", "{steps:6,patience:null}"]),
    _axis("problem.probe", ["1.0", "${seed}"]),
    _axis("problem", ["{probe:2.0}", "{scenario:{seed:5}}"]),
    _axis("problem.scenario.labels", ["30", "null"]),
    _axis("+trainer.new", ["1", "{a:1,b:[1,${seed}]}"]),
    _axis("++trainer.device", ["cpu", "${device}"]),
    _axis("device", ["auto", "cpu"]),
    _axis("question", ["'why ${name}?'", "null", "${seed}"]),
    _axis("trainer.default_steps", ["7", "${folds}"]),
    _axis("~trainer.default_steps", [""]),
]
VALUES = st.one_of(PLAIN)
GOOD = st.one_of(FINE)
BOTH = [("problem=iris,wine", ["problem=iris", "problem=wine"]), ("trainer=supervised/mlp", ["trainer=supervised/mlp"])]
SIMPLE = [st.just((text, [text])) for text in ("problem=iris", "trainer=supervised/logistic")]
GRIDS = st.one_of(
    st.tuples(*CHOICES, VALUES, VALUES, VALUES), st.tuples(SIMPLE[0], CHOICES[1], VALUES, VALUES),
    st.tuples(*SIMPLE, VALUES, GOOD, GOOD), st.tuples(*map(st.just, BOTH), GOOD, GOOD, GOOD),
    st.tuples(*SIMPLE, GOOD, GOOD, GOOD, GOOD),
).flatmap(lambda axes: st.permutations(axes))  # fmt: skip


def _without_empty(axis: Axis) -> Axis:
    """`~key` has no equals sign."""
    return axis[0].rstrip("=") if axis[0].startswith("~") else axis[0], [
        each.rstrip("=") if each.startswith("~") else each for each in axis[1]
    ]


def _alone(point: Sequence[str]) -> Plan | str:
    """Hydra's own composition of a point, resolved as a whole; or why there is none."""
    try:
        plan = freeze(config := compose(LOAD, point))
    except Refused as refused:
        return str(refused)
    assert {key: plan.config[key] for key in WHOLE} == {key: _plain(config[key]) for key in WHOLE}
    return plan


WHOLE = ("scenario", "seed", "labels", "split", "split_seed", "question", "name", "problem")


def _plain(value: Any) -> Any:
    whole: Any = OmegaConf.to_container(value, resolve=True, enum_to_str=True) if OmegaConf.is_config(value) else value
    return whole.value if isinstance(whole, Enum) else whole


def _together(overrides: Sequence[str]) -> list[Plan] | str:
    try:
        config, grid = compose_any(LOAD, [*overrides, "hydra.mode=MULTIRUN"])
        assert grid
        return plan_grid(LOAD, config, [*overrides, "hydra.mode=MULTIRUN"])
    except Refused as refused:
        return str(refused)


def _check_grid(axes: Sequence[Axis], sample: int | None = None) -> None:
    """Each point is as it is alone, and a grid is refused as the first of its points is; a run named twice is in once.

    Of a grid that is not refused only every `sample`th point is composed alone.
    """
    axes = [_without_empty(axis) for axis in axes]
    points = list(itertools.product(*(axis[1] for axis in axes)))
    together = _together([axis[0] for axis in axes])
    if isinstance(together, str):
        assert together == next((alone for point in points if isinstance(alone := _alone(point), str)), "none")
        return
    by_words = {plan.said: plan for plan in together}
    folders = {plan.folder: plan for plan in together}
    assert len(folders) == len(together)
    for point in points[:: sample and max(1, len(points) // sample)]:
        alone = _alone(point)
        assert not isinstance(alone, str), f"each alone is refused: {alone}"
        first = by_words.get(tuple(point)) or folders[alone.folder]
        assert first.folder == alone.folder
        if first.said == alone.said:
            assert first == alone
            assert json.dumps(first.config) == json.dumps(alone.config)  # in the order of the keys, too


@FEW
@given(GRIDS)
def test_a_grid_equals_its_points(axes: Sequence[Axis]) -> None:
    _check_grid(axes, sample=2)


@pytest.mark.slow
@MANY
@given(GRIDS)
def test_many_grids_equal_their_points(axes: Sequence[Axis]) -> None:
    _check_grid(axes)


def test_an_experiment_s_axes_are_hydra_s_and_a_value_replaces_one(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "a_test_of_axes.yaml").write_text(
        "# @package _global_\nname: a_test_of_axes\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n"
        "      problem: iris\n      trainer: supervised/logistic\n      labels: 20,null\n      seed: range(2)\n"
    )
    load = loader()

    def points(*more: str) -> list[tuple[object, object]]:
        config, grid = compose_any(load, ["experiment=a_test_of_axes", *more])
        assert grid
        plans = plan_grid(load, config, ["experiment=a_test_of_axes", *more])
        assert {plan.config["name"] for plan in plans} == {"a_test_of_axes"}
        return [(plan.config["labels"], plan.config["seed"]) for plan in plans]

    assert points() == [(20, 0), (20, 1), (None, 0), (None, 1)]
    assert points("labels=50") == [(50, 0), (50, 1)]
    assert points("seed=7,8", "labels=30") == [(30, 7), (30, 8)]
    single, grid = compose_any(
        load, ["experiment=a_test_of_axes", "hydra.mode=RUN", "problem=iris", "trainer=supervised/mlp"]
    )
    assert (grid, freeze(single).config["name"]) == (False, "a_test_of_axes")


def test_a_value_below_a_group_that_is_an_axis_is_set_in_every_point() -> None:
    overrides = ["problem=iris,wine", "trainer=supervised/logistic", "problem.probe=2.0", "hydra.mode=MULTIRUN"]
    config, _ = compose_any(LOAD, overrides)
    assert [plan.config["problem"]["probe"] for plan in plan_grid(LOAD, config, overrides)] == [2.0, 2.0]


# --- garbage is only ever refused -------------------------------------------------------------------------------------

TOKENS = [
    *("problem", "trainer", "labels", "seed", "budget", "hydra", "experiment", "scenario", "name", "root", "steps"),
    *("trainer.C", "problem.data", "_target_", "supervised/logistic", "digits", "iris", "hydra/sweeper", "hydra.mode"),
    *("null", "true", "1", "-1", "1.5", "nan", "inf", "1e400", "???", "''", '"', "'", "\\", "a b", "\t", "é", "\0"),
    *(
        "=",
        ",",
        ".",
        "/",
        "@",
        "+",
        "++",
        "~",
        ":",
        "$",
        "${",
        "}",
        "{",
        "[",
        "]",
        "(",
        ")",
        "${seed}",
        "${hydra:mode}",
    ),
    *(
        "choice(",
        "range(0,2)",
        "interval(0,1)",
        "glob(*)",
        "sort(1,2)",
        "shuffle(1,2)",
        "int(",
        "str(1)",
        "extend_list(",
    ),
]
WORDS = st.one_of(
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6).map("".join),
    st.builds("{}={}".format, st.sampled_from(TOKENS[:17]), st.lists(st.sampled_from(TOKENS), max_size=5).map("".join)),
    st.text(max_size=8),
)


def _check_garbage(words: list[str], grid: bool) -> None:
    overrides = ["problem=iris", "trainer=supervised/logistic", *words, *(["hydra.mode=MULTIRUN"] if grid else [])]
    try:
        config, is_grid = compose_any(LOAD, overrides)
        plans = plan_grid(LOAD, config, overrides) if is_grid else [freeze(config)]
        for plan in plans:
            assert plan.folder.is_relative_to(Path(plan.config["root"]) / plan.config["name"] / "runs")
    except Refused:
        pass


@settings(FEW, max_examples=80)
@given(st.lists(WORDS, min_size=1, max_size=2), st.booleans())
def test_garbage_is_refused(words: list[str], grid: bool) -> None:
    _check_garbage(words, grid)


@pytest.mark.slow
@settings(MANY, max_examples=2000)
@given(st.lists(WORDS, min_size=1, max_size=3), st.booleans())
def test_much_garbage_is_refused(words: list[str], grid: bool) -> None:
    _check_garbage(words, grid)


# --- Hydra's own words ------------------------------------------------------------------------------------------------


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process: what it prints on stdout."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["paralab", *arguments])
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return str(out)

    return call


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Hydra's --info adds handlers to the root logger."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


CHOSEN = ("problem=digits", "trainer=supervised/mlp")


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (["--help"], ["paralab train", "label_efficiency", "supervised/mlp", "checkpoint_seconds: ", "--trust"]),
        ([*CHOSEN, "-h"], ["learning_rate: 0.003", "paralab.datasets.bundled.digits"]),
        ([*CHOSEN, "--cfg", "job"], ["learning_rate: 0.003", "horizon: ${budget.steps}", "seed: 0"]),
        ([*CHOSEN, "--cfg", "job", "--resolve", "budget.steps=9"], ["horizon: 9"]),
        ([*CHOSEN, "--cfg", "job", "-p", "trainer"], ["# @package trainer", "learning_rate: 0.003"]),
        ([*CHOSEN, "--cfg", "hydra"], ["ParalabSweeper"]),
        ([*CHOSEN, "--cfg", "all"], ["ParalabSweeper", "learning_rate: 0.003"]),
        (
            ["experiment=label_efficiency", "--cfg", "job"],
            ["name: label_efficiency", "Logistic", "labels: 20", "seed: 0"],
        ),
        (["seed=4,5", "-m", *CHOSEN, "--cfg", "job"], ["seed: 4"]),
        ([*CHOSEN, "--info", "defaults"], ["trainer/supervised/mlp"]),
        ([*CHOSEN, "--info", "searchpath"], ["file://"]),
        ([*CHOSEN, "--info"], ["file://", "trainer/supervised/mlp"]),
    ],
    ids=lambda value: " ".join(value[-2:]),
)
def test_hydra_s_options_work(words: list[str], holds: list[str], cli: Cli) -> None:
    out = cli("train", *words)
    assert all(text in out for text in holds), out
    assert not list(Path.cwd().iterdir())


def test_a_conf_of_one_s_own_is_seen_everywhere(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folders()[0] / "problem" / "iris.yaml"
    for folder, name in (("conf", "here"), ("there", "elsewhere")):
        (Path(folder) / "problem").mkdir(parents=True)
        (Path(folder) / "problem" / f"{name}.yaml").write_text(own.read_text())
    monkeypatch.setenv("COMP_LINE", "paralab train --config-dir=there problem=")
    for out in (
        cli("list", "problems", "--config-dir", "there"),
        cli("train", "--help", "-cd", "there"),
        cli("-sc", "query=bash"),
    ):
        assert {"here", "elsewhere", "digits"} <= set(out.replace("problem=", " ").replace(",", " ").split())
    assert "load_iris" not in cli("train", "problem=elsewhere", CHOSEN[1], "--config-dir=there", "--cfg", "job")


# --- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("paralab ", {"train", "report", "runs", "list"}),
        ("paralab tr", {"train"}),
        ("paralab list ", {"problems", "trainers", "experiments"}),
        ("paralab train prob", {"problem="}),
        ("paralab train problem=", {f"problem={name}" for name in names("problem", folders())}),
        ("paralab train trainer=supervised/", {"trainer=supervised/mlp", "trainer=supervised/ridge"}),
        ("paralab train experiment=", {"experiment=label_efficiency"}),
        ("paralab train trainer=supervised/mlp trainer.learn", {"trainer.learning_rate="}),
        ("paralab train problem=digits trainer=supervised/mlp trainer.learning_rate=", {"trainer.learning_rate=0.003"}),
        ("paralab train problem=digits budget.", {"budget.steps=", "budget.seconds="}),
        ("paralab train -m seed=1,2 problem=digits problem.pr", {"problem.probe="}),
        ("paralab train --trust mypkg. --json -q problem=digits problem.pr", {"problem.probe="}),
        ("paralab train lab", {"labels="}),
        ("paralab train sel", {"select="}),
        ("paralab report ", {"mine"}),
        ("paralab runs m", {"mine"}),
    ],
)
def test_tab_offers(line: str, offers: set[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("experiments/mine").mkdir(parents=True)
    monkeypatch.setenv("COMP_LINE", line)
    assert offers <= set(cli("-sc", "query=bash").split())


@pytest.mark.parametrize(
    "words",
    [
        "train '",
        "train problem=digts trainer.",
        "train = ",
        "train --nope x",
        "train -cd nope problem=",
        "x y z",
        "train ${",
    ],
)
def test_tab_on_a_line_half_typed_is_silent(words: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_LINE", f"paralab {words}")
    assert len(cli("-sc", "query=bash").splitlines()) <= 1


def test_tab_in_bash(tmp_path: Path) -> None:
    """As a shell does it: install by eval, then ask for the reply to a line."""
    script = """
    eval "$(paralab -sc install=bash)"
    ask() {
        COMP_LINE="$1" COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD=$2
        hydra_bash_completion
        echo "${COMPREPLY[@]}"
    }
    ask "paralab tr" 1
    ask "paralab train prob" 2
    ask "paralab train trainer=supervised/m" 2
    complete -p paralab
    eval "$(paralab -sc uninstall=bash)"
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == ""
    verb, key, value, rule = done.stdout.splitlines()
    assert (verb, key, value) == ("train", "problem. problem=", "trainer=supervised/mlp")
    assert "hydra_bash_completion" in rule
