"""`paralab report` and `paralab runs` as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from paralab.cli.report import report
from paralab.cli.runs import runs
from paralab.errors import Refused
from tests.unit.fake_runs import write_run

app = typer.Typer()
app.command()(report)
app.command()(runs)


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "80"})


def test_runs_shows_every_run(tmp_path: Path) -> None:
    write_run(tmp_path, labels=20, score=0.8765)
    write_run(tmp_path, seed=1, score=None, status="failed", error="boom")
    shown = typed("runs", "demo", "--root", tmp_path)
    assert shown.exit_code == 0
    for words in ("supervised/logistic", "finished", "0.8765", "failed", "boom"):
        assert words in shown.stdout
    listed = json.loads(typed("runs", "--json", "--root", tmp_path).stdout)
    assert [run["status"] for run in listed] == ["finished", "failed"]
    assert listed[0]["labels"] == 20
    assert listed[0]["scores"]["test/accuracy"] == 0.8765
    assert listed[1]["score"] is None


def test_runs_of_all_experiments_stand_under_their_names(tmp_path: Path) -> None:
    for name in ("label_efficiency", "scratch"):
        write_run(tmp_path, "semi_supervised/label_spreading", experiment=name, score=0.8765, seconds=0.0123)
    lines = typed("runs", "--root", tmp_path).stdout.splitlines()
    assert [line for line in lines if line in ("label_efficiency", "scratch")] == ["label_efficiency", "scratch"]
    assert len(lines) == 9  # a heading, a header, a rule and a row each, and a blank line between
    assert sum("semi_supervised/label_spreading" in line and "0.0123" in line for line in lines) == 2


@pytest.mark.parametrize("verb", ["report", "runs"])
def test_a_closed_pipe_is_no_failure(tmp_path: Path, verb: str) -> None:
    for labels in (20, 50):
        write_run(tmp_path, labels=labels)
    command = f"{sys.executable} -m paralab {verb} demo --root {tmp_path} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_runs_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    shown = typed("runs", "--root", tmp_path)
    assert shown.exit_code == 0
    assert "paralab train" in shown.stdout
    assert json.loads(typed("runs", "--json", "--root", tmp_path).stdout) == []


def test_report_prints_json(tmp_path: Path) -> None:
    write_run(tmp_path, labels=20)
    write_run(tmp_path, labels=50)
    summary = json.loads(typed("report", "demo", "--json", "--root", tmp_path).stdout)
    assert summary == json.loads((tmp_path / "demo/report/table.json").read_text())
    assert summary["figures"] == [f"{tmp_path.as_posix()}/demo/report/label_efficiency.png"]


@pytest.mark.parametrize("verb", ["report", "runs"])
def test_unknown_experiment(tmp_path: Path, verb: str) -> None:
    write_run(tmp_path)
    assert isinstance(error := typed(verb, "demos", "--root", tmp_path).exception, Refused)
    assert "Did you mean 'demo'?" in str(error)
