"""Methods over several data sets: the seeds of a data set are one mean; never are folds, splits or metrics mixed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paralab.compare.gather import Block, Budget
from paralab.compare.result import ALPHA, FEW, LEVEL, Across, Aggregate, Versus
from paralab.compare.standings import ends
from paralab.compare.units import Units, table
from paralab.statistics import bayes, bootstrap, many, paired

SEED = 20_210_831  # of every resampling
MOST = 50  # methods: more are no diagram
Scores = NDArray[np.float64]  # (datasets, methods)


def across(blocks: Sequence[Block], budget: Budget | str, rope: float | None) -> Across | None:
    """Of the metric that most problems rank by, at the greatest label budget that all have, or at the one asked for.

    `budget` is "any" where none was asked for. None where fewer than two problems, or two methods, can be set
    against each other, or more methods than anyone can read.
    """
    group, notes = _comparable(blocks)
    if len(group) < 2:
        return None
    common = set.intersection(*(set(block.budgets) for block in group))
    if budget == "any" and common:
        budget = max(common, key=lambda each: math.inf if each is None else each)
    if isinstance(budget, str) or budget not in common:
        return None
    units = [table(block, budget) for block in group]
    methods = [name for name in units[0].methods if all(name in each.methods for each in units)]
    if not 2 <= len(methods) <= MOST:
        return None
    if alone := sorted({name for each in units for name in each.methods} - set(methods)):
        notes.append(f"Not on every data set, so not ranked: {', '.join(alone)}.")
    scores = np.array([[_mean(each, name) for name in methods] for each in units])
    mean_ranks = many.ranks(scores)
    order = sorted(range(len(methods)), key=lambda i: (mean_ranks[i], methods[i]))
    methods, scores = [methods[i] for i in order], scores[:, order]
    enough = len(group) >= FEW
    if not enough:
        notes.append(f"{len(group)} data sets, a test needs {FEW}: descriptive only.")
    p = many.wilcoxon_holm(scores) if enough else None
    return Across(
        f"test/{group[0].objective}", budget, tuple(block.problem for block in group), tuple(methods),
        tuple(many.ranks(scores).tolist()),
        many.friedman(scores) if enough and len(methods) > 2 else None,
        _versus(methods, scores, p, rope),
        () if p is None else tuple(many.cliques(range(len(methods)), p, ALPHA)),
        _aggregates(group, units, methods, notes), tuple(notes),
    )  # fmt: skip


def _comparable(blocks: Sequence[Block]) -> tuple[list[Block], list[str]]:
    """The blocks of one metric, one a problem, and why others are not among them."""
    by_metric: dict[str, dict[str, list[Block]]] = defaultdict(lambda: defaultdict(list))
    for block in blocks:
        by_metric[block.objective][block.problem].append(block)
    if not by_metric:
        return [], []
    most = max(sorted(by_metric), key=lambda name: len(by_metric[name]))
    notes = []
    if others := sorted(set(by_metric) - {most}):
        notes.append(f"Ranked by test/{most}; never mixed with {', '.join(f'test/{name}' for name in others)}.")
    group = []
    for problem, same in by_metric[most].items():
        if len(same) == 1:
            group.append(same[0])
        else:
            splits = " and ".join(block.split for block in same)
            notes.append(f"{problem} is left out: its splits {splits} are no two data sets.")
    return group, notes


def _mean(units: Units, method: str) -> float:
    return float(np.nanmean(units.scores[:, units.methods.index(method)]))


def _versus(
    methods: Sequence[str], scores: Scores, p: NDArray[np.float64] | None, rope: float | None
) -> tuple[Versus, ...]:
    pairs = []
    for i in range(len(methods)):
        for j in range(i + 1, len(methods)):
            d = scores[:, i] - scores[:, j]
            beliefs = None
            if rope is not None and len(d) >= FEW:
                beliefs = bayes.signed_rank(d, rope, np.random.default_rng(SEED))
            adjusted = None if p is None else float(p[i, j]) if len(methods) > 2 else paired.wilcoxon(d)
            pairs.append(Versus(methods[i], methods[j], int((d > 0).sum()), int((d < 0).sum()), adjusted, beliefs))
    return tuple(pairs)


def _aggregates(
    group: Sequence[Block], units: Sequence[Units], methods: Sequence[str], notes: list[str]
) -> tuple[Aggregate, ...]:
    """Of normalised scores, where every problem declares its bounds; the same number of seeds of each problem."""
    bounds = [ends(block) for block in group]
    known = [each for each in bounds if each is not None]
    if len(known) < len(group):
        lacking = [block.problem for block, each in zip(group, bounds, strict=True) if each is None]
        notes.append(f"No aggregate: {', '.join(lacking)} declare{'s' * (len(lacking) == 1)} no floor and ceiling.")
        return ()
    found = []
    for name in methods:
        columns = [list(each.column(each.methods.index(name)).values()) for each in units]
        n = min(map(len, columns))
        if n < 2:
            notes.append(f"No aggregate of {name}: under two seeds of a data set.")
            continue
        matrix = np.array([[e.normalised(v) for v in column[:n]] for e, column in zip(known, columns, strict=True)]).T
        generator = np.random.default_rng(SEED)
        mean, middle, gap = (
            bootstrap.stratified(matrix, statistic, level=LEVEL, rng=generator)
            for statistic in ("mean", "iqm", "optimality_gap")
        )
        found.append(Aggregate(name, middle, mean, gap, n))
    return tuple(found)
