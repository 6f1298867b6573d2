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

from paralab import device
from paralab.build import Job, job_of
from paralab.core import Metrics, Model, Snapshot, meter_of
from paralab.errors import Diverged, Failed, Interrupted, Pruned, Refused, Spent, TimedOut
from paralab.package.model import load_model, save_model
from paralab.record import files, folder, history, lineage, log, memory, monitor, read
from paralab.record.checkpoint import Checkpoint
from paralab.record.identity import files_of
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.record.writer import Record
from paralab.resume import Judge, Say, name_models, parent_of, resume, save_checkpoint, save_last
from paralab.seeds import STREAMS, TUNING, integer
from paralab.threads import set_threads

# step, steps, latest scores -> 0, or what asks to stop here: a signal's number, PRUNE or TIMEOUT
Tell = Callable[[int, int, Metrics], int]
PRUNE, TIMEOUT = -1, -2


@dataclass(frozen=True)
class Result:
    """A finished run: its scores, its folder, and its model when asked for."""

    scores: Metrics  # {"test/accuracy": ..., "cost/seconds": ...}
    folder: Path
    was_there: bool  # finished before it was asked for
    trust: tuple[str, ...] = ()

    @property
    def parent(self) -> str | None:
        """The finished run that it went on from, and where; None where it was trained from its start."""
        record = self.folder / "record.json"
        return read.parent_in(files.read_json(record)) if record.is_file() else None

    @cached_property
    def model(self) -> Model:
        return load_model(self.folder / "model", self.trust)


def run(
    plan: Plan,
    *,
    trust: Sequence[str] = (),
    tell: Tell = lambda step, steps, scores: 0,
    say: Say = lambda text: None,
) -> Result:
    """Train, or return the finished run unchanged; one that was interrupted or failed goes on from its checkpoint.

    One of more steps than a finished one of the same settings goes on from that one's checkpoint, where the outcome is
    the same as from the start, and elsewhere under extend=true; `say` takes a line about it.

    Raises Refused for what the user must mend (nothing is left behind), Interrupted with a checkpoint written where
    `tell` asks to stop (TimedOut, Pruned where it is for that), Failed for what broke (the traceback is in run.log).
    """
    try:
        return _run(plan, tuple(trust), tell, say)
    except (Refused, Failed, Interrupted, Pruned):
        raise
    except Exception as error:  # outside the record: a plugin's constructor, a file of the folder
        raise Failed(f"{plan.folder}: {files.no_room(error) or f'{type(error).__name__}: {error}'}") from error


def _run(plan: Plan, trust: tuple[str, ...], tell: Tell, say: Say) -> Result:
    place, force = plan.folder, plan.config["force"]
    if folder.finished(place) and not force:
        return Result(files.read_json(place / folder.SCORES), place, True, trust)
    for key, digest in plan.files.items():
        if files_of(plan.config["problem"]).get(key) != digest:
            raise Refused(f"{key}: the file has changed since the run was planned; give the command again")
    monitor.check(plan.config["monitor"])
    set_threads(plan.config["threads"])
    device.prepare(plan.config["device"])
    with log.noting() as noted:
        job = job_of(plan, trust)
    set_threads(plan.config["threads"])  # for what building imported
    made = folder.open_folder(place)
    with locked(place):
        try:
            with log.to_file(place / "run.log"):
                folder.finish_setting_aside(place)
                if force:
                    parent_of(plan, job)  # refused before anything is moved
                    folder.set_aside(place)
                elif folder.finished(place):  # by another process, a moment ago
                    return Result(files.read_json(place / folder.SCORES), place, True, trust)
                return Result(_recorded(plan, job, noted, trust, tell, say), place, False, trust)
        except Refused:
            if made is not None:
                folder.remove_fresh(place, made)
            raise


def _recorded(plan: Plan, job: Job, noted: list[str], trust: Sequence[str], tell: Tell, say: Say) -> Metrics:
    """Run with the record kept whatever happens."""
    memory.reset_peak()
    record = Record.begin(plan, _facts(plan, job))
    if told := "".join(f"\n  {line}" for line in noted):
        log.say(told)
        say(told)
    try:
        with monitor.curves(plan.config["monitor"], plan.folder) as curves:
            saved = resume(plan, job, say)
            judge = Judge(**saved.judge) if saved else Judge()
            if judge.parent:
                record.note(parent=judge.parent)
            _train(plan, job, saved, judge, curves, tell)
            scores = _score(plan, job, judge, trust)
            curves.end(judge.step, scores, _settings(plan))
    except (Interrupted, KeyboardInterrupt):
        record.end("interrupted")
        raise
    except Pruned:
        given = job.shown.feedback + len(job.problem.indices.get("valid", ()))  # labels to validate on are answers, too
        record.end("pruned", feedback=given)
        raise
    except (Refused, TimedOut) as error:
        record.end("failed", error=str(error))
        raise
    except Exception as error:
        record.end("diverged" if isinstance(error, Diverged) else "failed", error=f"{type(error).__name__}: {error}")
        log.traceback()
        said = files.no_room(error) or f"{error or type(error).__name__} (traceback in run.log)"
        raise Failed(f"{plan.folder}: {said}") from error
    record.end("finished", scores=scores, steps=judge.step, best_step=judge.best_step)
    return scores


def _facts(plan: Plan, job: Job) -> Mapping[str, Any]:
    bounds, data = job.problem.bounds, job.problem.indices.get("data")
    return {
        "data": None if data is None else bytes(data).hex(),  # SHA-256
        "objective": job.problem.objective,
        "bounds": asdict(bounds) if bounds else None,
        "unit": job.trainer.unit,
        "device": device.facts(plan.config["device"]),
        "seeds": {stream: integer(plan.config["seed"], stream) for stream in STREAMS},
    }


def _settings(plan: Plan) -> Mapping[str, Any]:
    """What a run is told apart by, where many are seen beside each other."""
    own = {key: plan.config[key] for key in ("budget", "labels", "split", "seed", "device")}
    fields = {key: value for key, value in plan.config["trainer"].items() if key not in ("_target_", "default_steps")}
    return {"problem": plan.problem, "trainer": {"name": plan.trainer, **fields}, **own}


def _train(plan: Plan, job: Job, saved: Checkpoint | None, judge: Judge, curves: monitor.Curves, tell: Tell) -> None:
    """Pull snapshots until the budget is spent, patience is over or the stream ends; leaves model/ behind."""
    config, place, meter = plan.config, plan.folder, meter_of(job.shown)
    if meter is not None:
        meter.used, meter.reward = judge.feedback, judge.reward
    every = lineage.cadence(config, job.steps)
    next_save = time.monotonic() + config["checkpoint_seconds"]
    stream = job.trainer.train(job.shown, integer(config["seed"], "trainer"), saved.state if saved else None)
    last: Snapshot | None = None
    with closing(stream), history.resume(place / "history.jsonl", judge.step) as lines:
        curves.begin(place / "history.jsonl")

        def write(scores: Metrics) -> None:
            row = judge.line(scores)
            history.append(lines, row)
            curves.line(row)

        while not judge.over:
            start = time.perf_counter()
            snapshot = _next(stream)
            device.settle(config["device"])
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
            write(scores)
            stop = tell(judge.step, job.steps, scores) if not judge.over else 0
            if stop or (time.monotonic() >= next_save and not judge.over):
                save_checkpoint(plan, judge, snapshot)
                next_save = time.monotonic() + config["checkpoint_seconds"]
            if stop:
                raise _stopped(stop, plan, judge.step)
        if not judge.over:  # the stream has ended by itself, or its grant is spent
            judge.over = True
            judge.count(meter)
            if last is not None and judge.validated < judge.step:
                write(_validate(place, job, judge, last, None))
        save_last(place, last, saved)
        if last is not None and job.steps > 1:
            save_checkpoint(plan, judge, last)
    name_models(place)


def _stopped(why: int, plan: Plan, step: int) -> Exception:
    again = "the same command without force=true" if plan.config["force"] else "the same command"
    if why == PRUNE:
        return Pruned(f"{plan.folder}: pruned at step {step}")
    if why == TIMEOUT:
        return TimedOut(f"{plan.folder}: out of time at step {step}; {again} goes on from there")
    return Interrupted(f"{plan.folder}: stopped at step {step}; {again} goes on from there", why)


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
    """What is scored is what is served: the test scores of the models as reloaded from disk; a tuner's run has none."""
    place, shown = plan.folder, job.shown
    tuning = plan.config["seed"] >= TUNING  # what is chosen by its score must not see the test rows
    verdict = job.problem.evaluate(load_model(place / "model", trust), "valid" if tuning else "test")
    scores: dict[str, float] = {}
    if not tuning:
        scores |= {f"test/{key}": value for key, value in verdict.scores.items()}
        files.write_arrays(place / "predictions.npz", verdict.evidence)
    if (place / "model_last").exists() and not tuning:
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
    judge.peak(memory.costs(plan.config["device"]))
    return scores | judge.peaks
