"""Where a run lies: experiments/<experiment>/runs/<problem>/<paradigm>/<trainer>/<config id>/seed-<n>/."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from paralab.errors import Refused
from paralab.record import files
from paralab.record.lock import mark

SCORES = "scores.json"  # written last: its presence means finished
KEPT = ("lock.json", "run.log")  # the new run's own, already open
MOVING = "replaced.txt"  # while a run is moved: when it was begun, which names the place


def run_folder(root: Path, experiment: str, problem: str, trainer: str, config_id: str, seed: int) -> Path:
    """A run's folder; raises Refused for a name that could leave the root."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", experiment):
        raise Refused(f"name={experiment}: an experiment's name is 1 to 64 of a-z, 0-9, _ and -")
    return root / experiment / "runs" / problem / trainer / config_id / f"seed-{seed}"


def finished(folder: Path) -> bool:
    """Whether the run in `folder` is; raises Refused where that may not be seen."""
    try:
        return (folder / SCORES).is_file()
    except PermissionError as error:
        raise Refused(f"{folder} cannot be written ({error.strerror}); choose another place with root=DIR") from error


def open_folder(folder: Path) -> Path | None:
    """Make the run's folder before any training; raises Refused where it cannot be written.

    Returns the uppermost folder that had to be made, for `remove_fresh`; None where the run's own was there already.
    """
    made = next((path for path in (*reversed(folder.parents), folder) if not path.exists()), None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = mark(folder, "probe")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(f"{folder} cannot be written ({error.strerror}); choose another place with root=DIR") from error
    return made


def remove_fresh(folder: Path, made: Path) -> None:
    """Undo `open_folder` for a run that was refused: its folder, and the empty ones above it up to `made`."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in folder.parents:
        if not path.is_relative_to(made):
            break
        try:
            path.rmdir()
        except OSError:  # another run lies in it
            break


def set_aside(folder: Path) -> None:
    """Move what a run wrote to runs/.replaced/, which readers skip; the lock stays, nothing is deleted.

    The scores first: killed half-way, the run is no longer taken for finished. `finish_setting_aside` does the rest.
    """
    if not any(path.name not in KEPT for path in folder.iterdir()):
        return
    now = time.time_ns()
    while (place := _aside(folder, now)).exists():  # the clock stood, or was set back
        now += 1
    place.mkdir(parents=True)
    files.write(folder / MOVING, str(now).encode())
    finish_setting_aside(folder)


def finish_setting_aside(folder: Path) -> None:
    """Move what a process that was killed in the middle of `set_aside` did not."""
    moving = folder / MOVING
    if not moving.exists():
        return
    place = _aside(folder, int(moving.read_text()))
    old = (path for path in folder.iterdir() if path.name not in (*KEPT, MOVING))
    for path in sorted(old, key=lambda path: path.name != SCORES):
        path.rename(place / path.name)
    moving.unlink()


def _aside(folder: Path, when: int) -> Path:
    runs = next(path for path in folder.parents if path.name == "runs")
    return runs / ".replaced" / str(when) / folder.relative_to(runs)
