"""Checkpoints: the trainer's state and the judge's, whole or not there, the newest two kept."""

from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paralab.core import State
from paralab.errors import Refused
from paralab.record import files

FORMAT = 1
STATE_LIBRARIES = ("numpy", "scikit-learn", "stable-baselines3", "torch", "gymnasium")  # whose objects a state holds


@dataclass(frozen=True)
class Checkpoint:
    step: int
    state: State
    judge: Mapping[str, Any]
    folder: Path  # last/ in it is the model, best/ the validation-best one where there is one


def save(
    folder: Path, config_id: str, step: int, state: State, judge: Mapping[str, Any], models: Callable[[Path], None]
) -> None:
    """Write step-N aside, `models` into it as well, sync and rename it, then remove all but the newest two."""
    folder.mkdir(exist_ok=True)
    _remove_halves(folder)
    aside = folder / f".step-{step:012d}.{os.getpid()}"
    aside.mkdir()
    files.write_arrays(aside / "state.npz", state)
    files.write_json(aside / "judge.json", judge)
    models(aside)
    whole = {
        "format": FORMAT,
        "config_id": config_id,
        "step": step,
        "versions": _versions(),
        "files": files.digests(aside),
    }
    files.write_json(aside / "manifest.json", whole)
    place = folder / f"step-{step:012d}"
    if place.exists():  # damaged: a whole one would have been gone on from
        _remove(place)
    aside.rename(place)
    files.sync_folder(folder)
    for old in _newest_first(folder)[2:]:
        _remove(old)


def tidy(folder: Path, step: int) -> None:
    """Remove what processes killed while they wrote or removed left, and what lies beyond `step`, trained again now."""
    _remove_halves(folder)
    newest = _newest_first(folder)
    beyond = [place for place in newest if int(place.name[5:]) > step]
    for place in (*beyond, *newest[len(beyond) + 2 :]):
        _remove(place)


def load(folder: Path, config_id: str, told: float = math.inf) -> Checkpoint | None:
    """The newest whole checkpoint that is not beyond step `told`, the history's last; None where there is none.

    Warns where a newer one is damaged, or the history was cut behind it.

    Raises Refused for one of another config, format or library version: going on from it would not be the same run.
    """
    for place in _newest_first(folder):
        try:
            manifest = json.loads((place / "manifest.json").read_text())
            if manifest["files"] != files.digests(place, leave_out=("manifest.json",)):
                raise ValueError("a file does not match its digest")
            if manifest["step"] != int(place.name[5:]):
                raise ValueError("it is of another step")
            if manifest["step"] > told:
                raise ValueError(f"its history ends at step {told:g}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            warnings.warn(f"{place} is damaged ({error}); the checkpoint before it is used", stacklevel=2)
            continue
        theirs = {key: manifest[key] for key in ("format", "config_id", "versions")}
        ours = {"format": FORMAT, "config_id": config_id, "versions": _versions()}
        if theirs != ours:
            key = next(key for key in ours if theirs[key] != ours[key])
            text = f"was written with {key} {theirs[key]}, this is {ours[key]}; force=true trains from the start"
            raise Refused(f"{place} {text}")
        judge = json.loads((place / "judge.json").read_text())
        return Checkpoint(manifest["step"], files.read_arrays(place / "state.npz"), judge, place)
    return None


def _remove_halves(folder: Path) -> None:
    for place in folder.glob(".step-*"):
        shutil.rmtree(place)


def _remove(place: Path) -> None:
    """Renamed first: a checkpoint is whole or not there while it is removed, too."""
    aside = place.with_name(f".{place.name}.{os.getpid()}.gone")
    place.rename(aside)
    shutil.rmtree(aside)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in STATE_LIBRARIES}
