"""Row 3. SIGTERM, SIGINT: checkpoint, status interrupted, exit 143 / 130; a second SIGINT leaves at once."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import Start, Warm
from tests.faults.left import only_run, outcome, record_of, runs_in, snapshots, until

LONG = ("train", "problem=digits", "trainer=supervised/mlp", "budget.steps=100000", "checkpoint_seconds=1000", "-q")
HANGS = """
from dataclasses import replace
from paralab.trainers.supervised import mlp
import time

train = mlp.MLP.train
def hangs(self, shown, seed, state=None):
    for count, snapshot in enumerate(train(self, shown, seed, state)):
        yield snapshot
        if count == 3:
            time.sleep(1000)
mlp.MLP.train = hangs
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_checkpoints_and_stops(number: signal.Signals, code: int, start: Start) -> None:
    process = start(*LONG)
    until(lambda: snapshots(Path()) >= 4, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "goes on from there" in said
    assert len(said.splitlines()) == 1
    folder = only_run(Path())
    assert record_of(folder)["status"] == "interrupted"
    assert list((folder / "checkpoint").glob("step-*"))
    assert not (folder / "lock.json").exists()


def test_a_second_signal_leaves_at_once(start: Start, tmp_path: Path) -> None:
    """In a step that never ends: the first signal waits for its end, the second does not."""
    (tmp_path / "sitecustomize.py").write_text(HANGS)
    process = start(*LONG, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    until(lambda: snapshots(Path()) >= 4, process)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said == "paralab: stopped at once; what was finished is kept\n"
    folder = only_run(Path())
    assert record_of(folder)["status"] == "interrupted"
    assert not (folder / "lock.json").exists()


@pytest.mark.slow
def test_what_a_signal_stopped_goes_on_exactly(warm: Warm, start: Start, tmp_path: Path) -> None:
    words = ("train", "problem=digits", "trainer=supervised/mlp", "budget.steps=300", "select=true", "-q")
    cut = tmp_path / "cut"
    cut.mkdir()
    process = start(*words, cwd=cut)
    until(lambda: snapshots(cut) > 2, process)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert process.returncode == 143
    assert warm(*words, folder=cut).code == 0
    assert warm(*words, folder=tmp_path / "whole").code == 0
    assert outcome(only_run(cut)) == outcome(only_run(tmp_path / "whole"))


def test_a_signal_stops_a_grid_between_runs_too(start: Start, tmp_path: Path) -> None:
    """Runs of one step end before they can be stopped."""
    words = ("problem=iris", "trainer=supervised/logistic", "seed=range(500)", "-m", "-q", "executor.workers=2")
    process = start("train", *words)
    until(lambda: len(_scores(tmp_path)) >= 3, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "goes on from there" in said
    assert 3 <= len(_scores(tmp_path)) < 500
    assert not [folder for folder in runs_in(tmp_path) if (folder / "lock.json").exists()]


def _scores(place: Path) -> list[Path]:
    return [folder / "scores.json" for folder in runs_in(place) if (folder / "scores.json").exists()]
