"""A run between its first snapshot and its last: the judge's memory, and how both go to disk and come back.

A checkpoint is the trainer's state *and* the judge's: without the latter, killed runs ended wrong.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from paralab.core import Metrics, Problem, Snapshot
from paralab.errors import Failed
from paralab.meter import Meter
from paralab.package.model import save_model
from paralab.record import checkpoint, files, log
from paralab.record.plan import Plan


@dataclass
class Judge:
    """What the loop knows beside the trainer's state; both go into a checkpoint."""

    step: int = 0
    seconds: float = 0.0  # training clock, stopped while the judge evaluates
    best: float | None = None  # of the objective on validation
    best_step: int | None = None
    stale: int = 0  # validations since the best
    validated: int = 0  # the step last validated
    over: bool = False
    feedback: int = 0  # of the meter
    reward: float = 0.0

    def count(self, meter: Meter | None) -> None:
        if meter is not None:
            self.feedback, self.reward = meter.used, meter.reward

    def line(self, scores: Metrics) -> Metrics:
        """A line of the history."""
        return {"step": self.step, "seconds": round(self.seconds, 6), **scores}

    def see(self, step: int, score: float | None, patience: int | None) -> bool:
        """Take a validation's score, if there is one; whether it is the best so far (the first of equals is)."""
        self.validated = step
        if score is None:
            return False
        best = self.best is None or score > self.best
        self.stale = 0 if best else self.stale + 1
        if best:
            self.best, self.best_step = score, step
        self.over = self.over or (patience is not None and self.stale >= patience)
        return best


def save_checkpoint(plan: Plan, judge: Judge, snapshot: Snapshot) -> None:
    """The newest checkpoint, with the last model and the best one; copies where they were already saved."""
    last, best = plan.folder / "last", plan.folder / "best"

    def models(aside: Path) -> None:
        if last.exists():
            shutil.copytree(last, aside / "last")
        else:
            save_model(snapshot.model, aside / "last")
        if best.exists():
            shutil.copytree(best, aside / "best")

    checkpoint.save(plan.folder / "checkpoint", plan.config_id, judge.step, snapshot.state(), asdict(judge), models)


def resume(plan: Plan, problem: Problem) -> checkpoint.Checkpoint | None:
    """The newest checkpoint, if any, with the folder brought back to how it was then."""
    place, indices = plan.folder, {name: np.asarray(rows) for name, rows in problem.indices.items()}
    saved = checkpoint.load(place / "checkpoint", plan.config_id)
    if saved and not files.same_arrays(files.read_arrays(place / "scenario.npz"), indices):
        raise Failed(f"{place}: the data changed since its checkpoint was written; force=true trains from the start")
    files.write_arrays(place / "scenario.npz", indices)
    for left in ("last", "best", "model", "model_last"):
        shutil.rmtree(place / left, ignore_errors=True)
    if saved:
        log.say(f"resumed from step {saved.step}")
        if (saved.folder / "best").exists():
            shutil.copytree(saved.folder / "best", place / "best")
    return saved


def save_last(place: Path, snapshot: Snapshot | None, saved: checkpoint.Checkpoint | None) -> None:
    """Write last/: of the last snapshot, or of the checkpoint where training was over by then."""
    if snapshot is not None:
        save_model(snapshot.model, place / "last")
    elif saved is not None:
        shutil.copytree(saved.folder / "last", place / "last")
    else:
        raise Failed("training ended before its first snapshot: the budget or the grant is below one step")


def name_models(place: Path) -> None:
    """Make model/ the validation-best where there is one, with model_last/ beside it, else the last."""
    if (place / "best").exists():
        (place / "last").rename(place / "model_last")
        (place / "best").rename(place / "model")
    else:
        (place / "last").rename(place / "model")
