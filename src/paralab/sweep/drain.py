"""The driver's loop, for grids and tuners: keeps a pool busy from a source of runs, and takes back what ends.

At most one run more than there are workers is submitted, so that little has to be taken back when it is to stop.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paralab.core import Metrics
from paralab.errors import Failed, Interrupted, Refused
from paralab.record import files, folder
from paralab.record.holder import held
from paralab.record.plan import Plan
from paralab.record.writer import bury
from paralab.run import Result
from paralab.sweep.again import HELD_AGAIN, Attempt, after, more
from paralab.sweep.channel import Channel
from paralab.sweep.job import Brief, Ended
from paralab.sweep.pool import Executor, Pool, Work

LOOK = 0.2  # seconds between two looks for signals


@dataclass(frozen=True)
class Options:
    """How a sweep goes on after what goes wrong: the node `sweep` of the config."""

    retry_failed: bool
    force: bool
    fail_fast: bool
    max_retries: int
    timeout_s: float | None


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended: with a result, with an error, or (pruned, interrupted, ...) with neither."""

    plan: Plan
    result: Result | None
    error: Failed | Refused | None
    end: str  # Ended.end
    final: bool = False  # another attempt would end so again


class Source(Protocol):
    """Where runs come from, one at a time: a list, or a tuner that learns from what has ended."""

    def next(self) -> Plan | None: ...  # None: nothing to start now; over, once nothing runs either
    def tell(self, plan: Plan, step: int, scores: Metrics) -> int: ...  # 0 or PRUNE
    def end(self, outcome: Outcome) -> None: ...


class Watcher(Protocol):
    """Who sees the sweep and may stop it; `key` tells runs apart. Called from several threads, one at a time.

    `signal` alone is asked at any time.
    """

    @property
    def trust(self) -> Sequence[str]: ...
    @property
    def signal(self) -> int: ...  # 0, or the signal that asks to stop
    def begin(self, key: int, plan: Plan) -> None: ...
    def tell(self, key: int, step: int, steps: int, scores: Metrics) -> None: ...
    def say(self, key: int, text: str) -> None: ...
    def end(self, key: int, outcome: Outcome) -> None: ...


def drain(
    source: Source, executor: Executor, plans: Sequence[Plan], options: Options, watcher: Watcher, home: Path
) -> list[Outcome]:
    """Run all that `source` gives; `plans` are what may come. Of each run one outcome, in the order of their ends.

    Source and watcher are called by one thread at a time. Raises Interrupted on a signal once the runs under way have
    written their checkpoints, KeyboardInterrupt at once, and what source or watcher raised, after the same care.
    """
    loop = _Loop(source, options, watcher)
    with Channel(
        loop.told, loop.said, remote=executor.remote, lost="go on" if executor.outlives else "stop"
    ) as channel:
        brief = Brief(tuple(watcher.trust), options.timeout_s, channel.address)
        with executor.open(Work(plans, brief, home, lambda: loop.stopping)) as pool:
            try:
                return loop.run(pool)
            except BaseException:
                pool.stop()
                raise


class _Loop:
    def __init__(self, source: Source, options: Options, watcher: Watcher) -> None:
        self.source, self.options, self.watcher = source, options, watcher
        self.lock = threading.RLock()  # around source and watcher
        self.known: dict[int, Plan] = {}  # by key
        self.begun: set[int] = set()  # keys
        self.active: dict[Future[Ended], Attempt] = {}
        self.again: list[tuple[float, Attempt]] = []  # from when on, what is to be tried again
        self.outcomes: list[Outcome] = []
        self.failed = False  # under fail_fast: stop
        self.broken: Exception | None = None  # what source, watcher or executor raised: stop, then raise it

    @property
    def stopping(self) -> int:
        """0, or the signal that runs under way are told."""
        return self.watcher.signal or (signal.SIGTERM if self.failed or self.broken else 0)

    def told(self, key: int, step: int, steps: int, scores: Metrics) -> int:
        """A worker's question, in its own thread."""
        plan = self.known.get(key)
        if (stop := self.stopping) or plan is None:
            return stop
        with self._careful():
            if step < 0:
                self.begun.add(key)
                self.watcher.begin(key, plan)
                return 0
            self.watcher.tell(key, step, steps, scores)
            return self.source.tell(plan, step, scores)
        return signal.SIGTERM

    def said(self, key: int, text: str) -> None:
        with self._careful():
            self.watcher.say(key, text)

    def run(self, pool: Pool) -> list[Outcome]:
        while self._turn(pool):
            """Goes on."""
        for _, attempt in self.again:  # stopped before their next attempt
            self._close(attempt, attempt.ended or Ended("not started"))
        if self.broken:
            raise self.broken
        if stop := self.watcher.signal:
            finished = sum(outcome.result is not None for outcome in self.outcomes)
            raise Interrupted(f"stopped with {finished} runs finished; the same command goes on from there", stop)
        return self.outcomes

    def _turn(self, pool: Pool) -> bool:
        """Start what can be, take back what has ended; whether anything is left to wait for."""
        while not self.stopping and len(self.active) <= pool.workers and (attempt := self._next()):
            try:
                self.active[pool.submit(attempt.plan, attempt.key)] = attempt
            except Exception as error:
                self.broken = Failed(f"the executor takes no more runs: {type(error).__name__}: {error}")
                self.again.append((0.0, attempt))
        if self.active:
            for future in wait(self.active, LOOK, FIRST_COMPLETED).done:
                self._end(future, self.active.pop(future))
            return True
        if self.stopping or not self.again:
            return False
        time.sleep(LOOK)
        return True

    def _next(self) -> Attempt | None:
        now = time.monotonic()
        for place, (when, attempt) in enumerate(self.again):
            if when <= now:
                if attempt.held and held(attempt.plan.folder):
                    self.again[place] = (now + HELD_AGAIN, attempt)
                    continue
                del self.again[place]
                return attempt
        with self._careful():
            if plan := self.source.next():
                key = len(self.known)
                self.known[key] = plan
                return Attempt(key, plan)
        return None

    def _end(self, future: Future[Ended], attempt: Attempt) -> None:
        ended = self._ended(future, attempt.plan)
        again = more(ended, attempt, self.options.max_retries)
        if again is None or self.stopping:
            self._close(attempt, ended)
            return
        seconds, text = again
        if text:
            self.said(attempt.key, text)
        begun = attempt.key in self.begun or ended.end == "held"
        self.again.append((time.monotonic() + seconds, after(attempt, ended, begun)))

    def _close(self, attempt: Attempt, ended: Ended) -> None:
        outcome = _outcome(self.known[attempt.key], ended, tuple(self.watcher.trust))
        self.failed = self.failed or (self.options.fail_fast and outcome.error is not None)
        self.outcomes.append(outcome)
        with self._careful():
            self.source.end(outcome)
            self.watcher.end(attempt.key, outcome)

    def _ended(self, future: Future[Ended], plan: Plan) -> Ended:
        """What a job said of its end; of a worker that was lost, the record says it for the run."""
        if future.cancelled():
            return Ended("not started", f"{plan.folder}: stopped before it began")
        if (error := future.exception()) is None:
            return future.result()
        if not plan.config["force"] and folder.finished(plan.folder):  # lost a moment too late to matter
            return Ended("finished")
        late = isinstance(error, TimeoutError)
        lines = str(error).strip().splitlines() or [type(error).__name__]
        why = f"no end after {self.options.timeout_s:g} s" if late and self.options.timeout_s else lines[0]
        bury(plan.folder, why)
        return Ended("timed out" if late else "failed", f"{plan.folder}: {why}")

    @contextmanager
    def _careful(self) -> Iterator[None]:
        """Source and watcher one at a time; what they raise stops the sweep with care."""
        try:
            with self.lock:
                yield
        except Exception as error:
            self.broken = self.broken or error


def _outcome(plan: Plan, ended: Ended, trust: tuple[str, ...]) -> Outcome:
    if ended.end in ("finished", "there"):
        try:
            scores = files.read_json(plan.folder / folder.SCORES)
        except (OSError, ValueError) as error:
            failed = Failed(f"{plan.folder / folder.SCORES} cannot be read: {error}")
            return Outcome(plan, None, failed, "failed")
        return Outcome(plan, Result(scores, plan.folder, ended.end == "there", trust), None, ended.end)
    if ended.end == "refused":
        return Outcome(plan, None, Refused(ended.message), ended.end, final=True)
    failing = ended.end in ("failed", "timed out")
    return Outcome(plan, None, Failed(ended.message) if failing else None, ended.end, ended.final)
