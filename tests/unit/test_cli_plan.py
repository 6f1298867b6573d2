"""`paralab plan` says what `paralab train` of the same words then does; it trains nothing and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paralab.errors import Refused
from tests.conftest import Cli

GRID = ("problem=iris", "trainer=supervised/logistic,unsupervised/kmeans", "seed=range(2)")


def test_a_grid_is_told_before_and_after_it_is_run(cli: Cli) -> None:
    code, out, err = cli("plan", *GRID)
    assert (code, err) == (0, "")
    assert "4 runs of scratch: 4 missing" in out
    assert "unknown for 4 of 4" in out
    assert not list(Path.cwd().iterdir())
    assert cli("train", "-m", "executor=inline", "--quiet", *GRID[:2], "seed=0")[0] == 0
    before = sorted(Path.cwd().rglob("*"))
    code, out, err = cli("plan", *GRID, "labels=20,null")
    assert (code, err) == (0, "")
    assert "8 runs of scratch: 2 finished, 6 missing" in out
    assert "runs of the same settings: 2 of 6" in out
    assert "unknown for 4 of 6" in out
    assert "answers" in out
    assert max(map(len, out.splitlines())) <= 80
    assert sorted(Path.cwd().rglob("*")) == before
    assert "nothing is to be run" in cli("plan", *GRID[:2])[1]
    assert "to run    2" in cli("plan", *GRID[:2], "sweep.force=true")[1]


def test_json_is_one_object(cli: Cli) -> None:
    code, out, _ = cli("plan", "--json", *GRID, "sweep.exclude=['trainer=unsupervised/kmeans seed=1','seed=7']")
    said = json.loads(out)
    assert code == 0
    assert (said["runs"], said["to_run"], said["status"]["missing"]) == (3, 3, 3)
    assert [(group["trainer"], group["runs"]) for group in said["groups"]] == [
        ("supervised/logistic", 2), ("unsupervised/kmeans", 1),
    ]  # fmt: skip
    assert said["estimate"]["unknown"] == 3
    assert [plan["status"] for plan in said["plans"]] == ["missing"] * 3
    assert all(plan["folder"].startswith("experiments/scratch/runs/iris/") for plan in said["plans"])


def test_a_notice_is_on_stderr(cli: Cli) -> None:
    code, out, err = cli("plan", "--json", *GRID, "sweep.exclude=['seed=7']")
    assert (code, json.loads(out)["runs"]) == (0, 4)
    assert err == "sweep.exclude: no point of this grid is 'seed=7'\n"


def test_a_single_run_and_an_experiment_are_told(cli: Cli) -> None:
    code, out, _ = cli("plan", "problem=iris", "trainer=supervised/logistic")
    assert code == 0
    assert "1 run of scratch: 1 missing" in out
    assert "experiments/scratch/runs/iris/supervised/logistic/" in out
    code, out, _ = cli("plan", "experiment=label_efficiency", "seed=0,1")
    assert code == 0
    assert "60 runs of label_efficiency" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["problem=iris", "trainer=supervised/logistc"], "Did you mean 'supervised/logistic'"),
        (["problem=iris", "trainer=supervised/logistic", "--jsn"], "see paralab plan --help"),
        (["problem=iris", "trainer=supervised/logistic", "seed=interval(0,1)"], "only a tuner can sample"),
    ],
)
def test_what_is_wrong_is_refused(words: list[str], says: str, cli: Cli) -> None:
    code, out, err = cli("plan", *words)
    assert (code, out) == (2, "")
    assert says in err


def test_each_verb_has_its_own_help(cli: Cli) -> None:
    plan, train = cli("plan", "--help")[1], cli("train", "--help")[1]
    assert "paralab plan problem=" in plan
    assert "--quiet" not in plan
    assert "paralab train problem=" in train
    assert "--quiet" in train
    assert "seed: 3" in cli("plan", "problem=iris", "trainer=supervised/mlp", "seed=3,4", "--cfg", "job")[1]


def test_many_trainers_and_long_names_fit_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("plan", "problem=digits,breast_cancer", "trainer=semi_supervised/label_spreading,supervised/mlp")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert "semi_supervised/label_spreading" in out
    assert Refused.__name__ not in out
