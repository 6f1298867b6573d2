"""The one loop, for every paradigm: it owns the budget, the clock, evaluation, early stopping and the record."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from paralab.build import Job, job_of
from paralab.core import Metrics, Model, Snapshot, meter_of
from paralab.errors import Diverged, Failed, Interrupted, Refused, Spent
from paralab.package.model import load_model, save_model
from paralab.record import files, folder, history, log
from paralab.record.lock import locked
from paralab.record.memory import peak_mb, reset_peak
from paralab.record.plan import Plan
from paralab.record.writer import Record
from paralab.resume import Judge, name_models, resume, save_checkpoint, save_last
from paralab.seeds import STREAMS, integer
from paralab.threads import set_threads

# step, steps, latest scores (none: it goes on from there) -> 0, or the signal that asks to stop here
Tell = Callable[[int, int, Metrics], int]


@dataclass(frozen=True)
class Result:
    """A finished run: its scores, its folder, and its model when asked for."""

    scores: Metrics  # {"test/accuracy": ..., "cost/seconds": ...}
    folder: Path
    was_there: bool  # finished before it was asked for
    trust: tuple[str, ...] = ()

    @cached_property
    def model(self) -> Model:
        return load_model(self.folder / "model", self.trust)


def run(plan: Plan, *, trust: Sequence[str] = (), tell: Tell = lambda step, steps, scores: 0) -> Result:
    """Train, or return the finished run unchanged; one that was interrupted or failed goes on from its checkpoint.

    Raises Refused for what the user must mend (nothing is left behind), Interrupted with a checkpoint written where
    `tell` asks to stop, Failed for what broke (the traceback is in run.log).
    """
    try:
        return _run(plan, tuple(trust), tell)
    except (Refused, Failed, Interrupted):
        raise
    except Exception as error:  # outside the record: a plugin's constructor, a file of the folder
        raise Failed(f"{plan.folder}: {type(error).__name__}: {error}") from error


def _run(plan: Plan, trust: tuple[str, ...], tell: Tell) -> Result:
    place, force = plan.folder, plan.config["force"]
    if folder.finished(place) and not force:
        return Result(files.read_json(place / folder.SCORES), place, True, trust)
    set_threads(plan.config["threads"])
    job = job_of(plan, trust)
    set_threads(plan.config["threads"])  # for what building imported
    made = folder.open_folder(place)
    with locked(place):
        try:
            with log.to_file(place / "run.log"):
                if force:
                    folder.set_aside(place)
                elif folder.finished(place):  # by another process, a moment ago
                    return Result(files.read_json(place / folder.SCORES), place, True, trust)
                return Result(_recorded(plan, job, trust, tell), place, False, trust)
        except Refused:
            if made is not None:
                folder.remove_fresh(place, made)
            raise


def _recorded(plan: Plan, job: Job, trust: Sequence[str], tell: Tell) -> Metrics:
    """Run with the record kept whatever happens."""
    reset_peak()
    record = Record.begin(plan, _facts(plan, job))
    try:
        judge = _train(plan, job, tell)
        scores = _score(plan, job, judge, trust)
    except (Interrupted, KeyboardInterrupt):
        record.end("interrupted")
        raise
    except Refused as error:
        record.end("failed", error=str(error))
        raise
    except Exception as error:
        record.end("diverged" if isinstance(error, Diverged) else "failed", error=f"{type(error).__name__}: {error}")
        log.traceback()
        raise Failed(f"{plan.folder}: {error or type(error).__name__} (traceback in run.log)") from error
    record.end("finished", scores=scores, steps=judge.step, best_step=judge.best_step)
    return scores


def _facts(plan: Plan, job: Job) -> Mapping[str, Any]:
    bounds, data = job.problem.bounds, job.problem.indices.get("data")
    return {
        "data": None if data is None else bytes(data).hex(),  # SHA-256
        "objective": job.problem.objective,
        "bounds": asdict(bounds) if bounds else None,
        "unit": job.trainer.unit,
        "seeds": {stream: integer(plan.config["seed"], stream) for stream in STREAMS},
    }


def _train(plan: Plan, job: Job, tell: Tell) -> Judge:
    """Pull snapshots until the budget is spent, patience is over or the stream ends; leaves model/ behind."""
    config, place, meter = plan.config, plan.folder, meter_of(job.shown)
    saved = resume(plan, job.problem)
    judge = Judge(**saved.judge) if saved else Judge()
    if meter is not None:
        meter.used, meter.reward = judge.feedback, judge.reward
    if saved:
        tell(judge.step, job.steps, {})
    every = config["budget"]["evaluate_every"] or max(1, job.steps // 20)
    next_save = time.monotonic() + config["checkpoint_seconds"]
    stream = job.trainer.train(job.shown, integer(config["seed"], "trainer"), saved.state if saved else None)
    last: Snapshot | None = None
    with closing(stream), history.resume(place / "history.jsonl", judge.step) as lines:
        while not judge.over:
            start = time.perf_counter()
            snapshot = _next(stream)
            judge.seconds += time.perf_counter() - start
            if snapshot is None:
                break
            last, judge.step = snapshot, snapshot.step
            _check_finite(snapshot)
            judge.over = snapshot.step >= job.steps or judge.seconds >= (config["budget"]["seconds"] or math.inf)
            judge.count(meter)
            scores = dict(snapshot.metrics)
            if judge.over or judge.step // every > judge.validated // every:
                scores |= _validate(place, job, judge, snapshot, config["budget"]["patience"])
            history.append(lines, judge.line(scores))
            stop = tell(judge.step, job.steps, scores) if not judge.over else 0
            if stop or (time.monotonic() >= next_save and not judge.over):
                save_checkpoint(plan, judge, snapshot)
                next_save = time.monotonic() + config["checkpoint_seconds"]
            if stop:
                again = "the same command without force=true" if config["force"] else "the same command"
                raise Interrupted(f"{place}: stopped at step {judge.step}; {again} goes on from there", stop)
        if not judge.over:  # the stream has ended by itself, or its grant is spent
            judge.over = True
            judge.count(meter)
            if last is not None and judge.validated < judge.step:
                history.append(lines, judge.line(_validate(place, job, judge, last, None)))
        save_last(place, last, saved)
        if last is not None and job.steps > 1:
            save_checkpoint(plan, judge, last)
    name_models(place)
    return judge


def _next(stream: Generator[Snapshot, None, None]) -> Snapshot | None:
    """The next snapshot; None where training has ended by itself or by its grant."""
    try:
        return next(stream, None)
    except Spent:
        return None


def _check_finite(snapshot: Snapshot) -> None:
    for name, value in snapshot.metrics.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at step {snapshot.step}; lower the learning rate or check the inputs")


def _validate(place: Path, job: Job, judge: Judge, snapshot: Snapshot, patience: int | None) -> Metrics:
    """Validation scores, if there are validation answers; keeps the best model and counts patience."""
    scores = job.problem.evaluate(snapshot.model, "valid").scores
    if judge.see(snapshot.step, scores.get(job.problem.objective), patience):
        shutil.rmtree(place / "best", ignore_errors=True)
        save_model(snapshot.model, place / "best")
    return {f"valid/{name}": value for name, value in scores.items()}


def _score(plan: Plan, job: Job, judge: Judge, trust: Sequence[str]) -> Metrics:
    """What is scored is what is served: the test scores of the models as reloaded from disk."""
    place, shown = plan.folder, job.shown
    verdict = job.problem.evaluate(load_model(place / "model", trust), "test")
    scores = {f"test/{key}": value for key, value in verdict.scores.items()}
    files.write_arrays(place / "predictions.npz", verdict.evidence)
    if (place / "model_last").exists():
        last = job.problem.evaluate(load_model(place / "model_last", trust), "test").scores
        scores |= {f"test_last/{key}": value for key, value in last.items()}
    for row in history.read(place / "history.jsonl"):  # of the last step, and of the step whose model is scored
        is_scored = row["step"] == (judge.best_step or judge.step)
        scores |= {key: row[key] for key in row if key.startswith("train/") or (is_scored and key.startswith("valid/"))}
    scores |= {"cost/seconds": judge.seconds, "cost/feedback": shown.feedback + verdict.feedback}
    if shown.bits is not None and verdict.bits is not None:
        scores["cost/bits"] = shown.bits + verdict.bits
    if meter_of(shown) is not None:
        scores["cost/env_steps"] = judge.feedback
    scores["cost/peak_rss_mb"] = peak_mb()
    return scores
