"""What a grid would cost, from recorded runs: nothing is measured, and what no run tells is said to be unknown.

A run is taken to cost what its config cost with other seeds (the median). Where there are none: what runs of the same
problem, trainer and labels cost, their seconds in proportion to the steps asked for, as their feedback where it grows
with steps. Other label budgets tell nothing: no rule holds for the time of a fit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from paralab.record import files, read
from paralab.record.plan import Plan

Status = Literal["finished", "failed", "interrupted", "running", "missing"]
STATUS: Mapping[str, Status] = {  # of a record, as a plan sees it
    "finished": "finished", "failed": "failed", "diverged": "failed", "damaged": "failed", "running": "running",
    "interrupted": "interrupted", "pruned": "interrupted",
}  # fmt: skip
Basis = Literal["config", "steps"]
SIZED = 3  # runs a basis whose folders are measured


@dataclass(frozen=True)
class Cost:
    """Of one run, or of many."""

    seconds: float  # wall-clock
    feedback: float  # answers
    bytes: float


@dataclass(frozen=True)
class Estimate:
    runs: int  # to be run
    known: Cost  # of those that records tell of, all together
    wall: float  # seconds they take on the workers
    workers: int
    bases: Mapping[Basis, int]  # how many are known, and by what

    @property
    def unknown(self) -> int:
        return self.runs - sum(self.bases.values())


@dataclass(frozen=True)
class Recorded:
    """A finished run as it stands on disk."""

    run: read.Run
    steps: int | None  # asked for; None: the trainer's default
    seconds: float


class Records:
    """The runs below the roots of some plans."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        wanted = {(plan.problem, plan.trainer) for plan in plans}
        roots = dict.fromkeys(Path(plan.config["root"]) for plan in plans)
        found = [run for root in roots for run in read.runs(root)]
        self._status = {run.folder: STATUS[run.status] for run in found}
        self._by_config: dict[tuple[str, str, str], list[Recorded]] = {}
        self._by_labels: dict[tuple[str, str, int | None], list[Recorded]] = {}
        for run in found:
            planned = run.status == "finished" and (run.problem, run.trainer) in wanted
            if planned and (record := _recorded(run)):
                self._by_config.setdefault((run.problem, run.trainer, run.config_id), []).append(record)
                self._by_labels.setdefault((run.problem, run.trainer, run.labels), []).append(record)
        self._costs: dict[tuple[str, str, str], tuple[Cost, Basis] | None] = {}

    def status(self, plan: Plan) -> Status:
        return self._status.get(plan.folder, "missing")

    def cost(self, plan: Plan) -> tuple[Cost, Basis] | None:
        """What a run would cost, and what that is known by; None where no run tells."""
        key = (plan.problem, plan.trainer, plan.config_id)
        if key not in self._costs:
            self._costs[key] = self._cost(plan)
        return self._costs[key]

    def _cost(self, plan: Plan) -> tuple[Cost, Basis] | None:
        if same := self._by_config.get((plan.problem, plan.trainer, plan.config_id)):
            return _median([(each, 1.0) for each in same]), "config"
        near = self._by_labels.get((plan.problem, plan.trainer, plan.config["labels"]), [])
        ratios = [(each, ratio) for each in near if (ratio := _ratio(plan, each.steps))]
        alike = [each for each in ratios if each[1] == 1] or ratios
        return (_median(alike), "steps") if alike else None


def estimate(plans: Sequence[Plan], records: Records, workers: int) -> Estimate:
    """What `plans`, all of which are to be run, would cost together."""
    known = [cost for plan in plans if (cost := records.cost(plan))]
    costs = [cost for cost, _ in known]
    total = Cost(
        sum(cost.seconds for cost in costs), sum(cost.feedback for cost in costs), sum(cost.bytes for cost in costs)
    )
    longest = max((cost.seconds for cost in costs), default=0.0)
    bases: dict[Basis, int] = {}
    for _, basis in known:
        bases[basis] = bases.get(basis, 0) + 1
    return Estimate(len(plans), total, max(longest, total.seconds / workers), workers, bases)


def workers_of(executor: Mapping[str, Any], plans: Sequence[Plan]) -> int:
    """How many runs an executor's config lets run at a time, so far as it says; else a worker a core."""
    threads = max(int(plan.config["threads"]) for plan in plans)
    if executor["_target_"].endswith(".Inline"):
        return 1
    if executor["_target_"].endswith(".Slurm"):
        return max(1, int(executor["tasks"]) * (int(executor["cpus_per_task"]) // threads))
    return int(executor.get("workers") or max(1, len(os.sched_getaffinity(0)) // threads))


def _recorded(run: read.Run) -> Recorded | None:
    """None where the run has been moved away meanwhile."""
    try:
        record = files.read_json(run.folder / "record.json")
    except (OSError, ValueError):
        return None
    budget, wall = record.get("budget") or {}, record.get("wall_seconds") or 0.0
    return Recorded(run, budget.get("steps"), max(wall, run.scores.get("cost/seconds", 0.0)))  # wall: of its last part


def _ratio(plan: Plan, recorded: int | None) -> float | None:
    """How many times the steps asked for of a recorded run a plan asks for; None where that cannot be told."""
    default, asked = plan.config["trainer"].get("default_steps"), plan.config["budget"]["steps"]
    if asked == recorded:
        return 1.0
    one, other = asked or default, recorded or default
    return one / other if one and other else None


def _median(of: Sequence[tuple[Recorded, float]]) -> Cost:
    return Cost(
        median(each.seconds * ratio for each, ratio in of),
        median(_feedback(each.run.scores, ratio) for each, ratio in of),
        median(_size(each.run.folder) for each, _ in of[:SIZED]),
    )


def _feedback(scores: Mapping[str, float], ratio: float) -> float:
    """Answers; where each step of an environment gives one, more steps take more."""
    answers = scores.get("cost/feedback", 0.0)
    return answers * ratio if "cost/env_steps" in scores else answers


def _size(folder: Path) -> int:
    """Bytes in a finished run's folder, as far as it is still there."""
    paths = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(path.stat().st_size for path in paths if path.is_file())
