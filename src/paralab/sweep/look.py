"""An experiment's sweep as its folders show it, from any process: nothing is written, and folders may change meanwhile.

A finished run is read once; of a run that has not begun one `stat` is asked a look, so that 10,000 of them are cheap.
"""

from __future__ import annotations

import glob
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from paralab.record import folder as places
from paralab.record.holder import born, held
from paralab.seeds import TUNING
from paralab.sweep import manifest

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SUMMARY = "summary.json"  # of an ended study, beside its journal
TAIL = 1 << 16  # bytes of a history in which its last whole line is looked for
State = Literal["waiting", "running", "finished", "failed", "pruned", "interrupted"]
OVER = ("finished", "failed", "pruned")
STATES: Mapping[object, State] = {  # by a record's status; "running" is for the lock to say
    "failed": "failed", "diverged": "failed", "pruned": "pruned", "interrupted": "interrupted",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One run at one look."""

    folder: Path
    problem: str
    trainer: str
    said: tuple[str, ...]  # the overrides it came from
    state: State = "waiting"
    steps: int = 0  # 0: not known
    row: Mapping[str, float] = field(default_factory=dict)  # of a run under way: its history's last line
    score: tuple[str, float] | None = None  # the one that ranks it
    ended: float | None = None  # seconds since the epoch
    error: str | None = None


class Look:
    """An experiment watched: its newest sweep as it was planned, or, where it has none, all its runs.

    Once that sweep is over, runs under way that are none of its own (of one seed, of a study) are seen beside it.
    """

    def __init__(self, root: Path, experiment: str) -> None:
        self.place = root / experiment
        self.home: Path | None = None
        self.started: float | None = None  # seconds since the epoch; None: the sweep has no driver now
        self._version: tuple[Path, int, int] | None = None
        self._runs: dict[Path, Seen] = {}

    def again(self) -> list[Seen]:
        """Every run as it is now, in the order of the plan."""
        self._find()
        for folder, run in self._runs.items():
            if run.state != "finished":
                self._runs[folder] = _look(run)
        if self.home is not None and all(run.state in OVER for run in self._runs.values()):
            others = [_look(_named(path)) for path in self._folders() if path not in self._runs]
            return [*self._runs.values(), *(run for run in others if run.state == "running")]
        return list(self._runs.values())

    def study(self) -> Mapping[str, Any]:
        """The summary of the study that ended here last; empty where a sweep began after it, or there is none."""
        found = self.place.glob(f"sweeps/*/{SUMMARY}")
        with suppress(OSError):
            newest = max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
            begun = (self.home / manifest.STARTS).stat().st_mtime_ns if self.home else 0
            if newest is not None and newest.stat().st_mtime_ns >= begun:
                return _json(newest)
        return {}

    def _folders(self) -> list[Path]:
        """Of all runs there are, planned or not."""
        found = glob.glob(f"{glob.escape(str(self.place))}/runs/*/*/*/*/seed-*")
        return [Path(path) for path in sorted(found) if path.rpartition("seed-")[2].isdecimal()]

    def _find(self) -> None:
        """The runs there are to look at."""
        with suppress(OSError):
            self.home = manifest.latest(self.place)
        self.started = _started(self.home) if self.home else None
        if self.home is None:
            self._runs = {path: self._runs.get(path, _named(path)) for path in self._folders()}
            return
        with suppress(OSError, ValueError, KeyError):  # being written, or removed: the next look sees it whole
            found = (self.home / manifest.FILE).stat()
            version = (self.home, found.st_mtime_ns, found.st_size)
            if version == self._version:
                return
            runs = {}
            for plan in manifest.read(self.home):
                seed = plan.config["seed"]
                folder = places.run_folder(
                    self.place.parent, self.place.name, plan.problem, plan.trainer, plan.config_id, seed
                )
                first = Seen(folder, plan.problem, plan.trainer, plan.said, steps=_steps(plan.config))
                runs[folder] = self._runs.get(folder, first)
            self._runs, self._version = runs, version


def objective_score(folder: Path, scores: Mapping[str, float]) -> tuple[str, float] | None:
    """The score that ranks the run in `folder`, with its name; None where its record does not tell.

    Of a tuner's trial that on validation: nothing may be chosen by what the test rows say.
    """
    split = "valid" if int(folder.name.removeprefix("seed-")) >= TUNING else "test"
    metric = f"{split}/{_json(folder / 'record.json').get('objective')}"
    return (metric, scores[metric]) if metric in scores else None


def _started(home: Path) -> float | None:
    """When the sweep in `home` was started last, if its driver may still be at work; on another host it may."""
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
        start = json.loads((home / manifest.STARTS).read_text().splitlines()[-1])
        if start["host"] != platform.node() or born(start["pid"]) is not None:
            return datetime.fromisoformat(start["time"]).timestamp()
    return None


def _look(run: Seen) -> Seen:
    def now(state: State, **facts: Any) -> Seen:
        return replace(run, **{"state": state, "row": {}, "score": None, "ended": None, "error": None, **facts})

    try:
        os.stat(run.folder)
    except OSError:
        return now("waiting")
    with suppress(OSError):  # the lock first: once it is gone, the record says how the run ended
        if held(run.folder):
            steps = run.steps or _steps(_config(run.folder))
            return now("running", steps=steps, row=_last(run.folder / "history.jsonl"))
    record = _json(run.folder / "record.json")
    state = STATES.get(record.get("status"))
    with suppress(OSError):
        ended = (run.folder / places.SCORES).stat().st_mtime
        if state not in ("failed", "pruned"):
            return now("finished", score=objective_score(run.folder, _json(run.folder / places.SCORES)), ended=ended)
    if not record:
        return now("waiting")
    if state is None or state == "interrupted":
        return now("interrupted")
    with suppress(OSError):
        return now(state, ended=(run.folder / "record.json").stat().st_mtime, error=str(record.get("error") or ""))
    return now("waiting")


def _named(folder: Path) -> Seen:
    """A run that no plan names."""
    problem, paradigm, trainer, config, seed = folder.parts[-5:]
    return Seen(folder, problem, f"{paradigm}/{trainer}", (config, seed.replace("-", "=", 1)))


def _steps(config: Mapping[str, Any]) -> int:
    with suppress(KeyError, TypeError, ValueError):
        return int(config["budget"]["steps"] or config["trainer"]["default_steps"])
    return 0


def _config(folder: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError, yaml.YAMLError):
        config = yaml.load((folder / "config.yaml").read_bytes(), Loader=LOADER)
        return config if isinstance(config, dict) else {}
    return {}


def _json(path: Path) -> Mapping[str, Any]:
    """The object in a file; empty where there is none, or none whole."""
    with suppress(OSError, ValueError):
        data = json.loads(path.read_bytes())
        return data if isinstance(data, dict) else {}
    return {}


def _last(path: Path) -> Mapping[str, float]:
    """The last whole line of a history; empty where there is none yet."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - TAIL, 0))
        lines = file.read().split(b"\n")
        if len(lines) > 1:  # what follows the last newline is torn
            row = json.loads(lines[-2])
            return row if isinstance(row, dict) else {}
    return {}
