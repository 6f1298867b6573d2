"""Rows 15 and 16. A job's process is killed, as by the kernel when memory is out: that job failed, the sweep goes on.
One job of a sweep fails: the others finish, its traceback in its log and, short, in the end summary, exit code 1.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paralab.record import history
from tests.faults.conftest import Start
from tests.faults.left import record_of, runs_in, until

WORDS = ("train", "trainer=supervised/mlp", "checkpoint_seconds=.05", "-m", "executor.workers=2")


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_only_its_run_down(start: Start, tmp_path: Path) -> None:
    words = (*WORDS, "problem=iris", "budget.steps=500", "seed=range(3)")
    process = start(*words)
    until(lambda: any(_under_way(folder) for folder in runs_in(tmp_path)), process)
    victim = next(folder for folder in runs_in(tmp_path) if _under_way(folder))
    os.kill(json.loads((victim / "lock.json").read_text())["pid"], signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert {folder.name: record_of(folder)["status"] for folder in runs_in(tmp_path)} == {
        f"seed-{seed}": "failed" if victim.name == f"seed-{seed}" else "finished" for seed in range(3)
    }
    assert str(victim.relative_to(tmp_path)) in out + err
    assert "Traceback" not in out + err
    again = subprocess.run([sys.executable, "-m", "paralab", *words], capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert "resumed from step" in (victim / "run.log").read_text()
    assert record_of(victim)["status"] == "finished"


def _under_way(folder: Path) -> bool:
    begun = len(history.read(folder / "history.jsonl")) > 10 and any((folder / "checkpoint").glob("step-*"))
    return begun and not (folder / "scores.json").exists()


def test_a_job_that_fails_is_told_at_the_end(start: Start, tmp_path: Path) -> None:
    more = ("problem=diabetes", "budget.steps=10", "trainer.learning_rate=.01,1e30,.02", "trainer.weight_decay=0")
    process = start(*WORDS, *more)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    statuses = {record_of(folder)["status"]: folder for folder in runs_in(tmp_path)}
    assert sorted(record_of(folder)["status"] for folder in runs_in(tmp_path)) == ["diverged", "finished", "finished"]
    bad = statuses["diverged"]
    assert "Traceback" in (bad / "run.log").read_text()
    assert record_of(bad)["error"].startswith("Diverged: train/loss is")
    assert str(bad.relative_to(tmp_path)) in out + err
    assert "train/loss is" in out + err
    assert "Traceback" not in out + err
    assert "1 failed" in out + err
