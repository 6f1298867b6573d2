"""The driver's side of Slurm tasks: sends runs in chunks, reads the files that say how they end, and notices loss.

submitit itself would say that a task is lost 15 s late here, and on Slurm by sacct, which needs a cluster's accounting.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from paralab.record import files
from paralab.record.folder import finished
from paralab.record.holder import held
from paralab.record.plan import Plan
from paralab.sweep.executors.slurm_task import NOW, STARTED, STOP
from paralab.sweep.job import Ended
from paralab.sweep.pool import Lost

LOOK = 1.0  # seconds between two looks at the tasks' files
T = TypeVar("T")


class Job(Protocol):
    """What is used of a submitit job."""

    @property
    def job_id(self) -> str: ...
    def done(self) -> bool: ...
    def cancel(self, check: bool = True) -> None: ...


class Chunks(Generic[T]):
    """What waits, and when it goes: a full chunk as soon as there is a slot, the rest once nothing more is added."""

    def __init__(self, size: int, slots: int) -> None:
        self.waiting: deque[T] = deque()
        self._size, self._slots, self._added = size, slots, False

    def add(self, one: T) -> None:
        self.waiting.append(one)
        self._added = True

    def ready(self, busy: int) -> list[list[T]]:
        """What goes now, where `busy` slots are taken."""
        chunks: list[list[T]] = []
        while self.waiting and busy + len(chunks) < self._slots:
            if self._added and len(self.waiting) < self._size:
                break
            chunks.append([self.waiting.popleft() for _ in range(min(self._size, len(self.waiting)))])
        self._added = False
        return chunks


@dataclass(frozen=True)
class Run:
    plan: Plan
    key: int
    future: Future[Ended] = field(default_factory=Future)


@dataclass
class Sent:
    """A task under way."""

    job: Job
    folder: Path
    left: dict[int, Run]  # by place in the task
    over: float | None = None  # since when its job has ended
    told: bool = False  # to stop


@dataclass(frozen=True)
class Cluster:
    """Where tasks go."""

    send: Callable[[Sequence[Plan], Sequence[int]], tuple[Job, Path]]
    cancels: bool  # by `Job.cancel`; else a task sees the wish in its folder
    gone: Callable[[Sequence[Job]], Collection[str]]  # the ids of those that have ended, however
    every: float  # seconds between two such questions
    log: Callable[[Job], Path]
    lag: float  # seconds after a job's end in which a network file system may still bring its last files
    leave: float  # seconds that the end waits for jobs which have nothing more to do


class SlurmPool:
    """The pool (`pool.Pool`) of a cluster; one thread of it submits, looks and cancels."""

    def __init__(self, cluster: Cluster, asked: Callable[[], int], tasks: int, jobs_per_task: int) -> None:
        self.workers = tasks * jobs_per_task
        self._cluster, self._asked = cluster, asked
        self._new: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._chunks: Chunks[Run] = Chunks(jobs_per_task, tasks)
        self._sent: list[Sent] = []
        self._jobs: list[Job] = []
        self._at_once, self._over, self._wake = False, False, threading.Event()
        self._states = time.monotonic()  # when they were asked for last
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def submit(self, plan: Plan, key: int) -> Future[Ended]:
        """A run that a task of an earlier start is still writing waits with the driver, not in a Slurm job."""
        run = Run(plan, key)
        if held(plan.folder):
            run.future.set_result(Ended("held", f"{plan.folder} is being written by another process"))
        else:
            self._new.put(run)
        return run.future

    def stop(self) -> None:
        self._at_once = True
        self._wake.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._wake.set()
        self._thread.join()

    def _watch(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is the driver's, not sbatch's or a task's
        over = False
        while not over:
            self._wake.wait(LOOK)
            self._wake.clear()
            over = self._over  # before the look: what `stop` asked before is done in it
            try:
                self._look()
            except Exception as error:  # a thread that died would let the driver wait for ever
                for run in self._taken_back():
                    run.future.set_exception(error)
        until = time.monotonic() + self._cluster.leave
        while time.monotonic() < until and not all(job.done() for job in self._jobs):
            time.sleep(0.05)

    def _look(self) -> None:
        for _ in range(self._new.qsize()):
            self._chunks.add(self._new.get())
        for sent in self._sent:
            _collect(sent)
        if time.monotonic() > self._states + self._cluster.every:
            self._states = time.monotonic()
            gone = self._cluster.gone([sent.job for sent in self._sent if sent.left])
            for sent in self._sent:
                self._check(sent, sent.job.job_id in gone)
        if self._at_once or self._asked():
            for run in self._chunks.waiting:
                run.future.set_result(_stopped(run))
            self._chunks.waiting.clear()
            for sent in self._sent:
                self._stop(sent)
        self._sent = [sent for sent in self._sent if sent.left]
        for chunk in self._chunks.ready(len(self._sent)):
            self._send(chunk)

    def _send(self, chunk: list[Run]) -> None:
        try:
            job, folder = self._cluster.send([run.plan for run in chunk], [run.key for run in chunk])
        except (OSError, RuntimeError) as error:
            why = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            for run in chunk:
                run.future.set_result(Ended("refused", f"executor=slurm: the job was not taken: {why}"))
            return
        self._jobs.append(job)
        self._sent.append(Sent(job, folder, dict(enumerate(chunk))))

    def _check(self, sent: Sent, gone: bool) -> None:
        """Give up what a job that has ended left without an end, once its last files must be visible."""
        if not gone:
            sent.over = None
        elif sent.over is None:
            sent.over = time.monotonic()
        elif time.monotonic() > sent.over + self._cluster.lag:
            why = f"its Slurm job {sent.job.job_id} was lost; see {self._cluster.log(sent.job)}"
            begun = set(os.listdir(sent.folder))
            for place, run in sent.left.items():
                if f"{place}.begun" in begun:
                    run.future.set_exception(Lost(why))
                else:  # it has no part in that
                    run.future.set_result(_stopped(run))
            sent.left.clear()

    def _stop(self, sent: Sent) -> None:
        """Ask a task to stop; one that is not to be waited for, or still in the queue, is cancelled."""
        if self._at_once or not (sent.folder / STARTED).exists():
            files.write(sent.folder / STOP, NOW.encode())
            if self._cluster.cancels:
                sent.job.cancel(check=False)
            for place, run in sent.left.items():
                run.future.set_result(_stopped(run, (sent.folder / f"{place}.begun").exists()))
            sent.left.clear()
        elif not sent.told:
            files.write(sent.folder / STOP, str(self._asked()).encode())
            sent.told = True

    def _taken_back(self) -> list[Run]:
        """All runs that have no end."""
        runs = [*self._chunks.waiting, *(run for sent in self._sent for run in sent.left.values())]
        self._sent = []
        self._chunks.waiting.clear()
        return [run for run in runs if not run.future.done()]


def _stopped(run: Run, begun: bool = False) -> Ended:
    if begun:
        return Ended("interrupted", f"{run.plan.folder}: stopped; the same command goes on from there")
    return Ended("not started", f"{run.plan.folder}: stopped before it began")


def _collect(sent: Sent) -> None:
    """Hand over the ends that the task has written; a finished run's once its scores are visible here too."""
    names = set(os.listdir(sent.folder))
    for place in [place for place in sent.left if f"{place}.json" in names]:
        ended = Ended(**files.read_json(sent.folder / f"{place}.json"))
        if ended.end not in ("finished", "there") or finished(sent.left[place].plan.folder):
            sent.left.pop(place).future.set_result(ended)
