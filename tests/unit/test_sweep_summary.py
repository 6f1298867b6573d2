"""What a sweep prints at its end: tables over seeds, failures together, counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paralab.cli.summary import lines, summarise
from paralab.errors import Failed, Refused
from paralab.record.plan import Plan
from paralab.run import Result
from paralab.seeds import TUNING
from paralab.sweep.drain import Outcome
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

LOGISTIC = ["problem=iris", "trainer=supervised/logistic", "executor=inline", "-m", "-q"]


def finished(root: Path, setting: str, seed: int, score: float, **more: object) -> Outcome:
    problem, objective = str(more.get("problem", "digits")), str(more.get("objective", "accuracy"))
    folder = write_run(root, seed=seed, score=score, settings={"C": setting}, problem=problem, objective=objective)
    said = (f"problem={problem}", "trainer=supervised/logistic", f"trainer.C={setting}", "select=true", f"seed={seed}")
    config = {"name": "demo", "root": str(root), "seed": seed, "split": "holdout"}
    plan = Plan(config, problem, "supervised/logistic", folder.parent.name, said)
    scores = {"test/f1": 0.0, f"test/{objective}": score, f"valid/{objective}": 1 - score, "cost/seconds": 2.0}
    return Outcome(plan, Result(scores, folder, bool(more.get("there"))), None, "finished")


def failed(outcome: Outcome, why: str, log: bool = True) -> Outcome:
    folder = outcome.plan.folder
    if log:
        (folder / "run.log").write_text("Traceback")
    error = Failed(f"{folder}: {why} (traceback in run.log)") if log else Refused(why)
    return Outcome(outcome.plan, None, error, "failed" if log else "refused")


def test_a_line_a_configuration_best_first(tmp_path: Path) -> None:
    ran = [finished(tmp_path, setting, seed, score + seed / 100)
           for setting, score in (("1", 0.5), ("10", 0.8), ("100", 0.7)) for seed in range(3)]  # fmt: skip
    found = lines(ran)
    assert list(found) == [("digits", "test/accuracy")]
    best, *rest = found["digits", "test/accuracy"]
    assert (best.varied, best.seeds, best.seconds) == ({"C": "10"}, 3, 2.0)
    assert (best.mean, best.sd) == (pytest.approx(0.81), pytest.approx(0.01))
    assert [line.varied["C"] for line in rest] == ["100", "1"]


def test_returns_are_never_ranked_against_accuracies(tmp_path: Path) -> None:
    ran = [finished(tmp_path, "1", 0, 0.5), finished(tmp_path, "1", 0, 480.0, problem="cartpole", objective="return")]
    assert list(lines(ran)) == [("cartpole", "test/return"), ("digits", "test/accuracy")]


def test_a_tuner_s_trial_is_ranked_by_validation_only(tmp_path: Path) -> None:
    ran = [finished(tmp_path, setting, TUNING, score) for setting, score in (("1", 0.9), ("2", 0.1))]
    assert [line.varied["C"] for line in lines(ran)["digits", "valid/accuracy"]] == ["2", "1"]


def test_the_same_failure_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = [finished(tmp_path, "1", seed, 0.5, there=seed > 2) for seed in range(8)]
    ends = [*ran[:4], *(failed(each, "it broke") for each in ran[4:6]), failed(ran[6], "odd \x1b[31m"), ran[7]]
    assert summarise(ends, False, 10) == 1
    out = capsys.readouterr().out
    assert f"failed: 2 runs: it broke\n  one of them: {ran[4].plan.folder}\n" in out
    assert f"  traceback: {ran[4].plan.folder}/run.log\nfailed: {ran[6].plan.folder}\n  odd  [31m\n" in out
    assert "\n5 of 10 runs finished (2 of them already there), 3 failed, 2 not started\n" in out
    assert summarise([ran[0], failed(ran[1], "no", log=False)], False) == 2
    assert "next: mend what was refused" in capsys.readouterr().out


def test_what_was_pruned_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = [finished(tmp_path, "1", seed, 0.5) for seed in range(2)]
    assert summarise([ran[0], Outcome(ran[1].plan, None, None, "pruned")], False) == 0
    assert "1 of 2 runs finished, 0 failed, 1 pruned\n" in capsys.readouterr().out


def test_what_never_began_is_not_started_and_what_to_do_next_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = [finished(tmp_path, "1", seed, 0.5) for seed in range(4)]
    idle = [Outcome(each.plan, None, None, "not started") for each in ran[2:]]
    assert summarise([ran[0], *idle], False, 7) == 0
    out = capsys.readouterr().out
    assert "1 of 7 runs finished, 0 failed, 6 not started\nnext: the same command goes on" in out
    assert summarise([ran[0], failed(ran[1], "it broke"), *idle], False, 7) == 1  # fail_fast
    out = capsys.readouterr().out
    assert "1 of 7 runs finished, 1 failed, 5 not started\nnext: the same command, without" in out
    summarise([ran[0], Outcome(ran[1].plan, None, None, "interrupted"), *idle], False, 4)
    assert "1 of 4 runs finished, 0 failed, 1 interrupted, 2 not started\n" in capsys.readouterr().out


def test_many_lines_are_cut_and_wide_ones_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    summarise([finished(tmp_path, str(place), 0, place / 100) for place in range(23)], False)
    out = capsys.readouterr().out
    assert f"and 3 more: paralab report demo --root {tmp_path}" in out
    assert out.index("\n22 ") < out.index("\n3 ")
    assert "\n2 " not in out
    summarise([finished(tmp_path, str(place) * 100, 1, 0.5) for place in range(2)], False)
    assert max(map(len, capsys.readouterr().out.split("next:")[0].splitlines())) <= 80


def test_a_real_sweep(cli: Cli) -> None:
    code, out, err = cli("train", *LOGISTIC, "trainer.C=.001,1", "labels=30", "seed=range(2)")
    assert (code, err) == (0, "")
    title, head, _, best, worst, _, count, following = out.splitlines()
    assert (title, head.split()) == ("iris: test/accuracy", ["C", "seeds", "mean", "±", "sd", "seconds"])
    assert (best.split()[0], worst.split()[0]) == ("1", "0.001")
    assert (count, following) == ("4 of 4 runs finished, 0 failed", "next: paralab report scratch")
    _, out, _ = cli("train", *LOGISTIC, "labels=2,30", "--json")
    assert [(set(each), each["end"]) for each in json.loads(out)] == [
        ({"folder", "scores", "error", "end"}, "refused"), ({"folder", "scores", "error", "end"}, "finished"),
    ]  # fmt: skip
