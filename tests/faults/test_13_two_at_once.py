"""Rows 13 and 14. Two processes, one run folder: one runs, the other refuses.
The lock of a dead process: taken over.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import time
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

import pytest

from paralab.errors import Held
from paralab.record.lock import locked
from tests.faults.conftest import Start, Warm
from tests.faults.left import only_run, outcome, snapshots, until

ROUNDS, ASKING = 30, 3
SPAWN = multiprocessing.get_context("spawn")
LONG = ("train", "problem=iris", "trainer=supervised/mlp", "budget.steps=100000", "checkpoint_seconds=0", "-q")


def _ask(folders: list[Path], barrier: Barrier, won: Any) -> None:
    for folder in folders:
        barrier.wait(60)
        try:
            with locked(folder):
                barrier.wait(60)  # until all have asked
                won.put(folder.name)
        except Held:
            barrier.wait(60)
        barrier.wait(60)  # until it is free


def _dead(folder: Path) -> None:
    """The lock of a process that is no more."""
    text = {"pid": 2**22 + 1, "host": os.uname().nodename, "born": "1"}
    (folder / "lock.json").write_text(json.dumps(text))


def test_of_processes_at_a_barrier_one_holds_the_folder(tmp_path: Path) -> None:
    """In every other round over the lock of a dead one."""
    folders = [tmp_path / str(each) for each in range(ROUNDS)]
    for folder in folders:
        folder.mkdir()
        if int(folder.name) % 2:
            _dead(folder)
    barrier, won = SPAWN.Barrier(ASKING), SPAWN.Queue()
    processes = [SPAWN.Process(target=_ask, args=(folders, barrier, won)) for _ in range(ASKING)]
    for process in processes:
        process.start()
    try:
        winners = [won.get(timeout=60) for _ in range(ROUNDS)]
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert sorted(winners) == sorted(folder.name for folder in folders)
    assert won.empty()
    assert not [path for folder in folders for path in folder.iterdir()]


def test_two_commands_of_one_run(start: Start, warm: Warm, tmp_path: Path) -> None:
    both = [start(*LONG), start(*LONG)]
    end = time.monotonic() + 120
    while all(process.poll() is None for process in both) and time.monotonic() < end:
        time.sleep(0.02)
    loser, winner = sorted(both, key=lambda process: process.returncode is None)
    _, said = loser.communicate()
    assert loser.returncode == 2, said
    assert re.fullmatch(
        rf"paralab: \S+ is being written by process {winner.pid} on \S+; wait for it, or stop it\n", said
    )
    until(lambda: snapshots(tmp_path) > 3, winner)
    winner.send_signal(signal.SIGTERM)
    assert winner.wait(60) == 143


@pytest.mark.slow
def test_the_lock_of_a_killed_command_is_taken_over(start: Start, warm: Warm, tmp_path: Path) -> None:
    words = ("train", "problem=iris", "trainer=supervised/mlp", "budget.steps=2000", "checkpoint_seconds=.05", "-q")
    process = start(*words)
    until(lambda: snapshots(tmp_path) > 3, process)
    assert warm(*words).code == 2
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    folder = only_run(tmp_path)
    assert (folder / "lock.json").exists()
    done = warm(*words)
    assert (done.code, done.err) == (0, "")
    assert not (folder / "lock.json").exists()
    assert warm(*words, folder=tmp_path / "whole").code == 0
    assert outcome(folder) == outcome(only_run(tmp_path / "whole"))


def _hold(folder: Path, ready: Event, leave: Event) -> None:
    with locked(folder):
        ready.set()
        leave.wait()


def test_a_process_that_holds_is_named(tmp_path: Path) -> None:
    ready, leave = SPAWN.Event(), SPAWN.Event()
    holder = SPAWN.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    try:
        assert ready.wait(60)
        with pytest.raises(Held, match=f"process {holder.pid} on "), locked(tmp_path):
            pass
    finally:
        leave.set()
        holder.join()
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
