"""Runs of other machines merged into a root: what is finished here is never overwritten, what is copied is whole.

A run is written to runs/.incoming, which readers pass over, checked, synced, and renamed to its place.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from errno import EEXIST, ENOTEMPTY
from pathlib import Path
from typing import Literal

from paralab.errors import Failed, Held, Refused
from paralab.keep.clean import REPLACED
from paralab.keep.copying import contents, copy, incoming
from paralab.keep.source import Extras, Found, gather
from paralab.record import files, read
from paralab.record.folder import SCORES
from paralab.record.holder import held
from paralab.record.lock import locked
from paralab.record.read import Damage, Run

Action = Literal["collected", "replaced", "here", "conflict", "damaged", "skipped"]
BAD: tuple[Action, ...] = ("conflict", "damaged")  # what the user must look at
COSTS = "cost/"  # scores that two machines never share


@dataclass(frozen=True)
class Step:
    """What became of one run of a source."""

    action: Action
    source: Path
    target: Path
    experiment: str
    why: str = ""
    bytes: int = 0  # copied


def plan(sources: Sequence[Path], into: Path) -> tuple[list[Found], list[Extras]]:
    """The runs of all sources, finished ones first, so that of two the unfinished one is not copied at all.

    Raises Refused for a source that holds none.
    """
    runs, extras = [], []
    for source in sources:
        found, beside = gather(source, into)
        runs += found
        extras += beside
    return sorted(runs, key=lambda each: each.run.status != "finished"), extras


def merge(runs: Sequence[Found], into: Path, dry: bool) -> Iterator[Step]:
    """Take them one by one; raises Refused or Failed where `into` cannot be written, with all before kept.

    `dry` tells what would be done and writes nothing.
    """
    if not dry:
        try:
            into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{into} cannot be written ({error.strerror}); choose another place with --into") from error
    assumed: dict[Path, Path] = {}  # of a dry run: target -> the source that would lie there
    for found in runs:
        try:
            step = _take(found, into, assumed.get(found.target, found.target), dry)
        except Damage as damage:
            step = _step(found, "damaged", str(damage))
        except Held as error:
            step = _step(found, "skipped", str(error))
        except OSError as error:
            raise Failed(f"{found.target}: {error.strerror or error}; what was collected before is whole") from error
        if dry and step.action in ("collected", "replaced"):
            assumed[found.target] = found.run.folder
        yield step


def _step(found: Found, action: Action, why: str = "", size: int = 0) -> Step:
    return Step(action, found.run.folder, found.target, found.run.experiment, why, size)


def _take(found: Found, into: Path, place: Path, dry: bool) -> Step:
    """Decide by what lies at `place`, and copy; raises Damage, Held or OSError."""
    source = found.run.folder
    if found.fault:
        raise Damage(found.fault)
    if _written(source):
        return _step(found, "skipped", f"{source} is being written")
    if not found.record:
        return _step(found, "skipped", f"{source}: nothing recorded yet")
    here = _here(found, place)
    if here and (held(place) or here.status == "running"):
        return _step(found, "skipped", f"{place} is being written")
    if here and here.status == "damaged":
        return _step(found, "conflict", f"{here.error}: the run here is damaged; move it away and collect again")
    if here and (here.status == "finished" or (found.run.status != "finished" and _recorded(place))):
        both = here.status == found.run.status == "finished"
        return _compared(found, place) if both else _step(found, "here")
    taken = contents(source, found.record, found.run.status == "finished")
    size = sum((source / name).stat().st_size for name in taken)
    if not dry:
        _bring(found, taken, into, replace=here is not None)
    return _step(found, "replaced" if here else "collected", size=size)


def _written(source: Path) -> bool:
    try:
        return held(source)
    except OSError as error:
        raise Damage(f"{error.filename} cannot be read ({error.strerror})") from error


def _here(found: Found, place: Path) -> Run | None:
    """The run that lies in its place already; an empty folder is none."""
    try:
        if not os.listdir(place):
            return None
    except FileNotFoundError:
        return None
    run = found.run
    return read.run_in(place, run.experiment, (run.problem, run.trainer, run.config_id))


def _recorded(place: Path) -> bool:
    return (place / "record.json").is_file()


def _compared(found: Found, place: Path) -> Step:
    """Of two finished runs: the same, or a conflict where both are what their records say."""
    source = found.run.folder
    differs = _difference(source, place)
    if not differs:
        return _step(found, "here")
    contents(source, found.record, finished=True)
    try:
        contents(place, files.read_json(place / "record.json"), finished=True)
    except Damage as damage:
        return _step(found, "conflict", f"{damage}: the run here is damaged; move it away and collect again")
    return _step(found, "conflict", f"{place} differs from {source} in {differs}; both are left as they are")


def _difference(one: Path, other: Path) -> str:
    """In what two finished runs differ, costs apart; "" where in nothing."""
    try:
        scores = [files.read_json(folder / SCORES) for folder in (one, other)]
        predictions = [folder / "predictions.npz" for folder in (one, other)]
        digests = [files.digest(path) if path.is_file() else "" for path in predictions]
    except OSError as error:
        raise Damage(f"{error.filename} cannot be read ({error.strerror})") from error
    mine, theirs = ({key: repr(said[key]) for key in said if not key.startswith(COSTS)} for said in scores)
    key = next((key for key in sorted({*mine, *theirs}) if mine.get(key) != theirs.get(key)), None)
    if key is not None:
        return f"{key} ({theirs.get(key, 'none')} here, {mine.get(key, 'none')} there)"
    return "predictions.npz" if digests[0] != digests[1] else ""


def _bring(found: Found, taken: dict[str, str], into: Path, replace: bool) -> None:
    """Copy a run aside, check it, and rename it to its place; an unfinished one there moves to .replaced/ first."""
    target, runs = found.target, into / found.run.experiment / "runs"
    with incoming(runs) as place:
        aside = place / target.name
        copy(found.run.folder, aside, taken)
        if _written(found.run.folder):
            raise Held(f"{found.run.folder} is being written")
        fresh = [path for path in target.parents if not path.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if replace:
                _replace(found, aside, runs)
            else:
                aside.rename(target)
        except OSError as error:
            if error.errno in (ENOTEMPTY, EEXIST):
                raise _appeared(target) from error
            raise
        for path in (target, *fresh):
            files.sync_folder(path.parent)


def _replace(found: Found, aside: Path, runs: Path) -> None:
    with locked(found.target):
        here = _here(found, found.target)
        if here and here.status == "finished":
            raise _appeared(found.target)
        old = runs / REPLACED / str(time.time_ns()) / found.target.relative_to(runs)
        old.parent.mkdir(parents=True)
        found.target.rename(old)
        (old / "lock.json").unlink(missing_ok=True)
        aside.rename(found.target)


def _appeared(target: Path) -> Held:
    return Held(f"{target} was written meanwhile: collect again")


def counts(steps: Sequence[Step]) -> dict[str, Counter[str]]:
    """How many runs of each experiment became what."""
    found: dict[str, Counter[str]] = {}
    for step in steps:
        found.setdefault(step.experiment, Counter())[step.action] += 1
    return found
