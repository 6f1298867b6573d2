"""One writer a run folder: a lock file that names its holder, with a heartbeat.

Safe on NFS: it rests on hard links and renames alone."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paralab.errors import Refused

BEAT = 10.0  # seconds between heartbeats
STALE = 60.0  # seconds without one after which a holder on another host is taken for dead


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, or raise Refused naming who does; a dead holder's lock is taken over."""
    path = folder / "lock.json"
    while not _create(path):
        if holder := _alive(path):
            raise Refused(f"{folder} is being written by process {holder}; wait for it, or stop it")
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        path.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    """Link a whole file into place: no reader ever sees an empty lock."""
    aside = path.with_name(f".lock.{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}")
    aside.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "born": _born(os.getpid())}))
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def _alive(path: Path) -> str:
    """The living holder as text; "" once a dead one's lock has been moved out of the way."""
    try:
        holder = json.loads(path.read_text())
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return ""
    here = holder["host"] == socket.gethostname()
    if (here and _born(holder["pid"]) == holder["born"] is not None) or (not here and age < STALE):
        return f"{holder['pid']} on {holder['host']}"
    try:  # a rename has one winner, so two who find it dead do not both take it
        path.rename(grave := path.with_name(f".dead.{os.getpid()}.{threading.get_ident()}"))
        grave.unlink()
    except FileNotFoundError:
        return ""
    return ""


def _born(pid: int) -> str | None:
    """When a process started, as the kernel counts: a pid alone may have been given to another process since."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _exists(pid)


def _exists(pid: int) -> str | None:
    """Where there is no /proc (macOS): whether the process is there at all."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "there"
    return "there"


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        os.utime(path)
