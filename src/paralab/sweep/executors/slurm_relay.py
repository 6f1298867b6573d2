"""Between the runs of a Slurm task and the driver of their sweep: passes on what they tell, and what it answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Literal

from paralab.core import Metrics
from paralab.record.plan import Plan
from paralab.sweep.channel import Address, Line
from paralab.sweep.drain import Outcome
from paralab.sweep.job import Brief

REACH = 10.0  # seconds the driver's machine has to answer a task's first call: a firewall may drop it
LOOK = 1.0  # seconds between two looks for the driver's wish
By = Literal["", "driver", "cluster", "preemption"]


class Relay:
    """The watcher of a task's runs (`drain.Watcher`)."""

    def __init__(self, brief: Brief, key_of: Callable[[Plan], int], wish: Callable[[], int]) -> None:
        self.trust = brief.trust
        self.by: By = ""  # who asked to stop
        self.answer = 0  # the driver's to what was told last
        self._signal = 0
        self._address = brief.address if _reached(brief.address) else None
        self._key_of, self._wish, self._looked = key_of, wish, 0.0
        self._lines: dict[int, Line] = {}

    def ask(self, signal: int, by: By) -> None:
        """Let all runs stop; a preemption outdoes the mere SIGTERM that may come before it."""
        if not self._signal or (self.by, by) == ("cluster", "preemption"):
            self._signal, self.by = signal, by

    @property
    def signal(self) -> int:
        """Whether all are to stop; the drain's own thread alone looks for the driver's wish, which may raise."""
        if threading.current_thread() is threading.main_thread() and time.monotonic() > self._looked + LOOK:
            self._looked = time.monotonic()
            self._heed(self._wish())
        return self._signal

    def begin(self, key: int, plan: Plan) -> None:
        self._lines[key] = Line(self._address, self._key_of(plan))
        self._heed(self._lines[key].begin())

    def tell(self, key: int, step: int, steps: int, scores: Metrics) -> None:
        self.answer = self._lines[key].tell(step, steps, scores)
        self._heed(self.answer)

    def say(self, key: int, text: str) -> None:
        if key in self._lines:
            self._lines[key].say(text)

    def end(self, key: int, outcome: Outcome) -> None:
        """A file says it to the driver, which may not be there."""

    def _heed(self, answer: int) -> None:
        if answer > 0:
            self.ask(answer, "driver")


def _reached(address: Address | None) -> bool:
    if address is None or isinstance(address.place, str):
        return address is not None
    try:
        socket.create_connection(address.place, REACH).close()
    except OSError:
        return False
    return True
