"""What runs inside a Slurm job: many runs, drained by this machine's own executor, each end written to a file.

The task's folder lies on the shared file system and is all that it needs of the driver, which may be gone:
started (it runs), <place>.begun (that run has), <place>.json (how it ended), stop (the driver's wish).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from paralab.core import Metrics
from paralab.errors import Interrupted
from paralab.record import files
from paralab.record.plan import Plan
from paralab.sweep.drain import Options, Outcome, drain
from paralab.sweep.executors.local import Local
from paralab.sweep.executors.slurm_relay import Relay
from paralab.sweep.job import Brief, End, Ended

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

GRACE = 60.0  # seconds from SIGTERM to the end: before, Slurm kills, requeues, or says by its other signal that it will
STARTED, STOP, NOW = "started", "stop", "now"


@dataclass(frozen=True)
class Task:
    """One Slurm job's work; submitit calls it, and again after a requeue."""

    folder: Path
    plans: tuple[Plan, ...]
    keys: tuple[int, ...]  # by which the driver knows them
    brief: Brief
    executor: Local
    cwd: Path
    path: tuple[str, ...]  # where the driver imports from

    def checkpoint(self) -> DelayedSubmission:
        """What a requeued job runs: the same, for the run folders say where to go on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def __call__(self) -> None:
        """Run what has not ended; preempted, the runs write checkpoints, then submitit requeues the job."""
        os.chdir(self.cwd)
        sys.path.extend(entry for entry in self.path if entry not in sys.path)
        if (self.folder / STOP).exists() or not self.left():
            return
        files.write_json(self.folder / STARTED, {"pid": os.getpid(), "host": socket.gethostname()})
        relay = Relay(self.brief, self._begin, self._wish)
        preempted = _watch(relay)
        runs = _Runs(self, relay)
        options = Options(retry_failed=True, force=False, fail_fast=False, max_retries=0, timeout_s=self.brief.timeout)
        with suppress(Interrupted):
            drain(runs, self.executor, runs.todo, options, relay, self.folder)
        until = time.monotonic() + GRACE
        while relay.by == "cluster" and time.monotonic() < until and not self._wish():
            time.sleep(0.2)
        if relay.by == "preemption" and self.left():
            cast(Any, signal.getsignal(preempted))(preempted, None)  # submitit's: requeues, and exits
        for place, plan in self.left():
            begun = (self.folder / f"{place}.begun").exists()
            self.write(place, Ended("interrupted" if begun else "not started", f"{plan.folder}: stopped"))

    def left(self) -> list[tuple[int, Plan]]:
        """The runs that have not ended, with their places."""
        return [(place, plan) for place, plan in enumerate(self.plans) if not (self.folder / f"{place}.json").exists()]

    def write(self, place: int, ended: Ended) -> None:
        files.write_json(self.folder / f"{place}.json", asdict(ended))

    def _begin(self, plan: Plan) -> int:
        """Note that a run begins; returns the key by which the driver knows it."""
        place = [each.folder for each in self.plans].index(plan.folder)
        with suppress(FileExistsError):
            (self.folder / f"{place}.begun").touch(exist_ok=False)
        return self.keys[place]

    def _wish(self) -> int:
        """0, or the signal by which the driver asks all to stop; raises KeyboardInterrupt where it is to be at once."""
        try:
            text = (self.folder / STOP).read_text()
        except FileNotFoundError:
            return 0
        if text == NOW:
            raise KeyboardInterrupt
        return int(text)


class _Runs:
    """The task's runs, as the source that its drain takes them from."""

    def __init__(self, task: Task, relay: Relay) -> None:
        left = task.left()
        self.todo = [_again(plan, task.folder / f"{place}.begun") for place, plan in left]
        self._task, self._relay, self._next = task, relay, iter(self.todo)
        self._places = {plan.folder: place for place, plan in left}

    def next(self) -> Plan | None:
        return next(self._next, None)

    def tell(self, plan: Plan, step: int, scores: Metrics) -> int:
        return self._relay.answer

    def end(self, outcome: Outcome) -> None:
        if outcome.end not in (
            "interrupted",
            "not started",
            "held",
        ):  # those are said at the end, where the task is not requeued
            message = "" if outcome.error is None else str(outcome.error)
            ended = Ended(cast(End, outcome.end), message, final=outcome.final)
            self._task.write(self._places[outcome.plan.folder], ended)


def _again(plan: Plan, begun: Path) -> Plan:
    """A run that began before the task was requeued goes on, also where it was to be made anew."""
    with suppress(FileNotFoundError):
        if begun.stat().st_mtime <= (plan.folder / "record.json").stat().st_mtime:
            return replace(plan, config={**plan.config, "force": False})
    return plan


def _watch(relay: Relay) -> signal.Signals:
    """Take the signals; returns the one that, as submitit asks Slurm to, says that time is up or another job is first.

    It is blocked in this thread, and so in the workers that are started from it, for Slurm may send it to them too.
    """
    preempted = signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]
    signal.pthread_sigmask(signal.SIG_BLOCK, {preempted, signal.SIGINT})

    def wait() -> None:
        relay.ask(signal.sigwait({preempted}), "preemption")

    threading.Thread(target=wait, daemon=True).start()
    if preempted != signal.SIGTERM:
        signal.signal(signal.SIGTERM, lambda number, frame: relay.ask(number, "cluster"))
    return preempted
