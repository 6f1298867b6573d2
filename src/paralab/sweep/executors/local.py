"""This machine's cores: processes forked from a server that has imported what the runs need."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from paralab import device
from paralab.errors import Refused
from paralab.foreign import CONTROL, LEARNERS, WRAPPER
from paralab.record.plan import Plan
from paralab.sweep.cores import cores
from paralab.sweep.executors.server import server
from paralab.sweep.executors.workers import Workers
from paralab.sweep.job import Brief, Ended, ready, work
from paralab.sweep.pool import Pool, Work
from paralab.threads import set_threads
from paralab.trust import NAME, OWN

LOG = "workers.log"  # in the sweep's folder: what workers print


@dataclass(frozen=True)
class Local:
    workers: int | None  # null: as many as there are cores for
    gpus: int | None  # null: as many as torch sees
    jobs_per_gpu: int
    grace_s: float  # seconds a run out of time has to reach its next snapshot before its process is killed
    remote: ClassVar[bool] = False
    outlives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        least_of = {"workers": (self.workers, 1), "gpus": (self.gpus, 0), "jobs_per_gpu": (self.jobs_per_gpu, 1)}
        for name, (value, least) in least_of.items():
            if value is not None and value < least:
                raise Refused(f"executor.{name}={value}: at least {least}")

    @contextmanager
    def open(self, work: Work) -> Iterator[Pool]:
        threads = max(plan.config["threads"] for plan in work.plans)
        cuda = [plan.config["device"] == "cuda" for plan in work.plans]
        slots = self._slots() if any(cuda) else []
        count = self.workers or max(1, cores() // threads)
        count = min(count, len(slots)) if all(cuda) else count
        limit = None if work.brief.timeout is None else work.brief.timeout + self.grace_s
        set_threads(threads)  # before the server starts, which its workers are copies of
        with (
            server(preload(work.plans, work.brief.trust)) as context,
            Workers(count, _ready, (work.home / LOG,), context) as workers,
        ):
            yield _Pool(workers, count, slots, not all(cuda), work.brief, limit)

    def _slots(self) -> list[int]:
        """A GPU's index for each run that may be on it."""
        gpus = device.gpus() if self.gpus is None else self.gpus
        if not gpus:
            raise Refused("executor.gpus=0: runs of device=cuda have none to run on; use device=cpu, or give them one")
        return [*range(gpus)] * self.jobs_per_gpu


@dataclass
class _Waiting:
    plan: Plan
    key: int
    future: Future[Ended]


@dataclass
class _Pool:
    """Runs on cuda wait here for a slot; the workers are given those alone that may start."""

    pool: Workers
    count: int
    slots: list[int]  # free ones
    looks_ahead: bool  # past runs that wait for a slot, to those that need none
    brief: Brief
    limit: float | None  # seconds
    waiting: list[_Waiting] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def workers(self) -> int:
        return self.count + (len(self.waiting) if self.looks_ahead else 0)

    def submit(self, plan: Plan, key: int) -> Future[Ended]:
        future: Future[Ended] = Future()
        with self.lock:
            self.waiting.append(_Waiting(plan, key, future))
            self._start()
        return future

    def stop(self) -> None:
        self.pool.kill()

    def _start(self) -> None:
        """Hand over what has its slot, or needs none."""
        for each in list(self.waiting):
            slot = None
            if each.plan.config["device"] == "cuda":
                if not self.slots:
                    continue
                slot = max(sorted(set(self.slots)), key=self.slots.count)  # of the GPU with the fewest runs on it
                self.slots.remove(slot)
            self.waiting.remove(each)
            job = self.pool.schedule(on, (slot, each.plan, each.key, self.brief), self.limit)
            job.add_done_callback(partial(self._ended, each, slot))

    def _ended(self, each: _Waiting, slot: int | None, job: Future[Ended]) -> None:
        with self.lock:
            if slot is not None:
                self.slots.append(slot)
            with suppress(RuntimeError):  # the workers have ended: nobody waits for anything
                self._start()
        if error := job.exception():
            each.future.set_exception(error)
        else:
            each.future.set_result(job.result())


def on(slot: int | None, plan: Plan, key: int, brief: Brief) -> Ended:
    """In a worker: a run on its GPU."""
    device.take(slot)
    return work(plan, key, brief)


def _ready(log: Path) -> None:
    """What libraries print must not break the display: it goes to a file, and so does where a segfault was."""
    ready()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    faulthandler.enable(file=2)


def preload(plans: Sequence[Plan], trust: Sequence[str]) -> list[str]:
    """Modules that the runs will import, of trusted ones alone: those of every _target_ in their configs."""
    prefixes = (*OWN, *LEARNERS, *CONTROL, *WRAPPER.prefixes, *(f"{prefix.rstrip('.')}." for prefix in trust))
    found: dict[str, None] = {"paralab.sweep.executors.local": None}
    for plan in plans:
        for target in _targets([plan.config["problem"], plan.config["trainer"]]):
            module = target.rpartition(".")[0]
            if NAME.fullmatch(target) and target.startswith(prefixes) and "._" not in module:
                found[module] = None
    return list(found)


def _targets(node: Any) -> Iterator[str]:
    inside = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for each in inside:
        yield from _targets(each)
    if isinstance(node, Mapping) and isinstance(node.get("_target_"), str):
        yield node["_target_"]
