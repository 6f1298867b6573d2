"""`paralab compare` as it is typed."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.unit.fake_runs import write_experiment, write_run


@pytest.fixture
def experiments(tmp_path: Path) -> Path:
    root = tmp_path / "experiments"
    for seed in range(6):
        write_run(root, seed=seed, labels=20, score=0.8 + seed / 100)
        write_run(root, "supervised/forest", seed=seed, labels=20, score=0.7 + (seed % 3) / 100)
        write_run(root, "supervised/mlp", seed=seed + 3, labels=20, score=0.9 + (seed % 2) / 100)
    return root


def test_says_which_is_better_and_by_what(experiments: Path, cli: Cli) -> None:
    code, out, err = cli("compare", "demo", "--against", "forest")
    assert (code, err) == (0, "")
    assert "less forest" in out
    assert "Corrected resampled t" in out
    assert "An interval is about a new split" in out
    assert "[.048, .178]" in out or "+.11" in out


@pytest.mark.parametrize("form", ["--json", "--csv", "--markdown", "--latex"])
def test_every_form_is_printed_alone_and_the_same_twice(experiments: Path, cli: Cli, form: str) -> None:
    code, out, err = cli("compare", "demo", form)
    assert (code, err) == (0, "")
    assert cli("compare", "demo", form)[1] == out
    if form == "--json":
        assert json.loads(out)["experiment"] == "demo"
    elif form == "--csv":
        assert next(csv.reader(io.StringIO(out)))[0] == "table"
    else:
        assert out.startswith("# demo" if form == "--markdown" else r"\begin{table}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--against", "forrest"], "--against forrest: no such method. Did you mean 'forest'?"),
        (["demo", "--paired"], "cannot be paired: 6 seeds are of one alone, such as 0 of logistic"),
        (["demo", "--by", "seed"], "--by seed: a seed is the unit of analysis"),
        (["demo", "--by", "fold"], "--by fold: the folds of a data set are neither methods nor data sets"),
        (["demo", "--by", "trainr"], "--by trainr: no such setting. Did you mean 'trainer'?"),
        (["demo", "--metric", "accurcy"], "Did you mean 'accuracy'?"),
        (["demo", "--metric", "cost/seconds"], "costs stand beside every score"),
        (["demo", "--budget", "50"], "Known: 20."),
        (["demo", "--budget", "few"], "--budget few: a number of labels, or all"),
        (["demo", "--rope", "-1"], "--rope -1.0"),
        (["demo", "--json", "--csv"], "at a time"),
        (["dem"], "no experiment 'dem' in experiments. Did you mean 'demo'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(experiments: Path, cli: Cli, words: list[str], said: str) -> None:
    code, out, err = cli("compare", *words)
    assert (code, out) == (2, "")
    assert err.startswith("paralab: ")
    assert err.count("\n") == 1
    assert said in err


def test_seeds_that_do_not_match_are_not_paired(experiments: Path, cli: Cli) -> None:
    pairs = json.loads(cli("compare", "demo", "--json", "--against", "mlp")[1])["pairs"]
    assert [(pair["n"], pair["test"]) for pair in pairs] == [(6, "permutation, Welch t interval")] * 2
    assert pairs[0]["why"] == "only 3 of their seeds are the same: two independent groups"


def test_an_experiment_without_a_finished_run_says_so(tmp_path: Path, cli: Cli) -> None:
    write_run(tmp_path / "experiments", score=None, status="failed", error="boom")
    code, _, err = cli("compare", "demo")
    assert code == 2
    assert "has no finished run to compare (1 failed)" in err


def test_a_broken_list_of_published_values_is_named(experiments: Path, cli: Cli) -> None:
    (experiments / "demo" / "published.csv").write_text("problem,method,metric,value,source\nd,m,test/x,high,s\n")
    code, _, err = cli("compare", "demo")
    assert (code, "published.csv: line 2, column value: 'high' is no finite number" in err) == (2, True)


@pytest.mark.slow
def test_a_process_answers_and_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    write_experiment(tmp_path / "experiments", seeds=6)
    command = [sys.executable, "-m", "paralab", "compare", "demo"]
    whole = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert max(map(len, whole.stdout.splitlines())) <= 80
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        process.wait(60)
    finally:
        process.kill()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        process.wait(60)
