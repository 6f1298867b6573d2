"""The tuner as a source of runs: trials, asked as workers get free and told when the last of their runs has ended; and
then, on the same workers, the winner's report.

Pruning is decided here, from what the run of a trial's first seed tells; all trials have the same seeds, so that it
compares like with like. Nothing of Optuna is in the workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from paralab.core import Metrics
from paralab.errors import Refused
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import PRUNE, Result
from paralab.seeds import TUNING
from paralab.sweep import manifest
from paralab.sweep.drain import Outcome
from paralab.tune.options import Tuning
from paralab.tune.points import Points
from paralab.tune.result import best_of, rows
from paralab.tune.sampling import ask
from paralab.tune.study import counted

OBJECTIVE = "objective"  # of the study: the score that ranks models, as the first run that ended says it


@dataclass
class _Live:
    """A trial under way."""

    trial: Trial
    left: set[Path]  # its runs that have not ended
    values: dict[int, float] = field(default_factory=dict)  # by seed
    feedback: int = 0
    step: int = -1  # last reported
    pruned: bool = False
    interrupted: bool = False
    error: str = ""

    @property
    def over(self) -> bool:
        """Whether it is decided already, whatever its other runs may say."""
        return self.pruned or self.interrupted or bool(self.error)


class Trials:
    """`drain.Source`: `drain` calls it from one thread at a time."""

    def __init__(
        self, study: optuna.Study, points: Points, tuning: Tuning, total: int, expect: Callable[[int], None]
    ) -> None:
        """`expect` is told, after the trials, how many runs the report has."""
        self._study, self._points, self._tuning, self._total = study, points, tuning, total
        self._expect = expect
        self._report: deque[Plan] | None = None  # None: trials come first
        self._waiting: deque[Plan] = deque()
        self._of: dict[Path, list[_Live]] = {}  # a run may be of two trials: samplers repeat themselves
        self._objective: str | None = study.user_attrs.get(OBJECTIVE)

    def next(self) -> Plan | None:
        """Raises Failed where the trials are over and none is complete."""
        while not self._waiting and len(counted(self._study)) < self._total:
            self._begin(ask(self._study, self._points.space, self._tuning))
        if self._waiting:
            return self._waiting.popleft()
        if self._report is None and not self._of:
            self._report = deque(self.report())
            self._expect(len(self._report))
            if self._report:
                manifest.write(self._report)
        return self._report.popleft() if self._report else None

    def report(self) -> list[Plan]:
        """The winner on seeds that nothing was chosen on; raises Failed where no trial is complete."""
        best = best_of(rows(self._study))
        return [self._points.plan(best["params"], seed) for seed in range(self._tuning.report_seeds)]

    def tell(self, plan: Plan, step: int, scores: Metrics) -> int:
        live = next(iter(self._of.get(plan.folder, ())), None)
        if live is None:
            return 0
        value = scores.get(f"valid/{self._objective or _declared(plan)}")
        if value is not None and plan.config["seed"] == TUNING and step > live.step and not live.over:
            live.step = step
            live.trial.report(value, step)
            live.pruned = self._prunes(live.trial, plan, step)
            if live.pruned:
                self._drop(live)
        return PRUNE if live.over else 0

    def end(self, outcome: Outcome) -> None:
        """Raises Refused where the run has no validation score: no other would have one."""
        for live in self._of.pop(outcome.plan.folder, ()):
            live.left.discard(outcome.plan.folder)
            if outcome.result:
                self._take(live, outcome.plan, outcome.result)
            elif outcome.end == "pruned":
                live.pruned = True
                live.feedback += files.read_json(outcome.plan.folder / "record.json").get("feedback") or 0
            elif outcome.error:
                live.error = live.error or str(outcome.error).splitlines()[0]
            else:
                live.interrupted = True
            if live.over:
                self._drop(live)
            if not live.left:
                self._finish(live)

    def _begin(self, trial: Trial) -> None:
        try:
            plans = [self._points.plan(trial.params, TUNING + place) for place in range(self._tuning.seeds)]
        except Refused as error:  # some values do not go together
            self._finish(_Live(trial, set(), error=str(error)))
            return
        live = _Live(trial, {plan.folder for plan in plans})
        for plan in plans:
            if plan.folder not in self._of:
                self._waiting.append(plan)
            self._of.setdefault(plan.folder, []).append(live)

    def _take(self, live: _Live, plan: Plan, result: Result) -> None:
        if self._objective is None:
            self._objective = str(files.read_json(plan.folder / "record.json")["objective"])
            self._study.set_user_attr(OBJECTIVE, self._objective)
        value = result.scores.get(f"valid/{self._objective}")
        if value is None:
            raise Refused(
                f"{plan.folder}: no valid/{self._objective} to tune on; {plan.trainer} on {plan.problem} has no "
                "validation, pick a trainer that learns from labels, or a control problem"
            )
        live.values[plan.config["seed"]] = value
        live.feedback += int(result.scores.get("cost/feedback", 0))

    def _drop(self, live: _Live) -> None:
        """Take back its runs that have not been given out, but for those that another trial waits for, too."""
        for plan in list(self._waiting):
            if live in self._of[plan.folder]:
                self._of[plan.folder].remove(live)
                live.left.discard(plan.folder)
                if not self._of[plan.folder]:
                    del self._of[plan.folder]
                    self._waiting.remove(plan)

    def _finish(self, live: _Live) -> None:
        if live.interrupted and not live.error:
            return  # stays as it is: a later start asks for it again
        note = {"values": list(live.values.values()), "feedback": live.feedback}
        for key, value in (note | ({"error": live.error} if live.error else {})).items():
            live.trial.set_user_attr(key, value)
        if live.error:
            self._study.tell(live.trial, state=TrialState.FAIL)
        elif live.pruned:
            self._study.tell(live.trial, state=TrialState.PRUNED)
        else:
            self._study.tell(live.trial, sum(live.values.values()) / len(live.values))

    def _prunes(self, trial: Trial, plan: Plan, step: int) -> bool:
        """Below the median of five complete trials or more at this step, not before a fifth of its steps.

        Hyperband (Li 2018): rungs at 1, 3, 9, ... times the step of a run's first validation.
        """
        match self._tuning.pruner:
            case "none":
                return False
            case "median":
                steps = plan.config["budget"]["steps"] or plan.config["trainer"]["default_steps"]
                self._study.pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=steps // 5)
            case "hyperband":
                known = self._study.user_attrs.get("cadence")
                if known is None:
                    self._study.set_user_attr("cadence", step)
                self._study.pruner = optuna.pruners.HyperbandPruner(min_resource=known or step)
        return trial.should_prune()


def _declared(plan: Plan) -> str | None:
    """The score that ranks models, where the problem's config says it."""
    said = plan.config["problem"].get("objective")
    return said if isinstance(said, str) else None
