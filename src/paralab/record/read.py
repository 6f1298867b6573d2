"""Run folders as values: what every reader (report, `paralab runs`, dashboards) goes through. Imports nothing heavy."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from paralab.errors import Refused, closest
from paralab.record.holder import held

FORMAT = 1  # of record.json
Status = Literal["running", "finished", "interrupted", "failed", "diverged", "pruned", "damaged"]
WRITTEN: tuple[Status, ...] = ("running", "finished", "interrupted", "failed", "diverged", "pruned")
Json = Mapping[str, object]


@dataclass(frozen=True)
class Run:
    """One seed of one configuration; only a run whose status is finished has scores to count on."""

    folder: Path
    experiment: str
    problem: str
    trainer: str  # "supervised/logistic"
    config_id: str  # runs that share it differ by their seed only
    seed: int
    status: Status
    labels: int | None = None  # None: every training row, or one pull a row
    split: str = ""
    objective: str = ""  # the metric that ranks models; greater is better
    scores: Mapping[str, float] = field(default_factory=dict)  # {"test/accuracy": .97, "cost/seconds": .2}
    bounds: Json | None = None
    error: str | None = None  # one line
    parent: str | None = None  # the finished run it went on from, and at which step
    command: tuple[str, ...] = ()
    started: str = ""  # ISO 8601, UTC; empty where nothing is recorded
    decision: Json | None = None  # the pre-registered rule that it was run under, with its digest
    provenance: Json = field(default_factory=dict)

    @property
    def paradigm(self) -> str:
        return self.trainer.split("/", 1)[0]

    @property
    def score(self) -> float | None:
        """The objective on the test split; None where the run is not finished or the score is no finite number."""
        value = self.scores.get(f"test/{self.objective}", math.nan)
        return value if self.status == "finished" and math.isfinite(value) else None


class Damage(Exception):
    """A file that does not say what it should: one line that names it."""


def experiments(root: Path) -> list[str]:
    """Names of the experiments under a root that hold runs, sorted."""
    return [entry.name for entry in _folders(root) if os.path.isdir(os.path.join(entry.path, "runs"))]


def demand(root: Path, experiment: str) -> list[Run]:
    """The runs of an experiment that must exist: raises Refused with the closest name where it does not."""
    known = experiments(root)
    if experiment not in known:
        raise Refused(f"no experiment '{experiment}' in {root}. {closest(experiment, known)}")
    return runs(root, experiment)


def runs(root: Path, experiment: str | None = None) -> list[Run]:
    """Every run of one experiment, or of all, in a fixed order, budgets rising; never raises for what it reads.

    A damaged folder is a Run too, with status "damaged" and the file's name in `error`; `.replaced/` is skipped.
    """
    names = experiments(root) if experiment is None else [experiment]
    found = [run_in(Path(seed.path), name, place) for name in names for seed, place in _seeds(root / name / "runs")]
    return sorted(found, key=_order)


def parent_in(record: Json) -> str | None:
    """What a record says of the run that it went on from, as a line; None where it was trained from its start."""
    parent = _mapping(record.get("parent"))
    return f"{parent.get('folder')} at step {parent.get('step')}" if parent else None


def failure(folder: Path) -> str | None:
    """Why the run in `folder` failed or diverged, in a line; None where it did not, or cannot be read."""
    try:
        record = _json(folder / "record.json") or {}
    except Damage:
        return None
    return str(record.get("error")) if record.get("status") in ("failed", "diverged") else None


def record_in(folder: Path) -> Json:
    """What record.json says; nothing where it cannot be read, which `run_in` then says in words."""
    try:
        return _json(folder / "record.json") or {}
    except Damage:
        return {}


def _order(run: Run) -> tuple[str, str, str, float, str, int]:
    labels = math.inf if run.labels is None else run.labels
    return (run.experiment, run.problem, run.trainer, labels, run.config_id, run.seed)


def _folders(place: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return sorted((e for e in entries if not e.name.startswith(".") and e.is_dir()), key=lambda e: e.name)
    except OSError:
        return []


def _seeds(place: Path) -> Iterator[tuple[os.DirEntry[str], tuple[str, str, str]]]:
    """Folders of the form problem/paradigm/trainer/config id/seed-n; whatever else lies there is none of ours."""
    for problem in _folders(place):
        for paradigm in _folders(problem.path):
            for trainer in _folders(paradigm.path):
                for config in _folders(trainer.path):
                    for seed in _folders(config.path):
                        if seed.name.startswith("seed-") and seed.name[5:].isdecimal():
                            yield seed, (problem.name, f"{paradigm.name}/{trainer.name}", config.name)


def run_in(folder: Path, experiment: str, place: tuple[str, str, str]) -> Run:
    """The run in a seed's folder, never raising for what it reads; `place`: its problem, trainer and config id."""
    problem, trainer, config_id = place
    seed = int(folder.name[5:])
    try:
        record = _json(folder / "record.json")
        scores = _json(folder / "scores.json")
        if record is None:
            if scores is not None:
                raise Damage(f"{folder / 'record.json'} is missing")
            return Run(
                folder, experiment, problem, trainer, config_id, seed, "interrupted", error="nothing recorded yet"
            )
        if record.get("format") != FORMAT:
            raise Damage(f"{folder / 'record.json'} has format {record.get('format')}, this paralab reads {FORMAT}")
        for key, said in {"problem": problem, "trainer": trainer, "config_id": config_id, "seed": seed}.items():
            if record.get(key) != said:
                raise Damage(f"{folder / 'record.json'} is of another run: its {key} is {record.get(key)!r}")
        return Run(
            folder, experiment, problem, trainer, config_id, seed,
            status=_status(record, scores, folder),
            labels=_whole(record, folder),
            split=str(record.get("split") or ""),
            objective=str(record.get("objective") or ""),
            scores={} if scores is None else {name: _number(value, name, folder) for name, value in scores.items()},
            bounds=_mapping(record.get("bounds")),
            error=None if record.get("error") is None else str(record.get("error")),
            parent=parent_in(record),
            command=_words(record.get("command")),
            started=str(record.get("started") or ""),
            decision=_mapping(record.get("decision")),
            provenance=_mapping(record.get("provenance")) or {},
        )  # fmt: skip
    except Damage as damage:
        return Run(folder, experiment, problem, trainer, config_id, seed, "damaged", error=str(damage))


def _json(path: Path) -> Json | None:
    """The object in a file, None where there is no file; raises Damage."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise Damage(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict):
        raise Damage(f"{path} holds no JSON object")
    return data


def _status(record: Json, scores: Json | None, folder: Path) -> Status:
    """What the record says; but scores.json, written last, decides what is finished, and the lock what still runs."""
    said = record.get("status")
    status = next((known for known in WRITTEN if known == said), None)
    if status is None:
        raise Damage(f"{folder / 'record.json'} has the unknown status {said!r}")
    if scores is not None:
        return status if status in ("failed", "diverged") else "finished"
    killed = status == "running" and not held(folder)
    return "interrupted" if killed or status == "finished" else status


def _whole(record: Json, folder: Path) -> int | None:
    labels = record.get("labels")
    if labels is None or (isinstance(labels, int) and not isinstance(labels, bool)):
        return labels
    raise Damage(f"{folder / 'record.json'} has labels {labels!r}, not a whole number")


def _number(value: object, name: str, folder: Path) -> float:
    if value is None:  # how a strict JSON writer spells NaN
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Damage(f"{folder / 'scores.json'} has no number for {name!r}")


def _mapping(value: object) -> Json | None:
    return value if isinstance(value, dict) else None


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else ()
