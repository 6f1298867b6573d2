"""history.jsonl: one line a snapshot, append-only; a torn last line is as if never written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from paralab.record import files


def read(path: Path) -> list[dict[str, Any]]:
    """Every whole line, up to the first torn one."""
    rows = []
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        rows.append(row)
    return rows


def resume(path: Path, step: int) -> TextIO:
    """The history open for appending, with what lies beyond `step` (trained again now) cut off."""
    kept = [row for row in read(path) if row["step"] <= step]
    files.write(path, "".join(_line(row) for row in kept).encode())
    return path.open("a", buffering=1)


def append(file: TextIO, row: Mapping[str, float]) -> None:
    file.write(_line(row))


def _line(row: Mapping[str, float]) -> str:
    return json.dumps(dict(row)) + "\n"
