"""What of a run another tool is told: settings as parameters, the record as tags, history and scores as curves."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from posixpath import normpath
from typing import Any

from paralab.compare.gather import of_tuning
from paralab.compare.variants import COPIES, config
from paralab.mirror.frame import Value, flat
from paralab.record import history
from paralab.record.read import Run

FILES = ("config.yaml", "record.json", "history.jsonl", "scores.json")  # what is told of a run is all in them
LONGEST_NAME = 240  # characters; MLflow takes 250
UNTOLD = ("files.", "provenance.packages.", "provenance.cpu.flags", "provenance.threads.pools")  # kilobytes a run


@dataclass(frozen=True)
class Content:
    """One run, ready to be written elsewhere."""

    began: float  # seconds since 1970
    ended: float
    step: int  # the last one
    settings: Mapping[str, Any]  # the resolved config
    record: Mapping[str, Any]
    points: Mapping[tuple[str, int], tuple[float, float]]  # (name, step): (value, seconds of the training clock)


def content(run: Run) -> Content:
    """Read a run that is neither running nor damaged; a score at the last step takes its history's place."""
    record = json.loads((run.folder / "record.json").read_bytes())
    rows = history.read(run.folder / "history.jsonl")
    points = {
        (name, int(row["step"])): (number(row[name]), float(row.get("seconds", 0.0)))
        for row in rows
        for name in row
        if name not in ("step", "seconds")
    }
    step = int(record.get("steps") or (rows[-1]["step"] if rows else 0))
    seconds = run.scores.get("cost/seconds", float(rows[-1].get("seconds", 0.0)) if rows else 0.0)
    points |= {(name, step): (value, seconds) for name, value in run.scores.items()}
    began = _when(record.get("started"), 0.0)
    return Content(began, _when(record.get("ended"), began + seconds), step, config(run.folder), record, points)


def digest(run: Run) -> str:
    """SHA-256 of all that is told of a run: another one where any of it has changed."""
    held = hashlib.sha256()
    for name in FILES:
        path = run.folder / name
        held.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return held.hexdigest()


def identity(run: Run) -> str:
    """The run's folder below its root, which stays when the root moves."""
    return f"{run.experiment}/{run.problem}/{run.trainer}/{run.config_id}/seed-{run.seed}"


def params(said: Content) -> dict[str, str]:
    """The settings by dotted names, as YAML spells them: null, true."""
    own = {key: value for key, value in flat(said.settings) if not key.startswith((COPIES, "scenario."))}
    return _told(own)


def tags(run: Run, said: Content) -> dict[str, str]:
    """The record, null values and what takes kilobytes left out, and what readers make of it."""
    own = {
        **{key: value for key, value in flat(said.record) if value is not None and not key.startswith(UNTOLD)},
        "status": run.status,
        "paradigm": run.paradigm,
        "tuning": of_tuning(run),
    }
    return _told({f"paralab.{key}": value for key, value in own.items()})


def number(value: object) -> float:
    """A history's number; what a strict writer spells null is NaN."""
    return float(value) if isinstance(value, int | float) else math.nan


def _told(own: Mapping[str, Value]) -> dict[str, str]:
    names = named(own)
    return {names[key]: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}


def named(keys: Iterable[str]) -> dict[str, str]:
    """For each key the name that MLflow takes: one that a path could have; two keys keep two names."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        name = re.sub(r"[^\w/.\- ]", "_", key)[:LONGEST_NAME]
        if name != normpath(name) or name.startswith(("/", "..")) or name == ".":
            name = name.replace("/", "_").replace(".", "_") or "_"
        while name in taken:
            name += "_"
        taken.add(name)
        names[key] = name
    return names


def _when(said: object, otherwise: float) -> float:
    return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else otherwise


def link(folder: Path) -> str:
    return folder.resolve().as_uri()
