"""A run on a machine that shares no file system with the driver: what goes there, what it does there, what comes back.

There it lies below a temporary folder, and is told of by the name of its own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from paralab.errors import Held, Refused
from paralab.record import files, folder, lineage
from paralab.record.identity import by_content
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.record.writer import bury, write_record
from paralab.sweep import parcel
from paralab.sweep.job import ASKED, Brief, Ended, ready, work

Back = tuple[Ended, bytes | None]  # how a run ended elsewhere, and its folder, if it got one
Sent = Callable[[], Back]  # sends a run and waits for it


@dataclass(frozen=True)
class Trip:
    """What a run takes with it; it is pickled by the cluster."""

    plan: Plan
    key: int
    brief: Brief
    limit: float | None  # seconds until its worker ends itself
    name: str  # of its temporary folder
    cwd: str  # the driver's: relative paths of data start there, and its git commit is recorded
    command: tuple[str, ...]
    path: tuple[str, ...]  # where the driver imports from: a user's own package is found where it lies there, too
    data: Mapping[str, Any]  # the problem, with the digests of its files
    bags: Mapping[str, bytes]  # folders to be there when it begins, by "config id/seed-n"


def pack_for(plan: Plan, key: int, brief: Brief, limit: float | None) -> Trip:
    """Pack for a run whose folder is locked. An interrupted one takes it along, a longer one what it can go on from.

    Raises Refused where the data cannot be read, Failed where a folder cannot travel.
    """
    own, force, steps = plan.folder, plan.config["force"], plan.config["budget"]["steps"]
    others = [path.name for path in own.iterdir() if path.name != "run.log"]
    bags = {own: parcel.pack(own, others if force else (parcel.LOCK,))}
    if steps and (force or not (own / "checkpoint").is_dir()) and (parent := lineage.find(plan, steps)):
        bags[parent.folder] = parcel.pack(parent.folder)
    named = {place.relative_to(own.parents[1]).as_posix(): data for place, data in bags.items() if place.exists()}
    data = by_content(plan.config["problem"], "problem")
    name, command, path = f"paralab-{secrets.token_hex(8)}", tuple(sys.argv), tuple(sys.path)
    return Trip(plan, key, brief, limit, name, os.getcwd(), command, path, data, named)


def attend(plan: Plan, sent: Sent) -> Ended:
    """Hold the run's folder while `sent` runs it elsewhere, and take it back; a run that broke off is taken back, too.

    Raises what `sent` raises, and Failed where what came back is damaged.
    """
    place, anew = plan.folder, plan.config["force"]
    try:
        parcel.settle(place)
        made = folder.open_folder(place)
        with locked(place):
            try:
                if folder.finished(place) and not anew:
                    return Ended("there")
                ended, back = sent()
                if back is not None:
                    parcel.arrive(back, place, anew=anew)
                return ended
            finally:
                if made is not None and {path.name for path in place.iterdir()} <= {parcel.LOCK}:
                    folder.remove_fresh(place, made)
    except Held as error:
        return Ended("held", str(error))
    except Refused as error:
        return Ended("refused", str(error))


def go(trip: Trip) -> Back:
    """Run it here, in a worker; its end, and its folder if it got one."""
    ready()
    ASKED.signal = 0  # what stopped the run before this one
    sys.argv = list(trip.command)
    sys.path += [place for place in trip.path if place not in sys.path]
    here, aside = _here(trip), _aside(trip)
    aside.mkdir()
    try:
        for name, data in trip.bags.items():
            parcel.unpack(data, here.folder.parents[1] / name)
        with contextlib.chdir(trip.cwd if os.path.isdir(trip.cwd) else aside), _limit(aside / "late", trip.limit):
            ended = _hindrance(trip) or work(here, trip.key, trip.brief)
        return replace(ended, message=here.told(ended.message)), _homeward(here)
    except (Exception, SystemExit) as error:
        return Ended("failed", f"{trip.plan.folder}: on {socket.gethostname()}: {error}"), None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remains(trip: Trip) -> Back | None:
    """As `go`, of a run whose worker died on this machine; None where it was on another."""
    here, aside = _here(trip), _aside(trip)
    if not aside.is_dir():
        return None
    try:
        late = (aside / "late").read_text() if (aside / "late").exists() else ""
        why = f"no end after {trip.brief.timeout} s" if late else "its worker died: killed, or out of memory"
        bury(here.folder, why)
        if late and here.folder.is_dir():
            with (here.folder / "run.log").open("a") as log:
                log.write(late)
        return Ended("timed out" if late else "failed", f"{trip.plan.folder}: {why}"), _homeward(here)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _aside(trip: Trip) -> Path:
    return Path(tempfile.gettempdir(), trip.name)


def _here(trip: Trip) -> Plan:
    return replace(trip.plan, at=_aside(trip) / "root")


def _hindrance(trip: Trip) -> Ended | None:
    """What keeps a run from this machine: no way back to the driver, or other data than there."""
    own, host = trip.plan.folder, socket.gethostname()
    if trip.brief.address is not None and isinstance(place := trip.brief.address.place, tuple):
        try:
            _reach(place)
        except OSError as error:
            return Ended("failed", f"{own}: {host} cannot reach the driver at {place[0]}:{place[1]}: {error}")
    try:
        if by_content(trip.plan.config["problem"], "problem") == trip.data:
            return None
        reason = "the files of the problem are others than the driver's"
    except Refused as error:
        reason = str(error)
    return Ended("refused", f"on {host}, {reason}; data do not travel: put the same there, under the same path")


@cache
def _reach(place: tuple[str, int]) -> None:
    socket.create_connection(place, 10).close()


@contextlib.contextmanager
def _limit(said: Path, seconds: float | None) -> Iterator[None]:
    """End this process after `seconds`, even inside a library that never returns; where it was goes into `said`."""
    with said.open("w") as file:
        if seconds is not None:
            faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _homeward(here: Plan) -> bytes | None:
    """The run's folder, its record and log with the folder's own name."""
    place = here.folder
    if not place.is_dir():
        return None
    record, log = place / "record.json", place / "run.log"
    if record.exists():
        facts = files.read_json(record)
        write_record(place, {**facts, "error": facts["error"] and here.told(facts["error"])})
    if log.exists():
        log.write_text(here.told(log.read_text(errors="surrogateescape")), errors="surrogateescape")
    return parcel.pack(place)
