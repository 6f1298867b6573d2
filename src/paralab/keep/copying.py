"""A run's files against their digests, before and after they are copied."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from paralab.keep.clean import INCOMING
from paralab.keep.walk import files_below, folders_in
from paralab.record import files
from paralab.record.folder import SCORES
from paralab.record.lock import locked
from paralab.record.read import Damage, Json
from paralab.record.writer import UNHASHED

CHUNK = 1 << 20  # bytes read at a time
STAYS = ("lock.json", "checkpoint")  # a lock is of its own machine; checkpoints are vouched for by themselves


def contents(folder: Path, record: Json, finished: bool) -> dict[str, str]:
    """SHA-256 of each file that comes along, by its path in `folder`; raises Damage for one that its record denies.

    What the record does not know is left behind; a run that was killed has no digests yet, and is taken as it lies.
    Of checkpoints, those come that match their own manifest.
    """
    with _reading(folder):
        there = {os.path.relpath(entry.path, folder).replace(os.sep, "/"): entry.path for entry in files_below(folder)}
        said = record.get("files")
        if finished and not (isinstance(said, dict) and SCORES in said):
            raise Damage(f"{folder / 'record.json'} holds no digest of {SCORES}")
        if isinstance(said, dict):
            taken = {name: _checked(folder, name, digest, there) for name, digest in said.items()}
            there = {name: path for name, path in there.items() if name.split("/")[0] in UNHASHED}
        else:
            taken = {}
        for name, path in there.items():
            if name not in taken and name.split("/")[0] not in STAYS and not name.startswith("."):
                taken[name] = files.digest(Path(path))
        for step in folders_in(folder / "checkpoint"):
            taken |= {f"checkpoint/{step.name}/{name}": digest for name, digest in _checkpoint(step).items()}
        return taken


def copy(folder: Path, aside: Path, taken: Mapping[str, str]) -> None:
    """Copy what `taken` names to the new folder `aside`, all of it on the disk when this returns; checked again there.

    Raises Damage where the source changed meanwhile, OSError where there is no room.
    """
    aside.mkdir()
    made = {aside}
    for name in taken:
        target = aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        made |= {place for place in target.parents if place.is_relative_to(aside)}
        _copy(folder / name, target)
    for place in made:
        files.sync_folder(place)
    for name, digest in taken.items():
        if files.digest(aside / name) != digest:
            raise Damage(f"{folder / name} changed while it was copied, or the copy went wrong: collect it again")


def _copy(source: Path, target: Path) -> None:
    with _reading(source):
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as read, target.open("xb") as write:
        shutil.copyfileobj(read, write, CHUNK)
        write.flush()
        os.fsync(write.fileno())


def _checked(folder: Path, name: str, digest: object, there: Mapping[str, str]) -> str:
    if name not in there:
        raise Damage(f"{folder}/{name} is missing, or a link, which is not followed")
    if (found := files.digest(Path(there[name]))) != digest:
        raise Damage(f"{folder / name} does not match its digest")
    return found


def _checkpoint(step: Path) -> dict[str, str]:
    """The digests of a checkpoint's files; none where they are not as its manifest says."""
    below = [Path(entry.path) for entry in files_below(step)]
    found = {path.relative_to(step).as_posix(): files.digest(path) for path in below}
    try:
        said = {**files.read_json(step / "manifest.json")["files"], "manifest.json": found["manifest.json"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if found == said else {}


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Damage(f"{error.filename or place} cannot be read ({error.strerror})") from error


@contextmanager
def incoming(runs: Path) -> Iterator[Path]:
    """A locked folder to write to, which `paralab clean` removes where this process is killed."""
    place = runs / INCOMING / f"{time.time_ns()}-{os.getpid()}"
    place.mkdir(parents=True)
    try:
        with locked(place):
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # another's lie there
            place.parent.rmdir()
