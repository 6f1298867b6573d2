"""Sweeps by the command line, stopped in every way: nothing finished is lost, and no process stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Cli

LONG = ["problem=corridor", "trainer=reinforcement/q_table", "budget.steps=100000000", "checkpoint_seconds=1000"]
SHORT = ["problem=corridor", "trainer=reinforcement/q_table", "budget.steps=2000"]


class Sweep:
    """A sweep in a process of its own, whose descendants are known by a mark in their environment."""

    def __init__(self, *overrides: str) -> None:
        self.mark = f"MARK={uuid.uuid4()}"
        name, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "paralab", "train", *overrides, "-m"],
            env={**os.environ, name: value}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def alive(self) -> list[int]:
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.mark.encode() in (place / "environ").read_bytes():
                    found.append(int(place.name))
        return found

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


@pytest.fixture
def start() -> Iterator[Callable[..., Sweep]]:
    sweeps: list[Sweep] = []

    def begin(*overrides: str) -> Sweep:
        sweeps.append(Sweep(*overrides))
        return sweeps[-1]

    yield begin
    for sweep in sweeps:
        for pid in sweep.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sweep.process.communicate()


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 120
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def seeds() -> list[Path]:
    return sorted(Path.cwd().glob("experiments/scratch/runs/*/*/*/*/seed-*"))


def under_way(count: int) -> Callable[[], bool]:
    """Whether so many runs have told of a snapshot."""
    return lambda: (
        sum((each / "history.jsonl").exists() and (each / "history.jsonl").stat().st_size > 0 for each in seeds())
        >= count
    )


def statuses() -> list[str]:
    return [json.loads((each / "record.json").read_text())["status"] for each in seeds()]


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_once_all_runs_write_their_checkpoints(start: Callable[..., Sweep], sent: int, code: int) -> None:
    sweep = start(*LONG, "seed=range(4)", "executor.workers=2")
    until(under_way(2))
    os.killpg(sweep.process.pid, sent)  # as a terminal sends it: to all
    ended, out, err = sweep.end()
    assert ended == code
    assert statuses() == ["interrupted"] * 2
    assert all(any((each / "checkpoint").iterdir()) for each in seeds())
    assert "Traceback" not in out + err
    assert "the same command goes on from there" in err
    until(lambda: not sweep.alive())


@pytest.mark.slow
def test_twice_all_ends_at_once(start: Callable[..., Sweep]) -> None:
    sweep = start(*LONG, "trainer.every=100000000", "seed=range(4)", "executor.workers=2")  # no snapshot ever
    until(lambda: len(seeds()) == 2 and all((each / "record.json").exists() for each in seeds()))
    sweep.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert sweep.process.poll() is None
    sweep.process.send_signal(signal.SIGINT)
    ended, out, err = sweep.end()
    assert ended == 130
    assert "Traceback" not in out + err
    assert "stopped at once" in err
    until(lambda: not sweep.alive())


@pytest.mark.slow
def test_a_driver_that_is_killed_leaves_checkpoints_and_no_process(start: Callable[..., Sweep]) -> None:
    sweep = start(*LONG, "seed=range(3)", "executor.workers=2")
    until(under_way(2))
    sweep.process.kill()
    until(lambda: not sweep.alive())
    assert statuses() == ["interrupted"] * 2
    assert all(any((each / "checkpoint").iterdir()) for each in seeds())


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_and_what_is_there_is_not_run_again(start: Callable[..., Sweep], cli: Cli) -> None:
    words = [*SHORT, "seed=range(2)", "budget.steps=2000,30000", "executor.workers=2"]
    sweep = start(*words)
    until(lambda: any((each / "scores.json").exists() for each in seeds()))
    sweep.process.send_signal(signal.SIGINT)
    sweep.end()
    finished = {each: (each / "scores.json").stat().st_mtime_ns for each in seeds() if (each / "scores.json").exists()}
    code, out, _ = cli("train", *words, "-m")
    assert code == 0
    assert statuses() == ["finished"] * 4
    assert "4 of 4 runs finished" in out
    for each, written in finished.items():
        assert (each / "scores.json").stat().st_mtime_ns == written
    code, out, _ = cli("train", *words, "-m")
    assert (code, "4 of them already there" in out) == (0, True)


def test_a_run_that_is_refused_leaves_the_others_and_what_is_there_is_taken(cli: Cli) -> None:
    words = ["problem=cartpole,corridor", *SHORT[1:], "seed=range(2)", "executor=inline", "-m"]
    code, _, err = cli("train", *words)
    assert code == 2
    assert statuses() == ["finished"] * 2
    assert "Traceback" not in err
    code, out, _ = cli("train", *SHORT, "seed=range(2)", "executor=inline", "-m")
    assert code == 0
    assert "2 of them already there" in out


def test_one_run_to_do_is_done(cli: Cli) -> None:
    code, out, _ = cli("train", *SHORT, "seed=5,6", "executor=inline", "-m")
    assert code == 0
    before = {each: (each / "scores.json").stat().st_mtime_ns for each in seeds()}
    code, out, _ = cli("train", *SHORT, "seed=5,6,7", "executor=local", "executor.workers=2", "-m")
    assert (code, len(seeds())) == (0, 3)
    assert "3 of 3 runs finished" in out
    for each, written in before.items():
        assert (each / "scores.json").stat().st_mtime_ns == written


def test_inline_runs_in_this_process_and_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab import run as loop
    from paralab.sweep import job

    pids: list[int] = []
    true = loop.run

    def run(*plans: object, **told: object) -> object:
        pids.append(os.getpid())
        return true(*plans, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(job, "run", run)
    code, _, _ = cli("train", *SHORT, "seed=1,2", "executor=inline", "-m")
    assert code == 0
    assert pids == [os.getpid()] * 2


def test_numbers_of_an_executor_are_refused_in_a_line(cli: Cli) -> None:
    code, out, err = cli("train", *SHORT, "seed=1,2", "executor.workers=-1", "-m")
    assert (code, out) == (2, "")
    assert "executor.workers=-1: at least 1" in err
