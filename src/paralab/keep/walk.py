"""What lies below a folder, without following a link: neither counting nor copying may leave it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Every regular file; what vanishes meanwhile is passed over, since runs under way rename their checkpoints."""
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield entry


def folders_in(folder: Path) -> list[Path]:
    """The folders in `folder`, sorted; neither links nor names that begin with a dot."""
    found = [entry for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]
    return sorted(Path(entry.path) for entry in found if not entry.name.startswith("."))


def seeds_in(runs: Path) -> Iterator[Path]:
    """Run folders below `runs`: problem/paradigm/trainer/config id/seed-n."""
    places = [runs]
    for _ in range(4):
        places = [inside for place in places for inside in folders_in(place)]
    yield from (seed for place in places for seed in folders_in(place) if re.fullmatch(r"seed-[0-9]+", seed.name))


def used(path: Path | str) -> int:
    """Bytes that a file, or all files below a folder, take on the disk."""
    if os.path.islink(path) or not os.path.isdir(path):
        return _blocks(path)
    return sum(_blocks(entry.path) for entry in files_below(path))


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _blocks(path: str | Path) -> int:
    try:
        return os.lstat(path).st_blocks * 512
    except FileNotFoundError:
        return 0
