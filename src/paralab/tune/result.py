"""What came of a study: its trials, the winner and how it does on seeds that nothing was chosen on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from paralab.errors import Failed
from paralab.record import files
from paralab.statistics.summary import Summary, summary
from paralab.sweep.drain import Outcome
from paralab.tune.options import Tuning
from paralab.tune.space import spoken
from paralab.tune.study import counted

FILE = "summary.json"


@dataclass(frozen=True)
class Tuned:
    """A finished study and its winner's report runs."""

    home: Path
    tuning: Tuning
    objective: str
    trials: tuple[Mapping[str, Any], ...]  # {"number", "state", "value", "params", "values", "feedback", "error"}
    best: Mapping[str, Any]  # of `trials`
    words: tuple[str, ...]  # the winner as overrides
    added: tuple[str, ...]  # those of them that tuning set by itself
    report: tuple[Outcome, ...]
    figures: tuple[Path, ...]

    @property
    def counts(self) -> dict[str, int]:
        """{"complete": 28, "pruned": 2}"""
        return dict(Counter(str(trial["state"]) for trial in self.trials))

    @property
    def feedback(self) -> int:
        """Answers given away to all trials, those asked for again counted again."""
        return sum(trial["feedback"] for trial in self.trials)

    @property
    def test(self) -> Summary | None:
        """The objective on the test rows, over the report seeds; None where no report run has finished."""
        scores = [outcome.result.scores for outcome in self.report if outcome.result]
        values = [score[name] for score in scores if (name := f"test/{self.objective}") in score]
        return summary(values) if values else None

    @property
    def command(self) -> str:
        """What runs the winner again, on the report seeds."""
        as_grid = ["hydra.sweeper.n_trials=null"] if any("experiment=" in word for word in self.words) else []
        seeds = [f"seed=range({self.tuning.report_seeds or 1})"]
        return shlex.join(["paralab", "train", *self.words, *seeds, *as_grid, "-m"])

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON can hold it: what summary.json says."""
        test = self.test
        return {
            "format": 1,
            "study": self.home.as_posix(),
            "objective": self.objective,
            "winner": {
                "trial": self.best["number"], "params": self.best["params"], "valid": self.best["value"],
                "test": None if test is None else {"mean": test.mean, "sd": test.sd, "seeds": test.n},
                "runs": [str(outcome.plan.folder) for outcome in self.report if outcome.result],
                "command": self.command,
            },
            "counts": self.counts,
            "feedback": self.feedback,
            "trials": list(self.trials),
            "figures": [path.as_posix() for path in self.figures],
        }  # fmt: skip


def rows(study: optuna.Study) -> list[dict[str, Any]]:
    """The trials, numbered anew where a driver was killed."""
    return [_row(number, trial) for number, trial in enumerate(counted(study))]


def best_of(trials: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The complete trial of the greatest value, the first of equals; raises Failed where there is none."""
    complete = [trial for trial in trials if trial["state"] == "complete"]
    if not complete:
        why = next((f": {trial['error']}" for trial in trials if trial["error"]), "")
        raise Failed(f"none of {len(trials)} trials is complete{why}")
    return max(complete, key=lambda trial: (trial["value"], -trial["number"]))


def _row(number: int, trial: FrozenTrial) -> dict[str, Any]:
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    seen = trial.intermediate_values
    return {
        "number": number,
        "state": states.get(trial.state, "running"),
        "value": trial.value if trial.state is TrialState.COMPLETE else seen[max(seen)] if seen else None,
        "params": {key: spoken(value) for key, value in trial.params.items()},
        "values": trial.user_attrs.get("values", []),
        "feedback": trial.user_attrs.get("feedback", 0),
        "error": trial.user_attrs.get("error"),
    }


def write(tuned: Tuned) -> None:
    files.write_json(tuned.home / FILE, tuned.plain)
