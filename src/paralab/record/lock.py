"""One writer a run folder: a lock file that names its holder, with a heartbeat.

Safe on NFS: it rests on hard links and renames alone."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paralab.errors import Refused
from paralab.record import files
from paralab.record.holder import born, holder_of

BEAT = 10.0  # seconds between heartbeats


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, or raise Refused naming who does; a dead holder's lock is taken over."""
    path = folder / "lock.json"
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "born": born(os.getpid())}
    while not _create(path, mine):
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
        with suppress(OSError, ValueError):  # gone, or taken by another after a pause of ours that was too long
            if json.loads(path.read_text()) == mine:
                path.unlink()


def _create(path: Path, mine: object) -> bool:
    """Link a whole, synced file into place: no reader ever sees an empty lock."""
    aside = path.with_name(f".lock.{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}")
    files.write_json(aside, mine)
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
        text, age = path.read_text(), time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return ""
    if holder := holder_of(text, age):
        return holder
    grave = path.with_name(f".dead.{os.getpid()}.{threading.get_ident()}")
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
