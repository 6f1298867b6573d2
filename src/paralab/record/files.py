"""Files that are either whole or not there: written aside, synced, renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from paralab.core import Array


@contextmanager
def _aside(path: Path) -> Iterator[BinaryIO]:
    """A file that replaces `path` at once when all is written and synced; on any error the old one stays."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write(path: Path, data: bytes) -> None:
    """Replace `path` by `data` at once; on any error the old file stays."""
    with _aside(path) as file:
        file.write(data)


def write_json(path: Path, data: Any) -> None:
    write(path, _json(data))


def json_digest(data: Any) -> str:
    """The digest of what `write_json` would write."""
    return hashlib.sha256(_json(data)).hexdigest()


def _json(data: Any) -> bytes:
    """A line a key: indented further, json leaves its C encoder, and a record takes 4 ms instead of .3."""
    if not isinstance(data, Mapping):
        return (_text(data) + "\n").encode()
    lines = ",\n".join(f" {_text(key)}: {_text(value)}" for key, value in data.items())
    return f"{{\n{lines}\n}}\n".encode()


def _text(value: Any) -> str:
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Replace `path` at once by an npz of named arrays without pickle; the same arrays give the same bytes."""
    named = {name.replace("/", "|"): np.asarray(array) for name, array in arrays.items()}
    with _aside(path) as file:
        np.savez(file, allow_pickle=False, **named)


def read_arrays(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name.replace("|", "/"): arrays[name] for name in arrays.files}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path, leave_out: tuple[str, ...] = ()) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by its path inside it.

    Left out: what `leave_out` names at its top, and dot files there, which are being written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    inside = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: digest(path)
        for name, path in inside.items()
        if name.split("/")[0] not in leave_out and not (name.startswith(".") and "/" not in name)
    }


def no_room(error: BaseException) -> str:
    """What to do where `error` says that nothing more can be written; "" where it says something else."""
    if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return ""
    return f"{error.strerror}; make room, then the same command goes on from the newest checkpoint"


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def same_arrays(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
