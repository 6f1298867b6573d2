"""Processes that take jobs, each over a pipe of its own: however one dies, and whenever, it takes down one job.

Why none of the pools at hand: their workers share a queue and its locks. Of Pebble 5.2.3 a job that ended its process
with exit code 0 was waited for without end, a worker killed without a job broke the pool, and one killed as it sent its
result kept the lock, so that no other could send.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, Literal, Self

from paralab.sweep.job import ASKED, Ended
from paralab.sweep.pool import Lost, death

Do = Callable[..., Ended]
BEGUN: Literal["begun"] = "begun"
IDLE = 0.5  # seconds between two looks of an idle worker whether it was told to end
TRIES = 3  # workers that may end with a job in hand before they begin it


@dataclass
class _Job:
    do: Do
    arguments: tuple[Any, ...]
    limit: float | None  # seconds, from its beginning
    future: Future[Ended] = field(default_factory=Future)
    tries: int = 0
    deadline: float | None = None


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    job: _Job | None = None


class Workers:
    """At most `count` processes, started as there is work for them; `ready` prepares each. A thread watches them."""

    def __init__(self, count: int, ready: Callable[..., None], arguments: Sequence[object], context: Any) -> None:
        self._count, self._ready, self._context = count, (ready, *arguments), context
        self._waiting: deque[_Job] = deque()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._closing = self._killed = False
        self._bell, self._button = Pipe(duplex=False)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all jobs; after an error, end them."""
        if error is not None:
            self.kill()
        with self._lock:
            self._closing = True
        self._ring()
        self._thread.join()
        self._bell.close()
        self._button.close()

    def schedule(self, do: Do, arguments: tuple[Any, ...], limit: float | None) -> Future[Ended]:
        """Have `do` done; the future fails with TimeoutError after `limit`, with Lost where its process dies."""
        job = _Job(do, arguments, limit)
        with self._lock:
            if self._closing or self._killed:
                raise RuntimeError("the workers have ended")
            self._waiting.append(job)
        self._ring()
        return job.future

    def kill(self) -> None:
        """End all processes at once, whatever they do."""
        with self._lock:
            self._killed = True
            for worker in self._workers:
                worker.process.kill()
        self._ring()

    def _ring(self) -> None:
        with suppress(OSError):  # it has ended
            self._button.send_bytes(b".")

    def _watch(self) -> None:
        while not self._killed:
            self._hand_out()
            busy = [worker for worker in self._workers if worker.job]
            if self._closing and not busy and not self._waiting:
                break
            deadlines = [worker.job.deadline for worker in busy if worker.job and worker.job.deadline]
            left = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
            ready = wait(
                [self._bell, *(end for each in self._workers for end in (each.pipe, each.process.sentinel))], left
            )
            while self._bell.poll():
                self._bell.recv_bytes()
            for worker in list(self._workers):
                if worker.pipe in ready or worker.process.sentinel in ready:
                    self._hear(worker)
                elif worker.job and worker.job.deadline and time.monotonic() >= worker.job.deadline:
                    self._remove(worker, TimeoutError())
        for worker in list(self._workers):
            self._remove(worker, Lost("stopped at once"), grace=0.0 if self._killed else 5.0)
        for job in self._waiting:
            job.future.set_exception(Lost("stopped at once"))

    def _hand_out(self) -> None:
        """Give what waits to who is idle, and start whom it takes."""
        while self._waiting and not self._killed:
            worker = next((each for each in self._workers if not each.job), None)
            if worker is None and len(self._workers) == self._count:
                return
            job = self._waiting.popleft()
            try:
                worker = worker or self._start()
            except (OSError, EOFError) as error:
                job.future.set_exception(Lost(f"no process can be started: {type(error).__name__}: {error}"))
                continue
            worker.job = job
            with suppress(OSError):  # it has just ended: it is heard of
                worker.pipe.send((job.do, job.arguments))

    def _start(self) -> _Worker:
        mine, its = self._context.Pipe()
        try:
            process = self._context.Process(target=_serve, args=(its, *self._ready), name="paralab worker")
            process.start()
        except BaseException:
            mine.close()
            raise
        finally:
            its.close()
        worker = _Worker(process, mine)
        with self._lock:
            self._workers.append(worker)
            if self._killed:
                process.kill()
        return worker

    def _hear(self, worker: _Worker) -> None:
        """Take all that a worker has sent, and see whether it has ended."""
        try:
            while worker.pipe.poll():
                said = worker.pipe.recv()
                job = worker.job
                if job and said == BEGUN:
                    job.deadline = time.monotonic() + job.limit if job.limit else None
                    job.tries = TRIES
                elif job:
                    worker.job = None
                    job.future.set_result(said)
        except (OSError, EOFError):
            self._remove(worker)
            return
        if not worker.process.is_alive():
            self._remove(worker)

    def _remove(self, worker: _Worker, why: Exception | None = None, grace: float = 0.0) -> None:
        """Let a worker go; its job fails by `why`, by its death, or, where it has not begun, goes to another."""
        with self._lock:
            self._workers.remove(worker)
        worker.pipe.close()  # an idle one sees it, and ends
        worker.process.join(grace if why else 5.0)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        job = worker.job
        if job is None:
            return
        job.tries += 1
        if why is None and job.tries < TRIES:
            self._waiting.appendleft(job)
        else:
            job.future.set_exception(why or Lost(death(worker.process.exitcode)))


def _serve(pipe: Connection, ready: Callable[..., None], *arguments: object) -> None:
    """In a worker: do what comes, until it is told to end or nobody is left to tell."""
    ready(*arguments)
    with suppress(OSError, EOFError):
        while not ASKED.signal:
            if pipe.poll(IDLE):
                do, given = pipe.recv()
                pipe.send(BEGUN)
                pipe.send(do(*given))
