"""A study on the real pool: killed at any moment and started again, it ends with its trials, none of them run twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from paralab.record import files

WORDS = (
    "problem=iris", "trainer=supervised/mlp", "labels=60", "trainer.learning_rate=tag(log,interval(1e-3,1e-1))",
    "trainer.hidden=choice([8],[16,16])", "budget.steps=60", "-m", "-q", "--json", "executor.workers=2",
    "hydra/sweeper=optuna", "hydra.sweeper.n_trials=8", "hydra.sweeper.report_seeds=2", "hydra.sweeper.pruner=median",
)  # fmt: skip
ENDED = ("complete", "pruned")


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "paralab", "train", *WORDS, *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # a group of its own, so that its workers die with it


def kill(process: subprocess.Popen[str]) -> None:
    """The driver first; then what is left of its group, which may be nothing."""
    process.kill()
    process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def begun() -> dict[str, str]:
    """When each finished run was begun, by its folder."""
    found = sorted(Path("experiments").glob("*/runs/*/*/*/*/seed-*/scores.json"))
    return {str(path.parent): files.read_json(path.with_name("record.json"))["started"] for path in found}


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_study_ends_with_its_trials_and_repeats_none(kills: int) -> None:
    wait = random.Random(kills)
    finished: dict[str, str] = {}
    for _ in range(kills):
        process = start()
        try:
            time.sleep(wait.uniform(4, 9))
        finally:
            kill(process)
        finished |= begun()
    process = start()
    try:
        out, err = process.communicate(timeout=300)
    finally:
        kill(process)
    assert process.returncode == 0, err
    said = json.loads(out)
    assert sum(said["counts"].get(state, 0) for state in ENDED) == 8 == sum(said["counts"].values())
    assert finished.items() <= begun().items()
    assert len(said["winner"]["runs"]) == 2
    assert {row["number"] for row in said["trials"]} == set(range(8))
