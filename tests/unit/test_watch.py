"""An experiment's sweep as another process sees it: from its folders alone, whatever state they are in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paralab.cli.watch import board_of
from paralab.record.holder import born
from paralab.record.plan import Plan
from paralab.sweep import manifest
from paralab.sweep.look import Look
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

ROOT = Path("experiments")


@pytest.fixture
def hold() -> Iterator[Callable[[Path], None]]:
    """Make a run folder one that a living process writes."""
    with subprocess.Popen(["sleep", "600"]) as holder:

        def held(folder: Path) -> None:
            lock = {"pid": holder.pid, "host": socket.gethostname(), "born": born(holder.pid)}
            (folder / "lock.json").write_text(json.dumps(lock))

        try:
            yield held
        finally:
            holder.kill()


def planned(seeds: int, root: Path = ROOT, name: str = "demo") -> list[Plan]:
    """A sweep of runs as `write_run` leaves them, none of them begun."""
    made = []
    for seed in range(seeds):
        place = write_run(ROOT / "aside", seed=seed, experiment=name)
        config = {"name": name, "root": str(root), "seed": seed, "budget": {"steps": None}}
        config["trainer"] = {"default_steps": 60}
        said = ("problem=digits", "trainer=supervised/logistic", f"seed={seed}")
        made.append(Plan(config, "digits", "supervised/logistic", place.parent.name, said))
    shutil.rmtree(ROOT / "aside")
    manifest.write(made)
    return made


def states(look: Look) -> list[str]:
    return [run.state for run in look.again()]


def tree(root: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*"))}


def test_a_sweep_at_every_stage(hold: Callable[[Path], None]) -> None:
    planned(6)
    look = Look(ROOT, "demo")
    assert states(look) == ["waiting"] * 6
    write_run(ROOT, seed=0)
    write_run(ROOT, seed=1, status="failed", score=None, error="it broke")
    write_run(ROOT, seed=2, status="running", score=None)  # its process was killed
    under_way = write_run(ROOT, seed=3, status="running", score=None)
    (under_way / "history.jsonl").write_text('{"step": 7, "seconds": 1, "valid/accuracy": 0.5}\n{"step": 8, "sec')
    hold(under_way)
    write_run(ROOT, seed=4, status="pruned", score=None)
    before = tree(ROOT)
    assert states(look) == ["finished", "failed", "interrupted", "running", "pruned", "waiting"]
    board = board_of(look.again(), time.time())
    assert (board.total, board.left, len(board.running)) == (6, 1, 1)
    row = board.running[3]
    assert (row.step, row.steps, row.score) == (7, 60, ("valid/accuracy", 0.5))
    assert board.best == {("digits", "test/accuracy"): (0.9, ("digits", "supervised/logistic", "seed=0"))}
    assert tree(ROOT) == before
    (under_way / "lock.json").unlink()
    shutil.rmtree(under_way)
    write_run(ROOT, seed=3)
    shutil.rmtree(ROOT / "demo/runs/digits/supervised/logistic", ignore_errors=True)
    assert states(look)[0] == "finished"  # it was seen
    assert Counter(states(look)) == {"finished": 1, "waiting": 5}


def test_it_is_seen_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The plans name their root as it was typed where the sweep began."""
    planned(2)
    write_run(ROOT, seed=1)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert states(Look(tmp_path / ROOT, "demo")) == ["waiting", "finished"]


def test_the_newest_sweep_is_looked_at_and_a_torn_plan_is_waited_for() -> None:
    planned(2)
    look = Look(ROOT, "demo")
    assert len(look.again()) == 2
    planned(5)
    newest = max((ROOT / "demo/sweeps").glob("*/manifest.jsonl"), key=lambda path: len(path.read_text()))
    whole = newest.read_text()
    later = time.time_ns() + 10**9
    newest.write_text(whole[:-20])
    os.utime(newest, ns=(later, later))
    assert len(look.again()) == 2
    newest.write_text(whole)
    os.utime(newest, ns=(later + 1, later + 1))
    assert len(look.again()) == 5


def test_runs_beside_a_sweep_that_is_over(hold: Callable[[Path], None]) -> None:
    planned(1)
    single = write_run(ROOT, "supervised/mlp", status="running", score=None)
    hold(single)
    look = Look(ROOT, "demo")
    assert len(look.again()) == 1
    write_run(ROOT, seed=0)
    assert [run.folder for run in look.again()][1:] == [single]
    shutil.rmtree(single)
    assert states(look) == ["finished"]


def test_single_runs_without_a_plan(cli: Cli) -> None:
    assert cli("train", "problem=iris", "trainer=supervised/logistic", "labels=30", "-q")[0] == 0
    code, out, err = cli("watch", "scratch")
    assert (code, err) == (0, "")
    assert "1 of 1 finished, 0 running, 0 left" in out
    write_run(ROOT, experiment="scratch", status="failed", score=None, error="odd \x1b[31m")
    code, out, err = cli("watch", "scratch", "--once")
    assert (code, err) == (0, "")
    assert "1 of 2 finished, 1 failed" in out
    assert "odd  [31m" in out
    said = json.loads(cli("watch", "scratch", "--json", "--once")[1])
    assert (said["total"], said["finished"], said["failed"], said["left"]) == (2, 1, 1, 0)
    assert said["best"][0]["metric"] == "test/accuracy"


def orphan() -> None:
    """Make the sweeps ones whose driver is gone: there is no process of this number."""
    for starts in ROOT.glob("*/sweeps/*/starts.jsonl"):
        starts.write_text(json.dumps({**json.loads(starts.read_text()), "pid": 2**22 + 1}) + "\n")


def test_a_sweep_of_which_nothing_runs(cli: Cli) -> None:
    planned(3)
    assert "the workers are starting" in cli("watch", "demo", "--once")[1]
    orphan()
    code, out, _ = cli("watch", "demo", "--once")
    assert code == 0
    assert "0 of 3 finished, 0 running, 3 left\nnothing runs here now" in out


def test_no_such_experiment_is_one_line(cli: Cli) -> None:
    (ROOT / "demo").mkdir(parents=True)
    code, out, err = cli("watch", "dem")
    assert (code, out) == (2, "")
    assert err == "paralab: no experiment 'dem' in experiments. Did you mean 'demo'?\n"
    assert cli("watch", "demo") == (0, "demo has no run yet\n", "")


def test_it_ends_when_the_sweep_does(cli: Cli) -> None:
    """A real one, in a process of its own, looked at without a pause as its folders change."""
    words = ["problem=iris", "trainer=supervised/logistic", "trainer.C=1,2,3,4", "seed=range(6)"]
    sweep = [sys.executable, "-m", "paralab", "train", *words, "executor=inline", "-m", "-q"]
    with subprocess.Popen(sweep, stdout=subprocess.DEVNULL) as driver:
        try:
            while not list(ROOT.glob("scratch/sweeps/*/manifest.jsonl")):
                assert driver.poll() is None
                time.sleep(0.05)
            look, done = Look(ROOT, "scratch"), [0]
            while done[-1] < 12:
                board = board_of(look.again(), time.time())
                assert (board.total, board.counts["failed"]) == (24, 0)
                done.append(board.done)
                assert driver.poll() is None or done[-1] == 24
            code, out, _ = cli("watch", "scratch", "--interval", ".1")
            assert (code, driver.wait(60)) == (0, 0)
        finally:
            driver.kill()
    assert done == sorted(done)
    assert "24 of 24 finished, 0 running, 0 left" in out


def test_of_a_study_that_has_ended_the_trials_are_listed_until_another_sweep_begins(cli: Cli) -> None:
    planned(2)
    for seed in range(2):
        write_run(ROOT, seed=seed)
    trials = [
        {"number": number, "state": "complete" if number else "failed", "value": number / 100 if number else None,
         "params": {"trainer.C": f"{number}\x1b"}}
        for number in range(23)
    ]  # fmt: skip
    home = ROOT / "demo/sweeps/study"
    home.mkdir()
    summary = {"objective": "accuracy", "counts": {"complete": 22, "failed": 1}, "trials": trials}
    (home / "summary.json").write_text(json.dumps(summary))
    code, out, err = cli("watch", "demo")
    assert (code, err) == (0, "")
    assert (
        "its study: 23 trials, 22 complete, 1 failed; valid/accuracy, best first:\n    22  complete     0.22  C=22"
        in out
    )
    assert "\n  and 3 more: paralab watch demo --json\n" in out
    assert "\x1b" not in out
    _, out, _ = cli("watch", "demo", "--json")
    assert json.loads(out)["trials"] == trials
    later = time.time_ns() + 10**9
    os.utime(next((ROOT / "demo/sweeps").glob("*/starts.jsonl")), ns=(later, later))
    _, out, _ = cli("watch", "demo")
    assert "2 of 2 finished" in out
    assert "its study" not in out


def test_what_was_there_before_the_sweep_is_no_part_of_its_pace() -> None:
    planned(4)
    look = Look(ROOT, "demo")
    for seed in range(3):
        path = write_run(ROOT, seed=seed) / "scores.json"
        os.utime(path, (time.time() + seed - 1.5, time.time() + seed - 1.5))
    runs = look.again()
    assert look.started is not None  # this very process
    board = board_of(runs, look.started + 10, look.started)
    assert (board.there, board.counts["finished"], board.ends) == (2, 3, 1)
    orphan()
    look.again()
    assert look.started is None
