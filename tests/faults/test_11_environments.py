"""Rows 11 and 15. An environment raises, hangs or eats all memory: that run failed, by its timeout;
the sweep goes on.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tests.faults.conftest import ROOT, Start
from tests.faults.left import record_of, runs_in

MEMORY = 24 << 30  # bytes of addresses; torch and a forkserver reserve many that they never touch
WORDS = (
    "train", "problem=gym", "problem.id=tests.faults.environments:tests/Bad-v0", "problem.episodes=2",
    "trainer=reinforcement/ppo", "budget.steps=64", "trainer.n_steps=32", "trainer.batch_size=32", "trainer.n_envs=1",
    "executor.grace_s=1", "+problem.kwargs.after=40", "--trust", "tests.", "-m", "executor.workers=2",
)  # fmt: skip


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [("raises", "division by zero"), ("eats", "Unable to allocate"), ("hangs", "no end after 5 s")],
)
def test_a_bad_environment_takes_only_its_own_run_down(fault: str, said: str, start: Start, tmp_path: Path) -> None:
    timeout = ["sweep.timeout_s=5"] if fault == "hangs" else []
    words = (*WORDS, f"+problem.kwargs.fault=nothing,{fault}", "seed=0,1", *timeout)
    process = start(*words, env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=_limited)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    records = [record_of(folder) for folder in runs_in(tmp_path)]
    assert sorted(record["status"] for record in records) == ["failed", "failed", "finished", "finished"], err
    for folder in runs_in(tmp_path):
        record = record_of(folder)
        if record["status"] == "failed":
            assert said in record["error"], record["error"]
            assert (said if fault == "hangs" else "Traceback") in (folder / "run.log").read_text()
    failed = [folder for folder in runs_in(tmp_path) if record_of(folder)["status"] == "failed"]
    assert any(str(folder.relative_to(tmp_path)) in out for folder in failed)  # failures alike are told once
    assert said in out
    assert "Traceback" not in out + err
