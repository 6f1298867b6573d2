"""A filter of runs as words: "status=failed,pruned trainer=supervised/* older=7d"."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from paralab.errors import Refused, closest
from paralab.record.read import Run, Status

STATUSES: tuple[Status, ...] = ("finished", "interrupted", "failed", "diverged", "pruned", "damaged")
KEYS = ("status", "problem", "trainer", "seed", "labels", "config_id", "older")
SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
NAMES: dict[str, Callable[[Run], str]] = {
    "problem": lambda run: run.problem,
    "trainer": lambda run: run.trainer,
    "config_id": lambda run: run.config_id,
}


@dataclass(frozen=True)
class Filter:
    """Which runs are meant; empty: all of them."""

    values: dict[str, tuple[str, ...]]  # key -> any of these
    older: float = 0.0  # seconds since the run ended, at least

    @property
    def statuses(self) -> tuple[str, ...]:
        return self.values.get("status", ())

    def fits(self, run: Run) -> bool:
        """Whether a run is meant; `status` apart, which says what is removed of it."""
        return all(self._has(run, key) for key in self.values if key != "status") and self._is_old(run)

    def _has(self, run: Run, key: str) -> bool:
        if key in NAMES:
            return any(fnmatchcase(NAMES[key](run), value) for value in self.values[key])
        said = str(run.seed) if key == "seed" else "all" if run.labels is None else str(run.labels)
        return said in self.values[key]

    def _is_old(self, run: Run) -> bool:
        return not self.older or time.time() - _ended(run) >= self.older


def parse(text: str, runs: Sequence[Run]) -> Filter:
    """The filter that `text` says, of `runs`; raises Refused for a key, a status or a name that there is not."""
    values: dict[str, tuple[str, ...]] = {}
    older = 0.0
    for word in text.split():
        key, equals, said = word.partition("=")
        if key not in KEYS:
            raise Refused(f"--where {word}: there is no key '{key}'. {closest(key, KEYS)}")
        if not equals or not said:
            raise Refused(f"--where {word}: write {key}=VALUE")
        if key in values or (key == "older" and older):
            raise Refused(f"--where {word}: {key} is given twice; write {key}=one,other for any of several")
        if key == "older":
            older = _seconds(said)
        else:
            values[key] = tuple(_value(key, value, runs) for value in said.split(","))
    return Filter(values, older)


def _value(key: str, value: str, runs: Sequence[Run]) -> str:
    if key == "status":
        if value == "running":
            raise Refused("--where status=running: a run under way is never removed; stop it first")
        if value not in STATUSES:
            raise Refused(f"--where status={value}: there is no such status. {closest(value, STATUSES)}")
    elif key in NAMES:
        known = {NAMES[key](run) for run in runs}
        if not any(fnmatchcase(name, value) for name in known):
            raise Refused(f"--where {key}={value}: no run here has it. {closest(value, known)}")
    elif not re.fullmatch(r"0|[1-9][0-9]*", value) and (key, value) != ("labels", "all"):
        raise Refused(f"--where {key}={value}: write a whole number{' or all' * (key == 'labels')}")
    return value


def _seconds(said: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", said)
    if not found or not int(found[1]):
        raise Refused(f"--where older={said}: write a number of minutes, hours, days or weeks: 30m, 12h, 7d, 2w")
    return float(int(found[1]) * SECONDS[found[2]])


def _ended(run: Run) -> float:
    """When a run ended, else began, by its record; of one without, by its folder. In seconds since 1970."""
    try:
        record = json.loads((run.folder / "record.json").read_bytes())
        return datetime.fromisoformat(record["ended"] or record["started"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        try:
            return run.folder.stat().st_mtime
        except OSError:
            return time.time()
