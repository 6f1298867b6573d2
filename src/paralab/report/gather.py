"""Runs brought together: one block a problem, in it one row a method and one cell a label budget."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from paralab.record.read import Run
from paralab.report.variants import variants
from paralab.seeds import TUNING
from paralab.statistics.summary import Summary, summary

PARADIGMS = ("supervised", "semi_supervised", "unsupervised", "reinforcement")  # from most to least of the answer
Budget = int | None  # None: every training row, or one pull a row


@dataclass(frozen=True)
class Cell:
    """The seeds of one method at one budget."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]  # the objective on test, one a seed
    score: Summary
    costs: dict[str, float]  # mean over the seeds: {"seconds": .2, "feedback": 20.0}
    metrics: dict[str, float]  # every other score, mean over the seeds: {"test/ari": .7}
    runs: tuple[Run, ...]

    def cost(self, name: str) -> float:
        return self.costs.get(name, math.nan)


@dataclass(frozen=True)
class Method:
    trainer: str
    variant: str  # what sets it apart from others of this trainer: "C=10"; else empty
    cells: dict[Budget, Cell] = field(default_factory=dict)

    @property
    def paradigm(self) -> str:
        return self.trainer.split("/", 1)[0]

    @property
    def name(self) -> str:
        name = self.trainer.split("/", 1)[-1]
        return f"{name} ({self.variant})" if self.variant else name


@dataclass(frozen=True)
class Block:
    """What may stand in one table: one problem, one split, one objective."""

    problem: str
    split: str
    objective: str
    methods: tuple[Method, ...]  # by paradigm, then name

    @property
    def budgets(self) -> tuple[Budget, ...]:
        budgets = {budget for method in self.methods for budget in method.cells}
        return tuple(sorted(budgets, key=lambda budget: math.inf if budget is None else budget))

    @property
    def cells(self) -> list[Cell]:
        return [cell for method in self.methods for cell in method.cells.values()]

    @property
    def paradigms(self) -> list[tuple[str, list[Method]]]:
        groups: dict[str, list[Method]] = {}
        for method in self.methods:
            groups.setdefault(method.paradigm, []).append(method)
        return list(groups.items())


def blocks(runs: Sequence[Run]) -> list[Block]:
    """Finished runs only, in a fixed order; a return never meets an accuracy."""
    tables: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if run.score is not None and not of_tuning(run):
            tables[run.problem, run.split, run.objective].append(run)
    return [Block(*key, methods=_methods(group)) for key, group in sorted(tables.items())]


def left_out(runs: Sequence[Run]) -> list[Run]:
    """The runs that no mean contains, though they were meant for one."""
    return [run for run in runs if run.score is None and not of_tuning(run)]


def of_tuning(run: Run) -> bool:
    """Whether a tuner chose by it: such a run is in no table, whatever its scores say."""
    return run.seed >= TUNING


def _methods(runs: Sequence[Run]) -> tuple[Method, ...]:
    by_trainer: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_trainer[run.trainer].append(run)
    methods = []
    for trainer in sorted(by_trainer, key=_rank):
        names = variants(by_trainer[trainer])
        for variant in sorted(set(names.values())):
            group = [run for run in by_trainer[trainer] if names[run.config_id] == variant]
            cells = {labels: _cell([r for r in group if r.labels == labels]) for labels in {r.labels for r in group}}
            methods.append(Method(trainer, variant, cells))
    return tuple(methods)


def _rank(trainer: str) -> tuple[int, str]:
    paradigm = trainer.split("/", 1)[0]
    return (PARADIGMS.index(paradigm) if paradigm in PARADIGMS else len(PARADIGMS), trainer)


def _cell(runs: Sequence[Run]) -> Cell:
    runs = sorted(runs, key=lambda run: (run.seed, run.config_id))
    values = tuple(run.score for run in runs if run.score is not None)
    names = sorted({name for run in runs for name in run.scores})
    means = {name: _mean([run.scores.get(name, math.nan) for run in runs]) for name in names}
    costs = {name.removeprefix("cost/"): mean for name, mean in means.items() if name.startswith("cost/")}
    metrics = {name: mean for name, mean in means.items() if not name.startswith("cost/")}
    return Cell(tuple(run.seed for run in runs), values, summary(values), costs, metrics, tuple(runs))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan
