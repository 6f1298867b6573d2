"""What runs left behind, as values: equal for equal outcomes, however they came about."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from paralab.record import files, history

PASSING = (
    "seconds", "started", "ended", "wall_seconds", "command", "cost/seconds", "cost/peak_rss_mb", "peaks",
    "provenance", "config.yaml", "seal",
)  # fmt: skip
CLOCKED = (
    "scores.json",
    "history.jsonl",
    "judge.json",
)  # hold seconds: their digests differ, their values are compared


def left(place: Path) -> dict[str, object]:
    """Every file below `place` but its log and lock, by its path: its values without clocks, or its SHA-256."""
    found = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in ("run.log", "lock.json"))
    return {path.relative_to(place).as_posix(): _values(path) for path in found}


def outcome(place: Path) -> dict[str, object]:
    """`left` without checkpoints: which there are may depend on the clock."""
    return {name: said for name, said in left(place).items() if not name.startswith("checkpoint/")}


def snapshots(place: Path) -> int:
    """How many are written in all runs below `place`."""
    return sum(len(history.read(folder / "history.jsonl")) for folder in runs_in(place))


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for it; the process must live."""
    end = time.monotonic() + 120
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def only_run(place: Path) -> Path:
    """The folder of the only run below experiments/ in `place`."""
    (folder,) = runs_in(place)
    return folder


def runs_in(place: Path) -> list[Path]:
    """Not by **: a checkpoint's folder may be renamed while it is searched."""
    return sorted(place.glob("experiments/*/runs/*/*/*/*/seed-*"))


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return record


def _values(path: Path) -> object:
    if path.name == "config.yaml":
        return path.read_text().replace("force: true", "force: false")
    if path.suffix == ".jsonl":
        return [_timeless(json.loads(line)) for line in path.read_text().splitlines()]
    if path.name in ("record.json", "scores.json", "judge.json") or path.parent.name.startswith("step-"):
        return _timeless(json.loads(path.read_text())) if path.suffix == ".json" else files.digest(path)
    return files.digest(path)


def _timeless(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kept = {key: each for key, each in value.items() if key not in (*PASSING, *CLOCKED)}
    return {key: _timeless(each) for key, each in kept.items()}
