"""Learning curves as one line of text each: how a method's score rose with training, or with its labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paralab.compare.gather import Block, Method
from paralab.page.numbers import decimals, fixed
from paralab.report.figures.histories import histories

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 24  # letters of a curve
RUNS = 10  # seeds whose histories are read, of each method
POINTS = 3  # under it nothing rises or falls


@dataclass(frozen=True)
class Spark:
    method: Method
    what: str  # "valid accuracy by step"
    line: str
    first: str
    last: str


def sparks(block: Block) -> list[Spark]:
    """One curve a method: by label budget where there are several, else by step where its runs kept a history."""
    curve = _by_budget if len(block.budgets) >= POINTS else _by_step
    return [found for method in block.methods if (found := curve(block, method)) is not None]


def spark(values: Sequence[float], width: int = WIDTH) -> str:
    """Unicode blocks from the least to the greatest value, at most `width` of them; what is unknown is a blank."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    picked = values if len(values) <= width else [values[i * (len(values) - 1) // (width - 1)] for i in range(width)]
    return "".join(_letter(value, low, high) for value in picked)


def _letter(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    place = (value - low) / (high - low) if high > low else 0.5
    return BLOCKS[min(int(place * len(BLOCKS)), len(BLOCKS) - 1)]


def _by_step(block: Block, method: Method) -> Spark | None:
    """The mean over the seeds of the greatest budget, at the steps that all of them have."""
    cell = next(method.cells[budget] for budget in reversed(block.budgets) if budget in method.cells)
    read = histories(cell.runs[:RUNS])
    names = (f"valid/{block.objective}", "train/return", "train/online_reward", "train/loss")
    for name in names:
        tracks = [dict(zip(*history.curve(name, "step"), strict=True)) for history in read if history.has(name)]
        steps = sorted(set.intersection(*(set(track) for track in tracks))) if tracks else []
        if len(steps) >= POINTS:
            values = [math.fsum(track[step] for track in tracks) / len(tracks) for step in steps]
            return _told(method, f"{_said(name)} by step", values)
    return None


def _by_budget(block: Block, method: Method) -> Spark | None:
    values = [method.cells[budget].score.mean if budget in method.cells else math.nan for budget in block.budgets]
    if sum(map(math.isfinite, values)) < POINTS:
        return None
    return _told(method, f"test {_said(block.objective)} by labels", values)


def _told(method: Method, what: str, values: Sequence[float]) -> Spark:
    known = [value for value in values if math.isfinite(value)]
    first, last = (fixed(value, decimals(value)) for value in (known[0], known[-1]))
    return Spark(method, what, spark(values), first, last)


def _said(name: str) -> str:
    return name.replace("/", " ").replace("_", " ")
