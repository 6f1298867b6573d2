"""One writer a run folder: a lock file that names its holder, with a heartbeat.

Safe on NFS: it rests on hard links and renames alone."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paralab.errors import Held
from paralab.record.holder import born, holder_of

BEAT = 10.0  # seconds between heartbeats


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, or raise Held naming who does; a dead holder's lock is taken over."""
    path = folder / "lock.json"
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "born": born(os.getpid())}
    while not _create(path, mine):
        if holder := _alive(path):
            raise Held(f"{folder} is being written by process {holder}; wait for it, or stop it")
    _tidy(folder)
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        with suppress(OSError, ValueError):  # gone, or taken by another after a pause of ours that was too long
            if json.loads(path.read_text()) == mine:
                path.unlink()


def _tidy(folder: Path) -> None:
    """Remove what processes killed in the middle of a write left in the folder that is now ours.

    Only its holder writes there; but others, alive, may be asking for it.
    """
    for path in folder.glob(".*"):
        asks = re.fullmatch(r"\.(?:probe|lock|dead)\.(.+)\.(\d+)\.\d+", path.name)
        if not asks or (asks[1] == socket.gethostname() and born(int(asks[2])) is None):
            path.unlink(missing_ok=True)


def mark(folder: Path, kind: str) -> Path:
    """A name for a file of this thread alone, which tells who it is."""
    return folder / f".{kind}.{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"


def _create(path: Path, mine: object) -> bool:
    """Link a whole, synced file into place: no reader ever sees an empty lock."""
    aside = mark(path.parent, "lock")
    try:
        with aside.open("w") as file:
            json.dump(mine, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink(missing_ok=True)
    return True


def _alive(path: Path) -> str:
    """The living holder as text; "" once a dead one's lock has been moved out of the way."""
    try:
        text, age = path.read_text(), time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return ""
    if holder := holder_of(text, age):
        return holder
    grave = mark(path.parent, "dead")
    try:
        path.rename(grave)
    except FileNotFoundError:
        return ""
    try:
        if grave.read_text() != text:  # another process took the dead one's place in between: give it back
            with suppress(FileExistsError):
                os.link(grave, path)
    finally:
        grave.unlink()
    return ""


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with suppress(OSError):  # a network file system's hiccup must not end the heartbeat
            os.utime(path)
