"""Who writes a run folder, by what its lock file says: standard library only, since readers start fast."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

STALE = 60.0  # seconds without a heartbeat after which a holder on another host is taken for dead


def held(folder: Path) -> bool:
    """Whether a living process is writing the run in `folder`."""
    lock = folder / "lock.json"
    try:
        return bool(holder_of(lock.read_text(), time.time() - lock.stat().st_mtime))
    except FileNotFoundError:
        return False


def holder_of(text: str, age: float) -> str:
    """Who holds the lock that says `text`, last touched `age` seconds ago; "" where nobody does any more."""
    try:
        said = json.loads(text)
        pid, host, since = said["pid"], said["host"], said["born"]
    except (ValueError, KeyError, TypeError):  # not ours, or of a file system that lost it in a power cut
        return "an unreadable lock" if age < STALE else ""
    here = host == socket.gethostname()
    alive = born(pid) == since is not None if here else age < STALE
    return f"{pid} on {host}" if alive else ""


def born(pid: int) -> str | None:
    """When a process started, as the kernel counts: a pid alone may have been given to another process since."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if said[0] in "ZX" else said[19]  # a dead process whose parent has not noticed yet
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
