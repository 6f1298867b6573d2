"""Row 17. The sweep is killed and started again: only what is missing runs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paralab.record import history
from tests.faults.conftest import Start, Warm
from tests.faults.left import left, outcome, runs_in, snapshots

STEPS, SEEDS = 40, 4
WORDS = (
    "train", "problem=iris", "trainer=supervised/mlp", f"budget.steps={STEPS}", "select=true",
    "checkpoint_seconds=.03", f"seed=range({SEEDS})", "-m", "-q", "executor.workers=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What the sweep leaves when nothing goes wrong, a run a seed."""
    place = tmp_path_factory.mktemp("whole")
    subprocess.run([sys.executable, "-m", "paralab", *WORDS], cwd=place, check=True, capture_output=True)
    return {folder.name: outcome(folder) for folder in runs_in(place)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_a_random_moment_and_started_again(
    seed: int, whole: dict[str, dict[str, object]], start: Start, warm: Warm, tmp_path: Path
) -> None:
    """The driver alone, or all its processes; started again at once, or when the last of them has gone."""
    drawn = random.Random(seed)
    at = drawn.randrange(STEPS * SEEDS * 95 // 100)  # snapshots of all runs
    process = start(*WORDS)
    while process.poll() is None and snapshots(tmp_path) < at:
        time.sleep(0.005)
    assert process.poll() is None, (at, process.communicate())
    if seed % 2:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
    if seed % 4 < 2:
        _gone(process.pid)
    finished = _finished(tmp_path)
    saved = {folder.name for folder in runs_in(tmp_path) if any((folder / "checkpoint").glob("step-*"))}
    again = warm(*WORDS)
    assert again.code == 0, (at, again.err)
    _gone(process.pid)
    folders = runs_in(tmp_path)
    assert {folder.name: outcome(folder) for folder in folders} == whole, at
    now = _finished(tmp_path)
    assert {name: now[name] for name in finished} == finished, at  # not one was written again
    for folder in folders:
        if folder.name in saved - finished.keys():
            assert "resumed from step" in (folder / "run.log").read_text(), (at, folder)
        assert [row["step"] for row in history.read(folder / "history.jsonl")] == list(range(1, STEPS + 1))
        assert not (folder / "lock.json").exists() or folder.name in finished, (at, folder)


@pytest.mark.slow
def test_started_again_when_all_is_there_nothing_runs(start: Start, warm: Warm, tmp_path: Path) -> None:
    words = [*(word for word in WORDS if not word.startswith("budget")), "budget.steps=2"]
    assert start(*words).wait(300) == 0
    before, written = left(tmp_path / "experiments/scratch/runs"), _finished(tmp_path)
    done = warm(*words, "--json")
    assert done.code == 0
    assert len(json.loads(done.out)) == SEEDS
    assert left(tmp_path / "experiments/scratch/runs") == before
    assert _finished(tmp_path) == written


def _finished(place: Path) -> dict[str, tuple[int, int]]:
    """The finished runs' scores, as the file system tells files apart."""
    found = ((folder.name, folder / "scores.json") for folder in runs_in(place))
    return {name: (path.stat().st_ino, path.stat().st_mtime_ns) for name, path in found if path.exists()}


def _gone(session: int) -> None:
    """Wait until no process of the killed command is left; it is started in a session of its own."""
    end = time.monotonic() + 60
    while alive := [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and _session(path) == session]:
        assert time.monotonic() < end, alive
        time.sleep(0.05)


def _session(process: Path) -> int | None:
    try:
        said = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if said[0] in "ZX" else int(said[3])
