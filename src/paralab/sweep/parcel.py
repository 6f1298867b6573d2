"""A run's folder as bytes and back, for machines that share no file system: a table of contents, then the files.

It can say nothing but plain files and folders, so there are no links, owners or devices to be deceived by.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from paralab.errors import Failed
from paralab.record import files, folder
from paralab.record.writer import UNHASHED

LARGEST = 1 << 33  # bytes of a parcel: it is held in memory whole
HEAD = 8  # bytes, which say how long the table of contents is
LOCK = "lock.json"
Contents = list[tuple[str, int | None]]  # a path with slashes, and the bytes of a file; None: a folder


def pack(place: Path, leave_out: Collection[str] = (LOCK,)) -> bytes:
    """All below `place`, which nobody may be writing, but what `leave_out` names at its top, and dot files there.

    Raises Failed for what is no plain file, and for more than LARGEST bytes.
    """
    contents: Contents = []
    for path in _below(place, leave_out):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Failed(f"{path} is no plain file; a run's folder travels without links")
        contents.append((path.relative_to(place).as_posix(), None if path.is_dir() else path.stat().st_size))
    _bounded(contents)
    data = [(place / name).read_bytes() for name, size in contents if size is not None]
    table = json.dumps(contents).encode()
    return b"".join((len(table).to_bytes(HEAD, "big"), table, *data))


def unpack(parcel: bytes, place: Path) -> None:
    """Write a parcel's files into the new folder `place`; raises Failed, with nothing written, where it is damaged."""
    contents, start = _contents(parcel)
    try:
        place.mkdir(parents=True)
        for name, size in contents:
            if size is None:
                (place / name).mkdir()
                continue
            with (place / name).open("xb") as file:
                file.write(memoryview(parcel)[start : start + size])
                file.flush()
                os.fsync(file.fileno())
            start += size
    except (OSError, ValueError) as error:  # ValueError: a name that this file system cannot say
        shutil.rmtree(place, ignore_errors=True)
        raise Failed(f"{place} cannot be written: {error}") from error


def arrive(parcel: bytes, place: Path, *, anew: bool) -> None:
    """Put a run that comes home in the place of what lies in `place`, which the caller has locked.

    A finished run stays, or moves to runs/.replaced where it was trained `anew`; so does what a run that never began
    would replace. Raises Failed, with nothing changed, where a file is not what the record says.
    """
    coming, gone = _asides(place)
    for left in (coming, gone):  # of a driver that was killed
        shutil.rmtree(left, ignore_errors=True)
    unpack(parcel, coming)
    try:
        _check(coming)
        begun, there = ((each / "record.json").is_file() for each in (coming, place))
        if (there and not begun) or (folder.finished(place) and not anew):
            return
        if anew:
            folder.set_aside(place)
        shutil.copyfile(place / LOCK, coming / LOCK)
        place.rename(gone)
        coming.rename(place)
        files.sync_folder(place.parent)
    finally:
        for left in (coming, gone):
            shutil.rmtree(left, ignore_errors=True)


def settle(place: Path) -> None:
    """Finish what a driver began that was killed just when a run came home."""
    coming, gone = _asides(place)
    if coming.is_dir() and gone.is_dir() and not place.exists():
        coming.rename(place)


def _asides(place: Path) -> tuple[Path, Path]:
    """Where a run lies that comes home, whole once the other is there: what it replaces."""
    return place.with_name(f".{place.name}.coming"), place.with_name(f".{place.name}.gone")


def _below(place: Path, leave_out: Collection[str]) -> Iterator[Path]:
    for top in sorted(place.iterdir()):
        if top.name in leave_out or (top.name.startswith(".") and top.is_file()):
            continue
        yield top
        if top.is_dir() and not top.is_symlink():
            yield from sorted(top.rglob("*"))


def _bounded(contents: Contents) -> int:
    total = sum(size or 0 for _, size in contents)
    if total > LARGEST:
        raise Failed(f"a run's folder of {total:,} bytes cannot travel: {LARGEST:,} at most")
    return total


def _contents(parcel: bytes) -> tuple[Contents, int]:
    """The table of contents, and where the first file begins; raises Failed for one that no `pack` wrote."""
    start = HEAD + int.from_bytes(parcel[:HEAD], "big")
    try:
        said = json.loads(parcel[HEAD:start])
        contents = [_entry(*each) for each in said]
    except (ValueError, TypeError, RecursionError) as error:
        raise Failed(f"a damaged parcel: {error}") from error
    folders, seen = {""}, set()
    for name, size in contents:
        above = name.rpartition("/")[0]
        if any(part in ("", ".", "..") for part in name.split("/")) or "\0" in name:
            raise Failed(f"a damaged parcel: {name!r} would leave its folder")
        if name in seen or above not in folders:
            raise Failed(f"a damaged parcel: {name!r} has no place in it")
        seen.add(name)
        if size is None:
            folders.add(name)
    if start + _bounded(contents) != len(parcel):
        raise Failed(f"a damaged parcel: {len(parcel):,} bytes, {start + _bounded(contents):,} are said")
    return contents, start


def _entry(name: Any, size: Any) -> tuple[str, int | None]:
    if not isinstance(name, str) or not (size is None or (type(size) is int and size >= 0)):
        raise TypeError(f"{name!r} of {size!r} bytes")
    return name, size


def _check(place: Path) -> None:
    """Raise Failed where a run's files are not those that its record tells of; one that was killed tells of none."""
    record = place / "record.json"
    said = files.read_json(record).get("files") if record.is_file() else None
    if said is None:
        if folder.finished(place):
            raise Failed("a run came home with scores that no record tells of")
        return
    scores = place / folder.SCORES
    found = files.digests(place, leave_out=UNHASHED) | ({scores.name: files.digest(scores)} if scores.is_file() else {})
    if wrong := sorted(name for name in found.keys() | said.keys() if found.get(name) != said.get(name)):
        raise Failed(f"a run came home damaged: {wrong[0]} is not what its record says")
