"""The disk that an experiment uses, by what lies there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paralab.keep.walk import files_below, used

KINDS = ("runs", "models", "checkpoints", "replaced", "reports", "sweeps", "other")
_TOP = {"report": "reports", "sweeps": "sweeps"}
_OF_A_RUN = {"model": "models", "model_last": "models", "best": "models", "last": "models", "checkpoint": "checkpoints"}
_DEPTH = 6  # runs/<problem>/<paradigm>/<trainer>/<config id>/seed-<n>, what lies in it comes next


@dataclass(frozen=True)
class Usage:
    """An experiment's bytes on disk by kind; "runs" is what a run leaves apart from its models and checkpoints."""

    experiment: str
    bytes: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.bytes.values())


def usage(root: Path, experiment: str) -> Usage:
    """What the folder of an experiment takes."""
    counted, place = dict.fromkeys(KINDS, 0), root / experiment
    for entry in files_below(place):
        counted[_kind(os.path.relpath(entry.path, place).split(os.sep))] += used(entry.path)
    return Usage(experiment, counted)


def _kind(parts: list[str]) -> str:
    if parts[0] != "runs":
        return _TOP.get(parts[0], "other") if len(parts) > 1 else "other"
    if len(parts) > 1 and parts[1] == ".replaced":
        return "replaced"
    if len(parts) <= _DEPTH or parts[1].startswith("."):  # .trash and .incoming, of processes that were killed
        return "other"
    return _OF_A_RUN.get(parts[_DEPTH], "runs") if len(parts) > _DEPTH + 1 else "runs"
