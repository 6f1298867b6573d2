"""A run between its first snapshot and its last: the judge's memory, and how both go to disk and come back.

A checkpoint is the trainer's state *and* the judge's: without the latter, killed runs ended wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from paralab.build import Job
from paralab.core import Metrics, Snapshot, State
from paralab.errors import Failed, Refused
from paralab.meter import Meter
from paralab.package.model import save_model
from paralab.record import checkpoint, files, history, lineage, log, memory
from paralab.record.plan import Plan

Say = Callable[[str], None]  # a line for the user


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
    peaks: dict[str, float] = field(default_factory=dict)  # costs of memory, of all processes that trained it
    parent: dict[str, Any] | None = None  # the finished run that it went on from

    def count(self, meter: Meter | None) -> None:
        if meter is not None:
            self.feedback, self.reward = meter.used, meter.reward

    def peak(self, costs: Metrics) -> None:
        self.peaks = {name: max(value, self.peaks.get(name, 0.0)) for name, value in costs.items()}

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
        self.over = self.over or self.out_of(patience)
        return best

    def out_of(self, patience: int | None) -> bool:
        return patience is not None and self.stale >= patience


def save_checkpoint(plan: Plan, judge: Judge, snapshot: Snapshot) -> None:
    """The newest checkpoint, with the last model and the best one; copies where they were already saved."""
    last, best = plan.folder / "last", plan.folder / "best"
    judge.peak(memory.costs(plan.config["device"]))

    def models(aside: Path) -> None:
        if last.exists():
            shutil.copytree(last, aside / "last")
        else:
            save_model(snapshot.model, aside / "last")
        if best.exists():
            shutil.copytree(best, aside / "best")

    checkpoint.save(plan.folder / "checkpoint", plan.config_id, judge.step, snapshot.state(), asdict(judge), models)


def resume(plan: Plan, job: Job, say: Say) -> checkpoint.Checkpoint | None:
    """The newest checkpoint, if any, with the folder brought back to how it was then.

    Without one, the last of a finished run that this one is a longer one of. Raises Refused as `parent_of`.
    """
    place, indices = plan.folder, {name: np.asarray(rows) for name, rows in job.problem.indices.items()}
    rows = history.read(place / "history.jsonl")
    saved = checkpoint.load(place / "checkpoint", plan.config_id, rows[-1]["step"] if rows else 0)
    if saved and not files.same_arrays(files.read_arrays(place / "scenario.npz"), indices):
        raise Failed(f"{place}: the data changed since its checkpoint was written; force=true trains from the start")
    checkpoint.tidy(place / "checkpoint", saved.step if saved else 0)
    if saved:
        _said(f"resumed from step {saved.step} of {job.steps}", say)
    else:
        saved = _of_parent(plan, job, indices, say)
    files.write_arrays(place / "scenario.npz", indices)
    for left in ("last", "best", "model", "model_last"):
        shutil.rmtree(place / left, ignore_errors=True)
    if saved and (saved.folder / "best").exists():
        shutil.copytree(saved.folder / "best", place / "best")
    return saved


def parent_of(plan: Plan, job: Job) -> lineage.Parent | None:
    """The finished run of fewer steps to go on from, or to tell of; looked for only where steps are asked for.

    Raises Refused where extend=true asks for one and there is none.
    """
    config, steps = plan.config, plan.config["budget"]["steps"]
    siblings = plan.folder.parent.parent
    if config["extend"]:
        if job.trainer.unit == "fits":
            raise Refused(f"extend=true: {plan.trainer} learns in one fit, which cannot go on; leave it out")
        if steps is None:
            raise Refused("extend=true needs budget.steps=, the steps to go on to")
    elif steps is None or config["force"] or job.trainer.unit == "fits":
        return None
    parent = lineage.find(plan, job.steps)
    if config["extend"] and parent is None:
        raise Refused(
            f"extend=true: no finished run of seed {config['seed']} in {siblings} has the same settings, fewer than "
            f"{job.steps} steps, and used them all; train one first, or leave extend=true out"
        )
    return parent


def _said(text: str, say: Say) -> None:
    log.say(text)
    say(text)


def _of_parent(plan: Plan, job: Job, indices: State, say: Say) -> checkpoint.Checkpoint | None:
    """The last checkpoint of a finished run that this one is a longer one of, with its history copied."""
    parent, extend = parent_of(plan, job), plan.config["extend"]
    if parent is None:
        return None
    its = f"the run of {parent.steps} {job.trainer.unit} in {parent.folder}"
    if not extend and (why := lineage.inexact(plan.config, job.steps, parent)):
        _said(f"trained from the start; extend=true goes on from {its} instead ({why})", say)
        return None
    try:
        saved = checkpoint.load(parent.folder / "checkpoint", parent.config_id)
        if saved is None or not files.same_arrays(files.read_arrays(parent.folder / "scenario.npz"), indices):
            raise Refused("its checkpoint is damaged" if saved is None else "its data changed since")
    except (Refused, OSError) as error:
        if extend:
            raise Refused(f"extend=true cannot go on from {its}: {error}") from error
        _said(f"trained from the start, not on from {its}: {error}", say)
        return None
    shutil.copyfile(parent.folder / "history.jsonl", plan.folder / "history.jsonl")
    judge = Judge(**saved.judge)
    judge.over = judge.step >= job.steps or judge.out_of(plan.config["budget"]["patience"])
    judge.parent = {"folder": plan.told(str(parent.folder)), "config_id": parent.config_id, "step": saved.step}
    _said(f"continues {its}, from step {saved.step}", say)
    return replace(saved, judge=asdict(judge))


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
