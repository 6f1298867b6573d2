"""Tuning: what is sampled, what a restart keeps, that nothing is chosen on what is reported, and what is refused."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig

from paralab import train
from paralab.compose import loader
from paralab.errors import Refused
from paralab.guard import TUNING as FIELDS
from paralab.problems.classification import Classification
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import PRUNE, Result
from paralab.seeds import TUNING
from paralab.sweep.drain import Outcome
from paralab.sweep.plan import compose_any
from paralab.tune import sampling
from paralab.tune.options import Tuning
from paralab.tune.points import Points
from paralab.tune.result import rows
from paralab.tune.space import Interval, axes
from paralab.tune.study import counted, opened
from paralab.tune.trials import Trials
from tests.conftest import Cli

IRIS = ("problem=iris", "trainer=supervised/logistic", "labels=30")
C = "trainer.C=tag(log,interval(1e-2,1e2))"
OPTUNA = ("-m", "-q", "executor=inline", "hydra/sweeper=optuna")


def study(cli: Cli, *words: str, trials: int = 3, report: int = 0, code: int = 0) -> dict[str, Any]:
    """What `paralab train --json` says of a study of logistic regressions on iris."""
    counts = (f"hydra.sweeper.n_trials={trials}", f"hydra.sweeper.report_seeds={report}")
    got, out, err = cli("train", *IRIS, *OPTUNA, *counts, *words, "--json")
    assert got == code, err
    said: dict[str, Any] = json.loads(out)
    return said


def params(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [trial["params"] for trial in said["trials"]]


def records(pattern: str = "seed-2147*") -> dict[str, str]:
    """When each tuning run was begun, by its folder."""
    found = sorted(Path("experiments").glob(f"*/runs/*/*/*/*/{pattern}/record.json"))
    return {str(path.parent): files.read_json(path)["started"] for path in found}


# --- what is sampled --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_and_repeats_nothing(cli: Cli) -> None:
    """n_trials is the total; what is drawn follows the study's seed and the trial's number, whenever it is asked."""
    first = study(cli, C, "hydra.sweeper.sampler=random", trials=2)
    begun = records()
    more = study(cli, C, "hydra.sweeper.sampler=random", trials=4)
    whole = study(cli, C, "hydra.sweeper.sampler=random", "name=whole", trials=4)
    other = study(cli, C, "hydra.sweeper.sampler=random", "hydra.sweeper.study_seed=1", trials=2)
    assert params(more)[:2] == params(first)
    assert params(more) == params(whole)
    assert len({tuple(each.values()) for each in params(whole)}) == 4
    assert params(other) != params(first)
    assert first["study"] == more["study"] != other["study"]
    assert begun.items() <= records().items()


def test_a_grid_is_run_once_each_and_ends(cli: Cli) -> None:
    words = ("trainer.C=choice(1,10)", "trainer.class_weight=null,balanced", "hydra.sweeper.sampler=grid")
    said = study(cli, *words, trials=9)
    points = {tuple(each.values()) for each in params(said)}
    assert points == {("1", "null"), ("1", "balanced"), ("10", "null"), ("10", "balanced")}
    assert said["counts"] == {"complete": 4}
    assert params(study(cli, *words, "name=again", trials=9)) == params(said)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_samplers_draw_the_same_from_the_same_seed_and_learn(sampler: Any) -> None:
    """On a bowl with its best at (10, .5); TPE and CMA-ES come to draw near it, random search (-.42) never does."""
    space = {"x": Interval(1, 100, log=True, whole=True), "y": Interval(0, 1, log=False, whole=False)}
    tuning = Tuning(60, sampler, "none", 1, 1, 0)
    seen = []
    for _ in range(2):
        made = optuna.create_study(direction="maximize")
        for _ in range(tuning.n_trials):
            trial = sampling.ask(made, space, tuning)
            x, y = trial.params["x"], trial.params["y"]
            made.tell(trial, -((np.log10(x) - 1) ** 2) - (y - 0.5) ** 2)
        seen.append([(trial.params["x"], trial.params["y"]) for trial in made.trials])
        late = [trial.value for trial in made.trials[-20:]]
    assert seen[0] == seen[1]
    assert (np.mean(late) > -0.2) == (sampler != "random")


@given(
    low=st.floats(1e-6, 1e3), width=st.floats(1e-3, 1e6), log=st.booleans(), whole=st.booleans(), place=st.floats(0, 1)
)
def test_an_interval_holds_what_is_drawn_of_it(low: float, width: float, log: bool, whole: bool, place: float) -> None:
    ends = (float(int(low) + 1), float(int(low + width) + 2)) if whole else (low, low + width)
    interval = Interval(*ends, log=log, whole=whole)
    value = interval.at(place)
    assert isinstance(value, int if whole else float)
    assert ends[0] <= float(value) <= ends[1]
    if not whole:
        assert interval.place(float(value)) == pytest.approx(place, abs=1e-3)
    assert 0 <= interval.place(float(value)) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("text", "whole", "low", "high", "step"),
    [
        ("interval(1, 10)", True, 1, 10, 1),
        ("interval(start=1,end=10)", True, 1, 10, 1),
        ("int(interval(1,10))", True, 1, 10, 1),
        ("tag(log, interval(1,10))", True, 1, 10, 1),
        ("interval(1.0, 10)", False, 1, 10, 1),
        ("interval(1e-4, 1e-1)", False, 1e-4, 1e-1, 1),
        ("range(1,10,4)", True, 1, 9, 4),
    ],
)
def test_an_axis_is_whole_where_both_ends_are(text: str, whole: bool, low: float, high: float, step: int) -> None:
    (axis,) = axes(DictConfig({"hydra": {"sweeper": {"params": {"trainer.x": text}}}}), [])
    assert axis == ("trainer.x", Interval(low, high, log="log" in text, whole=whole, step=step))


# --- fairness ---------------------------------------------------------------------------------------------------------


def test_test_rows_are_the_same_for_all_and_seen_by_no_trial(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []
    judge = Classification.evaluate

    def evaluate(self: Classification, model: Any, split: Any) -> Any:
        asked.append((self.scenario.seed, split))
        return judge(self, model, split)

    monkeypatch.setattr(Classification, "evaluate", evaluate)
    said = study(cli, C, "hydra.sweeper.seeds=2", trials=2, report=2)
    assert {split for seed, split in asked if seed >= TUNING} == {"valid"}
    assert {seed for seed, split in asked if split == "test"} == {0, 1}
    tuned = [Path(folder) for folder in records()]
    reported = [Path(folder) for folder in said["winner"]["runs"]]
    assert (len(tuned), len(reported)) == (4, 2)
    tests = [files.read_arrays(folder / "scenario.npz")["test"] for folder in (*tuned, *reported)]
    assert all(np.array_equal(each, tests[0]) for each in tests)
    for folder in tuned:
        scores = files.read_json(folder / "scores.json")
        assert {name.split("/")[0] for name in scores} == {"valid", "train", "cost"}
        assert not (folder / "predictions.npz").exists()
        assert scores["cost/feedback"] == 30
    assert all((folder / "predictions.npz").exists() for folder in reported)
    assert said["feedback"] == 4 * 30
    for trial in said["trials"]:
        assert trial["value"] == pytest.approx(np.mean(trial["values"]))
        assert len(trial["values"]) == 2
    means = [files.read_json(folder / "scores.json")["test/accuracy"] for folder in reported]
    assert said["winner"]["test"]["mean"] == pytest.approx(np.mean(means))
    assert said["winner"]["valid"] == max(trial["value"] for trial in said["trials"])


@pytest.mark.slow
def test_the_winners_command_is_the_winners_runs(cli: Cli) -> None:
    """Also where an experiment holds the search space."""
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/space.yaml").write_text(
        "# @package _global_\nname: space\nlabels: 30\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    n_trials: 2\n"
        "    report_seeds: 2\n    params:\n      problem: iris\n      trainer: supervised/logistic\n"
        "      trainer.C: tag(log, interval(1e-2, 1e2))\n      trainer.class_weight: choice(balanced)\n"
    )
    code, out, err = cli("train", "experiment=space", "executor=inline", "--json")
    assert code == 0, err
    said = [json.loads(out), study(cli, C, "trainer.max_iter=range(50,90,20)", report=2)]
    for each in said:
        code, out, err = cli(*shlex.split(each["winner"]["command"])[1:], "executor=inline", "--json")
        assert code == 0, err
        assert sorted(run["folder"] for run in json.loads(out)) == sorted(each["winner"]["runs"])
    home = Path(said[0]["study"])
    assert {"summary.json", "study.json", "journal.log", "history.svg", "history.png"} <= {
        path.name for path in home.iterdir()
    }
    code, out, _ = cli("report", "space")
    assert code == 0
    table = Path("experiments/space/report/table.md").read_text()
    assert "2 finished, 2 of tuning" in out
    assert "Tuning took 2 more runs" in table
    assert "2147483648" not in table
    assert "seed=range" not in out  # a tuner would refuse it
    assert "report_seeds=10" in out


def test_the_seeds_of_tuning_are_nobody_elses(cli: Cli) -> None:
    for words in (["seed=2147483648"], ["seed=0,2147483649", "-m"]):
        code, _, err = cli("train", "problem=iris", "trainer=supervised/logistic", *words)
        assert (code, len(err.splitlines())) == (2, 1)
        assert "kept for tuning" in err
    with pytest.raises(Refused, match="kept for tuning"):
        train("iris", "supervised/logistic", seed=TUNING)
    assert not Path("experiments").exists()


# --- pruning and ends, without training -------------------------------------------------------------------------------


def source(pruner: Any = "median", seeds: int = 1, total: int = 8) -> tuple[Trials, optuna.Study]:
    load = loader()
    words = ["problem=iris", "trainer=supervised/mlp", "trainer.learning_rate=interval(1e-4,1e-1)"]
    config, _ = compose_any(load, [*words, "hydra.mode=MULTIRUN"])
    tuning = Tuning(total, "random", pruner, seeds, 1, 0)
    made = optuna.create_study(direction="maximize")
    return Trials(made, Points(load, config, words, ()), tuning, total, [].append), made


def ended(plan: Plan, value: float | None = None, end: str = "finished") -> Outcome:
    plan.folder.mkdir(parents=True, exist_ok=True)
    files.write_json(plan.folder / "record.json", {"objective": "accuracy", "feedback": 7})
    result = None if value is None else Result({"valid/accuracy": value, "cost/feedback": 9}, plan.folder, False)
    return Outcome(plan, result, None, end)


def follow(trials: Trials, plan: Plan, values: list[float]) -> int:
    """Tell scores until it asks to stop; after how many."""
    for number, value in enumerate(values, 1):
        step = 10 * number  # of 100
        assert trials.tell(plan, step, {"train/loss": 1.0}) == 0  # nothing is decided by it
        if trials.tell(plan, step, {"valid/accuracy": value}) == PRUNE:
            return number
    return 0


@pytest.mark.parametrize("pruner", ["none", "median", "hyperband"])
def test_a_trial_that_does_worse_is_pruned(pruner: Any) -> None:
    trials, made = source(pruner, total=20)
    stopped = {}
    for number in range(20):
        plan = trials.next()
        assert plan is not None
        bad = number == 19
        stopped[number] = follow(trials, plan, [0.1] * 9 if bad else [0.5 + 0.04 * step for step in range(9)])
        trials.end(ended(plan, end="pruned") if stopped[number] else ended(plan, 0.9))
    winner = trials.next()
    assert winner is not None
    assert winner.config["seed"] == 0
    assert trials.next() is None
    assert (stopped[19] > 0) == (pruner != "none")
    if pruner == "median":
        assert stopped == {number: 2 * (number == 19) for number in range(20)}
        row = rows(made)[-1]
        assert (row["state"], row["value"], row["feedback"]) == ("pruned", 0.1, 7)


def test_a_pruned_trial_takes_its_other_seeds_along() -> None:
    """The first seed decides; of the others one is under way, one has not begun."""
    trials, made = source(seeds=3)
    for _ in range(5):
        for _ in range(3):
            plan = trials.next()
            assert plan is not None
            assert follow(trials, plan, [0.5] * 3) == 0
            trials.end(ended(plan, 0.9))
    first, second = trials.next(), trials.next()
    assert first is not None
    assert second is not None
    assert (first.config["seed"], second.config["seed"]) == (TUNING, TUNING + 1)
    assert trials.tell(second, 20, {"valid/accuracy": 0.0}) == 0
    assert trials.tell(first, 10, {"valid/accuracy": 0.0}) == 0
    assert trials.tell(first, 20, {"valid/accuracy": 0.0}) == PRUNE
    assert trials.tell(second, 30, {"valid/accuracy": 0.9}) == PRUNE
    trials.end(ended(first, end="pruned"))
    trials.end(ended(second, end="pruned"))
    assert [row["state"] for row in rows(made)] == ["complete"] * 5 + ["pruned"]
    following = trials.next()
    assert following is not None
    assert following.config["seed"] == TUNING


def test_one_run_of_two_trials_serves_both() -> None:
    trials, made = source(total=2)
    made.enqueue_trial({"trainer.learning_rate": 0.01})
    made.enqueue_trial({"trainer.learning_rate": 0.01})
    plan = trials.next()
    assert plan is not None
    assert trials.next() is None
    trials.end(ended(plan, 0.7))
    assert [row["value"] for row in rows(made)] == [0.7, 0.7]


def test_what_was_under_way_is_asked_again_and_counts_once(tmp_path: Path) -> None:
    load = loader()
    words = [*IRIS, C]
    config, _ = compose_any(load, [*words, "hydra.mode=MULTIRUN"])
    points, tuning = Points(load, config, words, ()), Tuning(3, "random", "none", 1, 1, 0)

    def interrupted() -> list[dict[str, Any]]:
        with opened(points, tuning) as (made, _):
            trials = Trials(made, points, tuning, 3, [].append)
            plan = trials.next()
            assert plan is not None
            other = trials.next()
            assert other is not None
            trials.end(ended(plan, 0.5))
            trials.end(ended(other, end="interrupted"))
            return rows(made)

    first, second = interrupted(), interrupted()
    assert [row["state"] for row in first] == ["complete", "running"]
    assert [row["state"] for row in second] == ["complete", "complete", "running"]
    assert second[1]["params"] == first[1]["params"]
    journal = next(Path("experiments").glob("*/sweeps/*/journal.log"))
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "tor')
    with opened(points, tuning) as (made, _):
        assert len(counted(made)) == 2
        trials = Trials(made, points, tuning, 3, [].append)
        plan = trials.next()
        assert plan is not None
        assert trials.next() is None
        trials.end(ended(plan, 0.6))
        assert [row["state"] for row in rows(made)] == ["complete"] * 3
        assert len({json.dumps(row["params"]) for row in rows(made)}) == 3


def test_trials_that_fail_are_told_and_the_study_goes_on(cli: Cli) -> None:
    words = ("trainer.scale=auto,nonsense", "hydra.sweeper.sampler=grid")
    said = study(cli, *words)
    assert said["counts"] == {"complete": 1, "failed": 1}
    assert "nonsense" in next(trial["error"] for trial in said["trials"] if trial["error"])
    code, _, err = cli("train", *IRIS, *OPTUNA, "trainer.C=-1,-2", "hydra.sweeper.n_trials=2")
    assert (code, "none of 2 trials is complete" in err.splitlines()[-1]) == (1, True)


def test_a_space_that_no_trainer_takes_is_refused_before_the_first_trial(cli: Cli) -> None:
    code, _, err = cli("train", *IRIS, *OPTUNA, "trainer.scale=nonsense,nothing", "hydra.sweeper.n_trials=2")
    assert (code, err) == (2, "paralab: trainer.scale=nonsense is not known. Did you mean 'none'?\n")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hydra.sweeper.n_trials=0", C], "n_trials=0"),
        (["hydra.sweeper.n_trials=many", C], "n_trials=many"),
        (["hydra.sweeper.sampler=tp", C], "Did you mean 'tpe'"),
        (["hydra.sweeper.pruner=mean", C], "Did you mean 'median'"),
        (["hydra.sweeper.trials=3", C], "no 'trials' in hydra.sweeper"),
        (["+hydra.sweeper.trials=3", C], "hydra.sweeper"),
        (["++hydra.sweeper.sampler={_target_:evil.Thing}", C], "hydra.sweeper"),
        (["++hydra.sweeper.params.seed={_target_:evil.Thing}", C], "hydra.sweeper"),
        ([], "nothing is left open"),
        (["trainer.C=1"], "nothing is left open"),
        ([C, "select=false"], "select=false leaves no validation"),
        ([C, "force=true"], "force=true"),
        ([C, "sweep.force=true"], "sweep.force"),
        ([C, "sweep.zip=[trainer.C,labels]"], "sweep.force, zip"),
        ([C, "hydra.sweeper.sampler=grid"], "trainer.C has no end"),
        ([C, "hydra.sweeper.sampler=cmaes"], "two intervals"),
        (["trainer.CC=interval(1,2)"], "there is no 'CC' in trainer"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_runs(words: list[str], said: str, cli: Cli) -> None:
    code, _, err = cli("train", *IRIS, *OPTUNA, *words)
    assert (code, len(err.splitlines())) == (2, 1), err
    assert said in err
    assert not Path("experiments").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("seed=1", "seed is the tuner's own"),
        ("seed=1,2", "seed is the tuner's own"),
        ("split_seed=0,1", "split_seed says what is asked"),
        ("trainer.C=interval(1,1)", "its end has to be above"),
        ("trainer.C=tag(log,interval(0,1))", "log scale begins above 0"),
        ("trainer.C=tag(cube,interval(1,2))", "one tag there is"),
        ("trainer.C=1,2,1", "a value is there twice"),
        ("trainer.C=glob(*)", "cannot be sampled"),
    ],
)
def test_an_axis_that_cannot_be_is_refused(word: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        list(axes(DictConfig({"hydra": {"sweeper": {"params": {}}}}), [word]))


def test_a_sweepers_fields_are_plain(cli: Cli) -> None:
    """The guard's list of them is the door's, and no YAML puts anything else there."""
    from hydra_plugins.paralab_sweeper import NODE

    assert {*FIELDS, "_target_", "params"} == set(NODE)
    Path("conf/experiment").mkdir(parents=True)
    for field in ("trials: 3", "sampler: {_target_: evil.Thing}", "seeds: ${trainer}", "pruner: [median]"):
        text = f"# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    {field}\n"
        Path("conf/experiment/bad.yaml").write_text(text)
        code, _, err = cli("train", *IRIS, "experiment=bad", C)
        assert (code, len(err.splitlines())) == (2, 1), err
        assert "hydra.sweeper" in err


def test_what_has_no_validation_is_refused(cli: Cli) -> None:
    words = ["problem=iris", "trainer=reinforcement/linucb", "trainer.alpha=interval(0.1,1.0)", "labels=20"]
    code, _, err = cli("train", *OPTUNA, *words)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "no valid/accuracy to tune on" in err
    words = ["problem=iris", "trainer=unsupervised/kmeans", "trainer.clusters=2,3", "split=all"]
    code, _, err = cli("train", *OPTUNA, *words)
    assert (code, "split=all leaves no validation" in err) == (2, True)


def test_without_the_extra_it_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, err = cli("train", *IRIS, *OPTUNA, C)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "pip install 'paralab[tune]'" in err


@pytest.mark.slow
def test_a_yaml_edited_between_two_starts_is_told(cli: Cli) -> None:
    Path("conf/experiment").mkdir(parents=True)

    def said(steps: int, *words: str) -> tuple[int, str]:
        Path("conf/experiment/own.yaml").write_text(f"# @package _global_\ntrainer:\n  max_iter: {steps}\n")
        counts = ("hydra.sweeper.n_trials=1", "hydra.sweeper.report_seeds=0")
        code, _, err = cli("train", *IRIS, *OPTUNA, *counts, "experiment=own", C, *words)
        return code, err

    assert said(100) == (0, "")
    code, err = said(200)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "trainer.max_iter" in err
    assert said(200, "hydra.sweeper.study_seed=1") == (0, "")
    assert said(100) == (0, "")
    assert len(list(Path("experiments/scratch/sweeps").glob("*/study.json"))) == 2
