"""Faults put into a process: killed at its n-th call that changes files, a disk that is full from its n-th on."""

from __future__ import annotations

import datetime
import errno
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# Python's own names of the calls (audit events); fsync and sendfile have none and are wrapped.
CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.truncate")
FREES = ("os.remove", "os.rmdir")  # which a full disk allows, as it does to rename
GROWS = ("open", "os.mkdir", "os.link", "fsync", "sendfile")
NOBODY = 65534
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def inject(fault: dict[str, Any] | None, log: str) -> None:
    """Arm this process with one fault, {"kind": ..., "at": n, ...}; None arms nothing.

    count: every call is logged. kill: SIGKILL instead of the n-th. tear: so, with the file that was to be synced cut in
    half. full: the n-th call fails and, without "once", all later ones that need room. limit: RLIMIT_FSIZE of n bytes,
    whose signal kills where "kill" is said, in the middle of a write. snapshot: SIGKILL "delay" seconds after the n-th.
    nobody: as an ordinary user. clock: it goes on by "step" seconds whenever it is read.
    """
    if fault is None:
        return
    if fault["kind"] == "snapshot":
        _after_snapshot(fault["at"], fault["delay"])
        return
    if fault["kind"] == "nobody":
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return
    if fault["kind"] == "clock":
        _clock(fault["step"])
        return
    if fault["kind"] == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["at"], fault["at"]))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if fault["kill"] else signal.SIG_IGN)
        return
    made = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    inside, count = f"{os.getcwd()}/experiments", 0

    def call(name: str, what: str) -> None:
        nonlocal count
        if fault["kind"] == "tear" and (name != "fsync" or os.path.isdir(what)):
            return
        if fault["kind"] == "full" and name not in GROWS:
            return
        count += 1
        if fault["kind"] == "count":
            os.write(made, f"{name} {what}\n".encode())
        elif fault["kind"] in ("kill", "tear") and count == fault["at"]:
            if fault["kind"] == "tear":
                os.truncate(what, os.path.getsize(what) // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault["kind"] == "full" and (count == fault["at"] or (count > fault["at"] and not fault["once"])):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), what)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES or (event == "open" and not arguments[2] & WRITES):
            return
        path = arguments[0]
        below = isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(inside)
        if below or (event in FREES and arguments[1] != -1):  # rmtree names files by their folder's descriptor
            call(event, os.fspath(path))

    sys.addaudithook(hook)
    for name in ("fsync", "sendfile"):
        setattr(os, name, _wrapped(name, getattr(os, name), call))


def _clock(step: float) -> None:
    """A clock that goes on by `step` seconds, which may be 0 or less, whenever it is read."""
    from paralab.record import writer

    now = time.time()

    def read() -> float:
        nonlocal now
        now += step
        return now

    class Stepped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(read(), tz)

    time.time = read
    time.time_ns = lambda: int(read() * 1e9)
    writer.datetime = Stepped  # type: ignore[attr-defined]


def _after_snapshot(at: int, delay: float) -> None:
    from paralab.record import history

    append, count = history.append, 0

    def counted(file: Any, row: Any) -> None:
        nonlocal count
        append(file, row)
        count += 1
        if count == at:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

    history.append = counted


def _wrapped(name: str, made: Callable[..., Any], call: Callable[[str, str], None]) -> Callable[..., Any]:
    def wrapper(*arguments: Any) -> Any:
        call(name, os.readlink(f"/proc/self/fd/{arguments[0]}"))
        return made(*arguments)

    return wrapper
