"""Tune, then report: a study of trials on tuning seeds, scored on validation; its winner on report seeds, on test."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from paralab.errors import Failed, Refused
from paralab.record import files, folder
from paralab.record.plan import Plan
from paralab.run import Result
from paralab.seeds import TUNING
from paralab.sweep.drain import Outcome, drain
from paralab.sweep.sweeper import Task, executor_of, options_of
from paralab.tune.options import tuning_of
from paralab.tune.points import Points

if TYPE_CHECKING:
    from paralab.tune.result import Tuned


def tune(load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str], task: Task) -> Tuned:
    """Run what is left of a study, then its winner.

    Trials that fail are a study's to bear. Raises Failed where none is complete, and under sweep.fail_fast; Interrupted
    with all that finished kept.
    """
    tuning = tuning_of(config)
    from paralab.tune import figures, result, sampling, study, trials

    executor, options = executor_of(config, task.trust), options_of(config)
    if options.force or config.sweep.zip or config.sweep.csv or config.sweep.exclude:
        raise Refused(
            "sweep.force, zip, csv and exclude are of grids; begin another study with hydra.sweeper.study_seed="
        )
    points = Points(load, config, overrides, task.trust)
    total = sampling.total(points.space, tuning)
    with study.opened(points, tuning) as (asked, home):
        source = trials.Trials(asked, points, tuning, total, lambda runs: task.expect(runs, []))
        left = max(0, total - len(study.counted(asked))) * tuning.seeds
        if left or not all(folder.finished(plan.folder) for plan in source.report()):
            most = left + tuning.report_seeds
            task.expect(most, [])
            may_come = list(itertools.islice(itertools.cycle(points.examples), most))
            ended = drain(source, executor, may_come, options, task, home)
            if options.fail_fast and (error := next((each.error for each in ended if each.error), None)):
                raise Failed(f"stopped at the first failure: {error}")
            report = [outcome for outcome in ended if outcome.plan.config["seed"] < TUNING]
        else:
            report = [_there(plan, task.trust) for plan in source.report()]
        rows = result.rows(asked)
        best = result.best_of(rows)
        objective = asked.user_attrs[trials.OBJECTIVE]
        tuned = result.Tuned(
            home, tuning, objective, tuple(rows), best, tuple(points.words(best["params"])), tuple(points.added),
            tuple(sorted(report, key=lambda outcome: outcome.plan.config["seed"])),
            tuple(figures.draw(asked, rows, objective, home)),
        )  # fmt: skip
        result.write(tuned)
    return tuned


def _there(plan: Plan, trust: Sequence[str]) -> Outcome:
    scores = files.read_json(plan.folder / folder.SCORES)
    return Outcome(plan, Result(scores, plan.folder, True, tuple(trust)), None, "there")
