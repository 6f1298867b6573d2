"""How workers tell the driver where they are, and are told to stop: JSON over an authenticated socket, nothing pickled.

One round trip is .1 ms on one machine; a run asks at most ten times a second, and at each validation.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from types import TracebackType
from typing import Literal, Self

from paralab.core import Metrics

Told = Callable[
    [int, int, int, Metrics], int
]  # key, step, steps, scores -> what `run.Tell` answers; step -1: it begins
Said = Callable[[int, str], None]  # key, a line for the user
Lost = Literal["stop", "go on"]
OFTEN = 0.1  # seconds between two messages of a run
LONGEST = 1 << 20  # bytes of a message
PATIENCE = 60.0  # seconds without an answer after which the driver is taken for gone


@dataclass(frozen=True)
class Address:
    """Where the driver listens, and the key that proves a worker is one of its own."""

    place: str | tuple[str, int]
    secret: bytes
    lost: Lost  # what a run does when the driver is gone


class Channel:
    """The driver's end: a thread a worker; `told` and `said` are called in those threads, one at a time."""

    def __init__(
        self, told: Told, said: Said, *, remote: bool = False, lost: Literal["stop", "go on"] = "stop"
    ) -> None:
        self._told, self._said, self._lock = told, said, threading.Lock()
        self._listener = Listener(("", 0) if remote else None, backlog=128)  # who it is, each thread asks for itself
        place = self._listener.address
        self._door = ("localhost", place[1]) if isinstance(place, tuple) else place
        seen = (socket.gethostname(), place[1]) if isinstance(place, tuple) else place
        self.address = Address(seen, secrets.token_bytes(32), lost)
        self._open = True
        self._threads: dict[Connection, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        hang_up(self.address)
        with suppress(OSError):
            Client(self._door).close()  # closing a listener does not wake who waits at it
        self._accepting.join()
        self._listener.close()
        for connection, thread in list(self._threads.items()):
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)  # wakes its thread
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError):
                if not self._open:
                    return
                time.sleep(OFTEN)  # no more files may be open just now
                continue
            if not self._open:
                connection.close()
                return
            self._threads = {each: thread for each, thread in self._threads.items() if thread.is_alive()}
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        gone = (OSError, EOFError, AuthenticationError)  # a worker that has gone: its future says how; or none of ours
        with connection, suppress(*gone):
            deliver_challenge(connection, self.address.secret)
            answer_challenge(connection, self.address.secret)
            while True:
                message = json.loads(connection.recv_bytes(LONGEST))
                with self._lock:
                    if "say" in message:
                        self._said(message["key"], message["say"])
                        answer = 0
                    else:
                        answer = self._told(message["key"], message["step"], message["steps"], message["scores"])
                connection.send_bytes(str(answer).encode())


_connections: dict[Address, Connection] = {}  # of this worker process, kept from one job to the next


def hang_up(address: Address) -> None:
    """Close this process's connection to a driver, if it has one."""
    if connection := _connections.pop(address, None):
        connection.close()


class Line:
    """A worker's end, for one run."""

    def __init__(self, address: Address | None, key: int) -> None:
        self._address, self._key = address, key
        self._last = 0.0
        self._lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._last = 0.0

    def begin(self) -> int:
        """Say that the run starts now; 0, or what asks it not to."""
        return self._ask({"step": -1, "steps": 0, "scores": {}})

    def tell(self, step: int, steps: int, scores: Metrics) -> int:
        """Say where the run is; 0, or what asks it to stop."""
        now = time.monotonic()
        if now - self._last < OFTEN and not any(name.startswith("valid/") for name in scores):
            return 0
        self._last = now
        return self._ask(
            {"step": step, "steps": steps, "scores": {name: float(value) for name, value in scores.items()}}
        )

    def say(self, text: str) -> None:
        """A line for the user."""
        self._ask({"say": text})

    def _ask(self, message: dict[str, object]) -> int:
        if self._address is None or self._lost:
            return max(self._lost, 0)
        try:
            if self._address not in _connections:
                _connections[self._address] = Client(self._address.place, authkey=self._address.secret)
            connection = _connections[self._address]
            connection.send_bytes(json.dumps({"key": self._key, **message}).encode())
            if not connection.poll(PATIENCE):
                raise EOFError
            return int(connection.recv_bytes(LONGEST))
        except (OSError, EOFError, AuthenticationError):
            hang_up(self._address)
            self._lost = signal.SIGTERM if self._address.lost == "stop" else -1
            return max(self._lost, 0)
