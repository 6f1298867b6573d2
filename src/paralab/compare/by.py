"""What is compared: methods as they are, whole paradigms, or the values of one setting that was swept."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from paralab.compare.gather import PARADIGMS, Block, Budget, Cell, Method
from paralab.compare.variants import config, flat
from paralab.errors import Refused, closest
from paralab.statistics.summary import summary

NEVER = {
    "seed": "a seed is the unit of analysis, not a method",
    "fold": "the folds of a data set are neither methods nor data sets: those of a seed are averaged to one unit",
    "problem": "problems are the data sets over which methods are compared",
} | dict.fromkeys(
    ("split", "split_seed", "test_size", "folds"), "it changes the rows that are tested on, not the method"
)
ASIDE = (
    "name", "root", "question", "plan", "decision", "seed", "scenario", "force", "extend", "monitor", "sweep",
    "executor", "checkpoint_seconds", *NEVER,
)  # fmt: skip  # root keys that say nothing of how a model was made
Part = tuple[str, Cell]  # a trainer and its runs


def regrouped(made: Sequence[Block], by: str) -> tuple[list[Block], list[str]]:
    """The blocks with one method a value of `by`, and what a reader must know of that.

    A value's score at a seed is the mean over its trainers, each the mean over its settings; nothing is picked. Raises
    Refused for a key that is not there, was not swept, or tells no methods apart.
    """
    if by == "trainer":
        return list(made), []
    if by in NEVER:
        raise Refused(f"--by {by}: {NEVER[by]}. Use --by trainer, paradigm or a setting that was swept")
    if by == "paradigm":
        notes = ["A paradigm's score is the mean over its methods, seed by seed: none is picked."]
        return [_merged(block, _paradigms(block))[0] for block in made], notes
    if by == "labels":
        pairs = [_merged(block, _budgets(block)) for block in made]
    else:
        key = _key(made, by)
        pairs = [_merged(block, levels) for block in made if (levels := _levels(block, key))]
    return [block for block, _ in pairs], list(dict.fromkeys(note for _, notes in pairs for note in notes))


def _paradigms(block: Block) -> dict[str, dict[Budget, list[Part]]]:
    levels: dict[str, dict[Budget, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for method in block.methods:
        for budget, cell in method.cells.items():
            levels[method.paradigm][budget].append((method.trainer, cell))
    return levels


def _budgets(block: Block) -> dict[str, dict[Budget, list[Part]]]:
    """Of the trainers that have every budget, so that all budgets are of the same ones."""
    whole = [method for method in block.methods if set(block.budgets) <= method.cells.keys()] or list(block.methods)
    return {
        f"labels={'all' if budget is None else budget}": {
            None: [(method.trainer, method.cells[budget]) for method in whole if budget in method.cells]
        }
        for budget in block.budgets
    }


def _levels(block: Block, key: str) -> dict[str, dict[Budget, list[Part]]]:
    found: dict[str, dict[Budget, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for method in block.methods:
        for budget, cell in method.cells.items():
            held = flat(config(cell.runs[0].folder)).get(key)
            if held is not None:
                found[held][budget].append((method.trainer, cell))
    name = key.removeprefix("trainer.")
    return {f"{name}={value}": dict(found[value]) for value in sorted(found, key=_order)}


def _merged(block: Block, levels: dict[str, dict[Budget, list[Part]]]) -> tuple[Block, list[str]]:
    held = {level: {trainer for parts in cells.values() for trainer, _ in parts} for level, cells in levels.items()}
    everyone = set().union(*held.values())
    common = set.intersection(*held.values()) if held else set()
    kept = common or everyone
    methods, notes = [], []
    for level, budgets in levels.items():
        chosen = {b: _mean_cell([part for part in parts if part[0] in kept]) for b, parts in budgets.items()}
        cells = {budget: cell for budget, cell in chosen.items() if cell is not None}
        if not cells:
            notes.append(f"{block.problem}: {level} is left out, for its trainers have no seed in common.")
            continue
        of = {trainer.split("/", 1)[0] for trainer in held[level] & kept}
        paradigm = of.pop() if len(of) == 1 else "mixed"
        methods.append(Method(level if level in PARADIGMS else f"{paradigm}/{level}", "", cells))
    if common and len(common) > 1:
        notes.append(f"{block.problem}: each score is the mean over {', '.join(sorted(common))}.")
    if common and everyone - common:
        notes.append(f"{block.problem}: left out, for want of a value: {', '.join(sorted(everyone - common))}.")
    return replace(block, methods=tuple(methods)), notes


def _mean_cell(parts: Sequence[Part]) -> Cell | None:
    """One value a seed that all parts have; None where there is no such seed."""
    cells = [cell for _, cell in parts]
    seeds = sorted(set.intersection(*(set(cell.seeds) for cell in cells))) if cells else []
    if not seeds:
        return None
    if len(cells) == 1:
        return cells[0]
    values = tuple(_mean_of(parts, seed, None) for seed in seeds)
    numbers = {len(cell.folds[0]) if cell.folds else 0 for cell in cells}
    each = range(numbers.pop() if len(numbers) == 1 else 0)
    folds = tuple(tuple(_mean_of(parts, seed, fold) for fold in each) for seed in seeds) if each else ()
    costs = {name: _mean([c.costs[name] for c in cells if name in c.costs]) for c in cells for name in c.costs}
    runs = tuple(run for cell in cells for run in cell.runs)
    return Cell(tuple(seeds), values, summary(values), costs, {}, runs, folds=folds)


def _mean_of(parts: Sequence[Part], seed: int, fold: int | None) -> float:
    """Over the trainers, each the mean over its settings."""
    trainers: dict[str, list[float]] = defaultdict(list)
    for trainer, cell in parts:
        place = cell.seeds.index(seed)
        trainers[trainer].append(cell.values[place] if fold is None else cell.folds[place][fold])
    return _mean([_mean(own) for own in trainers.values()])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _key(made: Sequence[Block], by: str) -> str:
    """The full name of the setting meant, which must have two values within a block."""
    known: set[str] = set()
    swept: set[str] = set()
    for block in made:
        values: dict[tuple[str, str], set[str]] = defaultdict(set)
        for cell in block.cells:
            for key, held in flat(config(cell.runs[0].folder)).items():
                if key.split(".", 1)[0] not in ASIDE and key != "labels":
                    values[cell.runs[0].trainer, key].add(held)
        known |= {key for _, key in values}
        swept |= {key for (_, key), held_by in values.items() if len(held_by) > 1}
    full = next((key for key in (by, f"trainer.{by}", f"budget.{by}", f"problem.{by}") if key in known), None)
    if full is None:
        raise Refused(f"--by {by}: no such setting. {closest(by, {'trainer', 'paradigm', 'labels', *swept})}")
    if full not in swept:
        known = {"trainer", "paradigm", "labels", *swept}
        raise Refused(f"--by {by}: all runs that finished have the same. {closest('', known)}")
    return full


def _order(text: str) -> tuple[float, str]:
    """Numbers by size, then words."""
    try:
        return float(text), text
    except ValueError:
        return math.inf, text
