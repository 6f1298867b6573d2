"""A scaffold composes, runs as it stands, and replaces nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from paralab.compose import loader
from paralab.sweep.plan import compose_any, plan_grid
from tests.conftest import Cli


def plans(name: str, *more: str) -> list[Any]:
    load, words = loader(), [f"experiment={name}", *more]
    config, grid = compose_any(load, words)
    assert grid
    return list(plan_grid(load, config, words))


def test_what_it_writes_runs_at_once_and_is_reported(cli: Cli) -> None:
    code, out, err = cli("new", "mine", "--question", 'Does "it": work # at all?')
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["conf/experiment/mine.yaml", "experiments/mine/README.md"]
    code, out, err = cli("train", "experiment=mine", "labels=50", "seed=0", "-q")
    assert (code, out.splitlines()[-2]) == (0, "2 of 2 runs finished, 0 failed"), err
    code, out, err = cli("report", "mine")
    assert (code, err) == (0, "")
    assert 'Does "it": work # at all?' in " ".join(out.split())


def test_the_whole_grid_and_the_plan_are_in_the_config(cli: Cli) -> None:
    cli("new", "mine", "--problem", "iris,wine", "--question", "Why?")
    decided = plans("mine")
    assert len(decided) == 2 * 2 * 3
    pairs = {(plan.problem, plan.config["seed"]) for plan in decided}
    assert pairs == {(problem, seed) for problem in ("iris", "wine") for seed in range(3)}
    config, _ = compose_any(loader(), ["experiment=mine"])
    assert list(config.plan) == ["serves", "decides", "scope", "deliverables", "schedule"]
    assert config.question == "Why?"
    written = yaml.safe_load(Path("conf/experiment/mine.yaml").read_text())
    assert list(written) == ["name", "question", "plan", "decision", "budget", "hydra"]
    rules = {repr(plan.config["decision"]) for plan in decided}
    assert len(rules) == 1
    assert decided[0].config["decision"]["candidate"] == {"trainer": "unsupervised/kmeans_features", "problem": "iris"}


def test_one_trainer_has_no_rule_to_be_scaffolded(cli: Cli) -> None:
    assert cli("new", "mine", "--trainers", "supervised/mlp")[0] == 0
    assert {plan.config["decision"] for plan in plans("mine")} == {None}


def test_the_rule_it_writes_is_answered_when_asked(cli: Cli) -> None:
    cli("new", "mine")
    assert cli("train", "experiment=mine", "labels=50", "seed=0", "-q")[0] == 0
    code, out, err = cli("decide", "mine")
    assert (code, err) == (3, "")
    assert "1 of the 10 paired seeds" in out
    assert "paralab train experiment=mine" in out


@pytest.mark.parametrize(
    "problem", ["digits", "diabetes", "breast_cancer_anomaly", pytest.param("cartpole", marks=pytest.mark.slow)]
)
def test_the_trainers_it_picks_learn_from_the_problem(problem: str, cli: Cli) -> None:
    assert cli("new", "mine", "--problem", problem)[0] == 0
    for plan in plans("mine", "seed=0"):
        from paralab.build import job_of

        job = job_of(plan)
        assert job.trainer.view in job.problem.views


def test_the_list_shows_the_question(cli: Cli) -> None:
    cli("new", "mine", "--question", "Why not?")
    assert "mine              Why not?" in cli("list", "experiments")[1]


@pytest.mark.parametrize("name", ["a", "a-b_c", "0x", "x" * 64, "on"])
def test_any_plain_name_will_do(name: str, cli: Cli) -> None:
    assert cli("new", name)[0] == 0
    assert plans(name)[0].folder.is_relative_to(f"experiments/{name}/runs")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["../x"], "name=../x: an experiment's name is 1 to 64 of a-z, 0-9, _ and -"),
        (["Mine"], "name=Mine: an experiment's name is"),
        (["a b"], "name=a b: an experiment's name is"),
        (["x" * 65], "an experiment's name is 1 to 64"),
        (["17"], "name=17: `paralab train experiment=17` would not take it for a name; add a letter"),
        (["null"], "name=null: `paralab train experiment=null` would not take it for a name"),
        (["label_efficiency"], "there is an experiment 'label_efficiency' already"),
        (["x", "--problem", "digts"], "problem 'digts' is not known. Did you mean 'digits'?"),
        (["x", "--problem", ","], "no problem is named; `paralab list problems` shows them"),
        (
            ["x", "--problem", "digits,diabetes"],
            "which trainers learn from digits, diabetes? Name them with --trainers",
        ),
        (
            ["x", "--trainers", "supervised/mpl"],
            "trainer 'supervised/mpl' is not known. Did you mean 'supervised/mlp'?",
        ),
        (["x", "--question", "${oc.env:HOME}"], "plain text is needed"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(words: list[str], says: str, cli: Cli) -> None:
    code, out, err = cli("new", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err
    assert not {path.name for path in Path.cwd().iterdir()} - {"state"}


@pytest.mark.parametrize("there", ["conf/experiment/mine.yaml", "experiments/mine/README.md"])
def test_nothing_is_replaced(there: str, cli: Cli) -> None:
    Path(there).parent.mkdir(parents=True)
    Path(there).write_text("name: mine\n")
    code, _, err = cli("new", "mine")
    assert code == 2
    assert "already" in err
    assert Path(there).read_text() == "name: mine\n"
    assert [path.name for path in Path.cwd().rglob("*mine*") if path.is_file()] in ([], ["mine.yaml"])
