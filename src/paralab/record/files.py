"""Files that are either whole or not there: written aside, synced, renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paralab.core import Array


def write(path: Path, data: bytes) -> None:
    """Replace `path` by `data` at once; on any error the old file stays."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    write(path, _json(data))


def json_digest(data: Any) -> str:
    """The digest of what `write_json` would write."""
    return hashlib.sha256(_json(data)).hexdigest()


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, default=_plain, allow_nan=False) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """An npz of named arrays without pickle; the same arrays give the same bytes."""
    with path.open("wb") as file:
        np.savez(
            file, allow_pickle=False, **{name.replace("/", "|"): np.asarray(array) for name, array in arrays.items()}
        )
        file.flush()
        os.fsync(file.fileno())


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
