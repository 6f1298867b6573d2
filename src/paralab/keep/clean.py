"""What may be removed of experiments, and its removal: first renamed away, so that a kill leaves nothing half there.

A run under way, by its lock, is never touched; a finished one goes only where a filter says status=finished.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paralab.errors import Held
from paralab.keep.filters import Filter
from paralab.keep.walk import folders_in, seeds_in, used
from paralab.record import read
from paralab.record.folder import finished
from paralab.record.holder import STALE, held
from paralab.record.lock import locked
from paralab.record.read import Run, Status

What = Literal["run", "checkpoint", "leftover", "replaced"]
BAD: tuple[Status, ...] = ("failed", "diverged", "pruned")  # removed without a filter that says so
TRASH, INCOMING, REPLACED = ".trash", ".incoming", ".replaced"  # in runs/, where readers pass over dots
ASIDE = re.compile(r"\..+\.\d+")  # as files that are being written are named: .lock.HOST.PID.THREAD, .NAME.PID


@dataclass(frozen=True)
class Removal:
    """A file or folder that may go, and why."""

    path: Path
    what: What
    why: str  # "failed", "of a finished run"
    bytes: int
    run: Run | None = None  # whose it is; None: nobody's


def candidates(
    root: Path, experiment: str, runs: Sequence[Run], which: Filter, *, checkpoints: bool, replaced: bool
) -> Iterator[Removal]:
    """What would be removed of an experiment's `runs`; without a filter, also what lies beside them."""
    for run in runs:
        if which.fits(run) and not held(run.folder):
            yield from _of_run(run, which.statuses, checkpoints)
    beside = root / experiment / "runs"
    if not which.values and not which.older:
        for place in (TRASH, INCOMING):
            for path in folders_in(beside / place):
                if _is_old(path) and not held(path):
                    yield Removal(path, "leftover", "of a killed process", used(path))
    for path in _superseded(beside) if replaced else ():
        yield Removal(path, "replaced", "replaced by a later run", used(path))


def _superseded(runs: Path) -> Iterator[Path]:
    """Runs set aside in .replaced/; a finished one only where a finished one stands in its place."""
    for moved in folders_in(runs / REPLACED):
        for path in seeds_in(moved):
            if not finished(path) or finished(runs / path.relative_to(moved)):
                yield path


def _of_run(run: Run, statuses: Sequence[str], checkpoints: bool) -> Iterator[Removal]:
    if run.status in (statuses or BAD):
        saved = any((run.folder / "checkpoint").glob("step-*")) and run.status != "finished"
        why = f"{run.status}, with a checkpoint to go on from" if saved else run.status
        yield Removal(run.folder, "run", why, used(run.folder), run)
        return
    if statuses:
        return
    checkpoint = run.folder / "checkpoint"
    done = run.status == "finished" and checkpoints and checkpoint.is_dir() and not checkpoint.is_symlink()
    if done:
        yield Removal(checkpoint, "checkpoint", "of a finished run", used(checkpoint), run)
    half = [] if done or not checkpoint.is_dir() else sorted(checkpoint.glob(".step-*"))
    for path in _leftovers(run, half):
        yield Removal(path, "leftover", "of a killed process", used(path), run)


def _leftovers(run: Run, half: Sequence[Path]) -> Iterator[Path]:
    """What a process that was killed left of a run; young things may be somebody's who just begins.

    Beside its folder lies what came from another machine, or made room for it; a finished one only if this one is.
    """
    with suppress(FileNotFoundError):
        top = sorted(path for path in run.folder.iterdir() if ASIDE.fullmatch(path.name) and path.is_file())
        beside = [run.folder.with_name(f".{run.folder.name}.{kind}") for kind in ("coming", "gone")]
        lost = [path for path in beside if path.is_dir() and (run.status == "finished" or not finished(path))]
        yield from (path for path in (*half, *top, *lost) if _is_old(path))


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > STALE
    except FileNotFoundError:
        return False


def remove(root: Path, experiment: str, removal: Removal) -> str:
    """Remove it, under its run's lock; "" or why it was left alone, in a line."""
    run, path = removal.run, removal.path
    runs = root / experiment / "runs"
    trash = runs / TRASH / f"{time.time_ns()}-{os.getpid()}"
    try:
        if run is None:
            _discard(path, trash)
            _prune(path.parent, runs)
        else:
            with locked(run.folder):
                now = read.run_in(run.folder, run.experiment, (run.problem, run.trainer, run.config_id))
                if _settled(now) != _settled(run):
                    return f"{path}: the run went on meanwhile"
                _discard(path, trash)
            _prune(run.folder.parent, runs)
    except Held as error:
        return str(error)
    except FileNotFoundError:
        return "" if not path.exists() else f"{path} cannot be removed: its folder vanished meanwhile"
    except OSError as error:
        return f"{path} cannot be removed ({error.strerror})"
    return ""


def _settled(run: Run) -> tuple[Status, str]:
    """Its status and scores; under our own lock, a run that was killed seems to be running."""
    return ("interrupted" if run.status == "running" else run.status, repr(run.scores))


def _discard(path: Path, trash: Path) -> None:
    """Out of the readers' sight at once, then off the disk."""
    trash.mkdir(parents=True)
    try:
        path.rename(trash / path.name.lstrip("."))
        shutil.rmtree(trash)
    finally:
        for empty in (trash, trash.parent):
            with suppress(OSError):  # not empty: what could not be deleted is left for the next time
                empty.rmdir()


def _prune(folder: Path, runs: Path) -> None:
    """Remove the folders above a run that are empty now."""
    while folder != runs:
        try:
            folder.rmdir()
        except OSError:  # another run lies in it
            return
        folder = folder.parent
