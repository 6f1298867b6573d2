"""Sweeps through Slurm tasks on real processes: submitit's local executor, and stand-ins for a cluster's commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paralab.errors import Interrupted
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import run
from paralab.sweep.drain import Options, Outcome, drain
from paralab.sweep.executors.slurm import Slurm
from paralab.sweep.sweeper import Listed
from tests.ending import ending
from tests.unit.test_slurm import FIELDS, fake

pytestmark = pytest.mark.slow
Make = Callable[..., Plan]
ROOT = Path(__file__).parents[2]
PLAIN = Options(retry_failed=True, force=False, fail_fast=False, max_retries=0, timeout_s=None)
FAKES = {  # a cluster of one machine: jobs start at once, and have ended when their process has
    "sbatch": 'setsid sh -c "SLURM_JOB_ID=\\$\\$ exec sh $1" >/dev/null 2>&1 & '
    'echo $! >>"$0.ids"; echo "Submitted batch job $!"',
    "srun": 'while case "$1" in --unbuffered) shift;; --output|--error) log=$2; shift 2;; *) false;; esac; do :; done\n'
    'exec env SLURM_PROCID=0 "$@" 2>>"$(echo "$log" | sed "s/%j/$SLURM_JOB_ID/; s/%t/0/")"',
    "squeue": 'for id in $(cat "$(dirname "$0")/sbatch.ids"); do kill -0 $id 2>/dev/null && echo $id; done; true',
    "scancel": "kill -TERM -$1",
}


class Eyes:
    """A watcher that keeps what it is told, and may act on it."""

    trust = ("tests.",)

    def __init__(self, act: Callable[[int, int], None] = lambda key, step: None) -> None:
        self.signal, self.act = 0, act
        self.told: dict[int, list[int]] = {}
        self.said: list[str] = []

    def begin(self, key: int, plan: Plan) -> None:
        self.told.setdefault(key, [])

    def tell(self, key: int, step: int, steps: int, scores: Any) -> None:
        self.told[key].append(step)
        self.act(key, step)

    def say(self, key: int, text: str) -> None:
        self.said.append(text)

    def end(self, key: int, outcome: Outcome) -> None:
        """Seen in what `drain` returns."""


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """Whatever became of a test, its tasks end with it."""
    yield
    for pid in tasks(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def tasks(place: Path) -> list[int]:
    """The processes of all tasks that have started and may still be there."""
    started = [files.read_json(path)["pid"] for path in place.glob("**/slurm/task-*/started")]
    return [pid for pid in started if b"submitit" in cmdline(pid)]


def cmdline(pid: int) -> bytes:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def children(pid: int) -> list[int]:
    found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(each for child in found for each in children(child))]


def ran(plans: Sequence[Plan], eyes: Eyes | None = None, home: str = "home", **fields: Any) -> dict[Path, Outcome]:
    Path(home).mkdir(exist_ok=True)
    slurm = Slurm(**FIELDS | fields)
    outcomes = drain(Listed(iter(plans)), slurm, plans, PLAIN, eyes or Eyes(), Path(home))
    assert len(outcomes) == len(plans)
    return {outcome.plan.folder: outcome for outcome in outcomes}


def elsewhere(plans: Sequence[Plan], root: str) -> list[Plan]:
    return [replace(each, config={**each.config, "root": str(Path(root).absolute())}) for each in plans]


def same(one: Path, other: Path) -> None:
    """The same bytes of all that a run has learned and answered, the same scores but costs."""
    weights = [path.relative_to(one) for path in sorted(one.glob("model*/*.safetensors"))]
    assert weights or (one / "model/estimator.skops").exists()  # a zip, with the time inside
    for name in ["predictions.npz", *weights]:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    scores = [files.read_json(each / "scores.json") for each in (one, other)]
    kept = [{name: value for name, value in each.items() if not name.startswith("cost/")} for each in scores]
    assert kept[0] == kept[1]


def grid(plan: Make) -> list[Plan]:
    quick = [plan("digits", "supervised/logistic", "labels=60", f"seed={seed}", "select=true") for seed in range(3)]
    return [*quick, plan("digits", "supervised/mlp", "labels=60", "budget.steps=5")]


@pytest.mark.parametrize("cluster", ["local", None])
def test_the_same_as_in_this_process(
    plan: Make, cluster: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if cluster is None:
        fake(tmp_path / "bin", monkeypatch, **FAKES)
    plans = grid(plan)
    here, there, eyes = elsewhere(plans, "here"), elsewhere(plans, "there"), Eyes()
    outcomes = ran(there, eyes, cluster=cluster, setup=(f"export SET={tmp_path}", f"echo $SET >{tmp_path}/set"))
    for one, other in zip(here, there, strict=True):
        run(one)
        assert outcomes[other.folder].end == "finished"
        same(one.folder, other.folder)
    assert sorted(eyes.told) == [0, 1, 2, 3]
    assert eyes.told[3][-1] < 5
    assert (tmp_path / "set").read_text().strip() == str(tmp_path)


def test_a_run_that_dies_takes_only_itself_down(plan: Make) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5")
    ways = ["sound 1", "is killed", "raises", "sound 2"]
    plans = [ending(corridor, way) for way in ways]
    outcomes = list(ran(plans, jobs_per_task=4, tasks=1).values())
    ends = {outcome.plan.config_id: outcome for outcome in outcomes}
    assert [ends[way.replace(" ", "-")].end for way in ways] == ["finished", "failed", "failed", "finished"]
    assert "SIGKILL" in str(ends["is-killed"].error)
    assert "on purpose" in str(ends["raises"].error)


def test_of_a_lost_task_only_the_run_under_way_fails(plan: Make, tmp_path: Path) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5")
    plans = [ending(corridor, "sound 1"), ending(corridor, "sound 2", pause=1.0), ending(corridor, "sound 3")]

    def lose(key: int, step: int) -> None:
        if (key, step) == (1, 2):
            (pid,) = tasks(tmp_path)
            for each in (pid, *children(pid)):
                os.kill(each, signal.SIGKILL)

    ends = {outcome.plan.config_id: outcome for outcome in ran(plans, Eyes(lose), tasks=1, jobs_per_task=3).values()}
    assert [ends[f"sound-{number}"].end for number in (1, 2, 3)] == ["finished", "failed", "finished"]
    said = str(ends["sound-2"].error)
    assert "its Slurm job" in said
    assert "was lost" in said
    assert Path(said.rpartition("see ")[2]).is_file()
    assert files.read_json(plans[1].folder / "record.json")["status"] == "failed"


@pytest.mark.parametrize("signals", [[signal.SIGUSR2], [signal.SIGTERM, signal.SIGUSR2]])
def test_preempted_runs_end_as_if_nothing_had_been(plan: Make, tmp_path: Path, signals: list[signal.Signals]) -> None:
    one = plan("digits", "supervised/mlp", "labels=60", "budget.steps=400", "select=true", "force=true")
    plans = [one, plan("digits", "supervised/mlp", "labels=60", "budget.steps=400", "seed=1")]
    here, there, sent = elsewhere(plans, "here"), elsewhere(plans, "there"), threading.Event()
    for each in here:
        run(each)
    run(there[0])  # so that it is one made anew

    def preempt(key: int, step: int) -> None:
        if step > 20 and not sent.is_set():
            sent.set()
            (pid,) = tasks(tmp_path)
            for number in signals:
                for each in (pid, *children(pid)) if number == signal.SIGUSR2 else (pid,):
                    os.kill(each, number)
                time.sleep(1)

    outcomes = ran(there, Eyes(preempt), cpus_per_task=2)
    assert sent.is_set()
    assert [outcomes[each.folder].end for each in there] == ["finished"] * 2
    for mine, its in zip(here, there, strict=True):
        same(mine.folder, its.folder)
        log = (its.folder / "run.log").read_text()
        assert log.count("interrupted") == 1
        steps = [json.loads(line)["step"] for line in (its.folder / "history.jsonl").read_text().splitlines()]
        assert steps == sorted(set(steps))
    (text,) = (path.read_text() for path in Path("home/slurm").glob("*_log.out"))
    assert text.count("Requeued job") == 1
    assert len(list(tmp_path.glob("there/*/runs/.replaced/*"))) == 1


def test_once_stopped_it_goes_on_with_the_same_command(plan: Make) -> None:
    plans = [plan("digits", "supervised/mlp", "labels=60", "budget.steps=400", f"seed={seed}") for seed in range(3)]
    here, there = elsewhere(plans, "here"), elsewhere(plans, "there")

    def stop(key: int, step: int) -> None:
        eyes.signal = signal.SIGINT if step > 20 else eyes.signal

    eyes = Eyes(stop)
    with pytest.raises(Interrupted):
        ran(there, eyes, tasks=1)
    assert [(each.folder / "checkpoint").is_dir() for each in there] == [True, False, False]
    assert not (there[0].folder / "scores.json").exists()
    ran(there)
    for mine, its in zip(here, there, strict=True):
        run(mine)
        same(mine.folder, its.folder)


class Impatient(Eyes):
    """Ctrl-C, twice."""

    over = False

    @property
    def signal(self) -> int:
        if self.over and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return 0

    @signal.setter
    def signal(self, value: int) -> None:
        """Of Eyes."""


@pytest.mark.parametrize("cluster", ["local", None])
def test_stopped_at_once_nothing_is_left_behind(
    plan: Make, cluster: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if cluster is None:
        fake(tmp_path / "bin", monkeypatch, **FAKES)
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=400")
    plans = [ending(corridor, f"sound {number}", at=0, pause=0.3) for number in range(5)]
    family: list[int] = []

    def enough(key: int, step: int) -> None:
        if step > 2 and not family:
            family.extend(each for pid in tasks(tmp_path) for each in (pid, *children(pid)))
            eyes.over = True

    eyes = Impatient(enough)
    with pytest.raises(KeyboardInterrupt):
        ran(plans, eyes, cluster=cluster)
    assert len(family) > 2
    until = time.monotonic() + 20
    while any(cmdline(pid) for pid in family):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert not any((each.folder / "scores.json").exists() for each in plans)


DRIVER = """
import sys
from tests.system.test_slurm import *
from tests.system.test_slurm import _plans
if __name__ == "__main__":
    ran(_plans(), tasks=1)
"""


def _plans() -> list[Plan]:
    from paralab.compose import compose, loader
    from paralab.sweep.plan import freeze

    words = ["problem=corridor", "trainer=reinforcement/q_table", "budget.steps=8"]
    corridor = freeze(compose(loader(None), words))
    return [ending(corridor, "sound 1", at=9, pause=0.7), ending(corridor, "sound 2", at=9, pause=0.7)]


def test_runs_outlive_their_driver_and_a_second_one_waits_for_them(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], cwd=tmp_path, env=environment, start_new_session=True)
    plans = _plans()
    history = plans[0].folder / "history.jsonl"
    until = time.monotonic() + 60
    while not (history.exists() and history.read_text()):
        assert time.monotonic() < until
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    eyes = Eyes()
    outcomes = ran(plans, eyes)
    assert {outcome.end for outcome in outcomes.values()} == {"finished", "there"}
    assert any("this sweep waits" in text for text in eyes.said)
    for each in plans:
        steps = [json.loads(line)["step"] for line in (each.folder / "history.jsonl").read_text().splitlines()]
        assert steps == list(range(1, 9))
    assert not list(plans[0].folder.parents[4].glob(".replaced"))
