"""What an executor is: it opens a pool of workers that take runs and give futures (`concurrent.futures`)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paralab.record.plan import Plan
from paralab.sweep.job import Brief, Ended


class Lost(RuntimeError):
    """A worker that is gone, and how, in one line: what a future may fail with."""


def death(code: int | None) -> str:
    """How a process ended, by its exit code: negative is the signal that killed it."""
    if code is None:
        return "its process is gone"
    if code >= 0:
        return f"its process ended by itself (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was killed ({name}){'; out of memory?' if name == 'SIGKILL' else ''}"


@dataclass(frozen=True)
class Work:
    """A sweep as its executor sees it before the first job."""

    plans: Sequence[Plan]  # what may come, for what is imported and reserved beforehand
    brief: Brief
    home: Path  # the sweep's own folder
    asked: Callable[[], int] = lambda: 0  # 0, or the signal that asks to stop: what waits in a queue need not begin


class Pool(Protocol):
    """Workers. A future may fail only where a worker was lost: TimeoutError for what overran, else any error."""

    @property
    def workers(self) -> int: ...  # runs at a time, asked for anew each time
    def submit(self, plan: Plan, key: int) -> Future[Ended]: ...
    def stop(self) -> None: ...  # kill what runs, at once


class Executor(Protocol):
    """Where runs are run; a plugin under conf/executor."""

    @property
    def remote(self) -> bool: ...  # workers may be on other machines: the driver listens on the network
    @property
    def outlives(self) -> bool: ...  # runs go on when the driver is gone
    def open(self, work: Work) -> AbstractContextManager[Pool]: ...
