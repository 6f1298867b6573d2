"""Runs brought together: one block a problem, in it one row a method and one cell a label budget."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from paralab.compare.variants import config, variants
from paralab.record.read import Run
from paralab.seeds import TUNING
from paralab.statistics.summary import Summary, summary

PARADIGMS = ("supervised", "semi_supervised", "unsupervised", "reinforcement")  # from most to least of the answer
Fold = tuple[str, str]  # of how many, and which
Budget = int | None  # None: every training row, or one pull a row


@dataclass(frozen=True)
class Cell:
    """The seeds of one method at one budget; the folds of a seed are one value, their mean."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]  # the objective on test, one a seed
    score: Summary
    costs: dict[str, float]  # mean over the seeds: {"seconds": .2, "feedback": 20.0}
    metrics: dict[str, float]  # every other score, mean over the seeds: {"test/ari": .7}
    runs: tuple[Run, ...]  # by seed; under split=cv as many a seed as there are folds
    partial: tuple[int, ...] = ()  # seeds left out, for they lack folds that others have
    folds: tuple[tuple[float, ...], ...] = ()  # under split=cv what each value is the mean of, fold by fold

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


def blocks(runs: Sequence[Run], metric: str | None = None) -> list[Block]:
    """Finished runs only, in a fixed order; a return never meets an accuracy.

    `metric` ("ari") ranks instead of each problem's objective; runs without it are in no block.
    """
    tables: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if value(run, metric) is not None and not of_tuning(run):
            tables[run.problem, run.split, metric or run.objective].append(run)
    made = [Block(*key, methods=_methods(group, metric)) for key, group in sorted(tables.items())]
    return [block for block in made if block.methods]


def value(run: Run, metric: str | None) -> float | None:
    """What a finished run has of test/`metric`, or of its objective; None where that is no finite number."""
    if metric is None or run.status != "finished":
        return run.score
    found = run.scores.get(f"test/{metric}", math.nan)
    return found if math.isfinite(found) else None


def left_out(runs: Sequence[Run]) -> list[Run]:
    """The runs that no mean contains, though they were meant for one."""
    return [run for run in runs if run.score is None and not of_tuning(run)]


def of_tuning(run: Run) -> bool:
    """Whether a tuner chose by it: such a run is in no table, whatever its scores say."""
    return run.seed >= TUNING


def _methods(runs: Sequence[Run], metric: str | None) -> tuple[Method, ...]:
    by_trainer: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_trainer[run.trainer].append(run)
    fold = _folds(runs)
    methods = []
    for trainer in sorted(by_trainer, key=_rank):
        names = variants(by_trainer[trainer])
        groups: dict[str, dict[Budget, list[Run]]] = defaultdict(lambda: defaultdict(list))
        for run in by_trainer[trainer]:
            groups[names[run.config_id]][run.labels].append(run)
        for variant, budgets in sorted(groups.items()):
            cells = {labels: _cell(group, metric, fold) for labels, group in budgets.items()}
            kept = {labels: cell for labels, cell in cells.items() if cell is not None}
            if kept:
                methods.append(Method(trainer, variant, kept))
    return tuple(methods)


def _folds(runs: Sequence[Run]) -> dict[str, Fold]:
    """The fold that each config tests on, by its id; none where rows are not split into folds."""
    first = {run.config_id: config(run.folder) for run in runs if run.split == "cv"}
    return {config_id: (str(held.get("folds")), str(held.get("fold"))) for config_id, held in first.items()}


def _rank(trainer: str) -> tuple[int, str]:
    paradigm = trainer.split("/", 1)[0]
    return (PARADIGMS.index(paradigm) if paradigm in PARADIGMS else len(PARADIGMS), trainer)


def _cell(runs: Sequence[Run], metric: str | None, fold: dict[str, Fold]) -> Cell | None:
    """None where no seed has all the folds that the block has."""
    seeds: dict[int, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.seed, fold.get(run.config_id, ("", "")), run.config_id)):
        seeds[run.seed].append(run)
    kinds = {fold[run.config_id][0] for run in runs if run.config_id in fold}
    needed = {each for each in fold.values() if each[0] in kinds}
    whole = {seed: rs for seed, rs in seeds.items() if needed <= {fold.get(run.config_id) for run in rs}}
    if not whole:
        return None
    found = {seed: [v for run in rs if (v := value(run, metric)) is not None] for seed, rs in whole.items()}
    values = tuple(of[0] if len(of) == 1 else math.fsum(of) / len(of) for of in found.values())
    kept = [run for rs in whole.values() for run in rs]
    names = sorted({name for run in kept for name in run.scores})
    means = {name: _mean([run.scores.get(name, math.nan) for run in kept]) for name in names}
    costs = {name.removeprefix("cost/"): mean for name, mean in means.items() if name.startswith("cost/")}
    metrics = {name: mean for name, mean in means.items() if not name.startswith("cost/")}
    left = tuple(seed for seed in seeds if seed not in whole)
    folds = tuple(map(tuple, found.values())) if needed else ()
    return Cell(tuple(whole), values, summary(values), costs, metrics, tuple(kept), left, folds)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan
