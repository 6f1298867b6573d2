"""In this very process, one run after the other: for debuggers, and for runs too short to be worth a worker."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from paralab.record.plan import Plan
from paralab.sweep.job import Brief, Ended, work
from paralab.sweep.pool import Pool, Work


@dataclass(frozen=True)
class Inline:
    remote: ClassVar[bool] = False
    outlives: ClassVar[bool] = False

    @contextmanager
    def open(self, work: Work) -> Iterator[Pool]:
        yield _Here(work.brief)


@dataclass(frozen=True)
class _Here:
    brief: Brief
    workers: ClassVar[int] = 0  # nothing waits beside the one that runs

    def submit(self, plan: Plan, key: int) -> Future[Ended]:
        future: Future[Ended] = Future()
        future.set_result(work(plan, key, self.brief))
        return future

    def stop(self) -> None:
        """Nothing runs beside the driver."""
