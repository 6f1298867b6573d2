"""Learning curves out of history.jsonl: a few seeds of a method, thinned, brought onto one axis."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paralab.record.read import Run

SEEDS = 20  # of a method that are read: opening 10,000 files would cost more than all else
LINES = 2000  # of a history that are parsed, evenly spread
ENDLESS = 1e100  # from here on a value has no square, and no place in a picture
FEWEST = 3  # snapshots that make a curve
Floats = NDArray[np.float64]
Clock = Literal["step", "seconds"]


@dataclass(frozen=True)
class History:
    """One seed's: the columns that its snapshots have, NaN where one has not."""

    columns: Mapping[str, Floats]  # each (snapshots,)

    def curve(self, name: str, clock: Clock) -> tuple[Floats, Floats]:
        """(x, y) where both are known, x rising; empty where the metric is not there."""
        x, y = (self.columns.get(column, np.empty(0)) for column in (clock, name))
        if len(x) != len(y):
            return np.empty(0), np.empty(0)
        known = np.isfinite(x) & (np.abs(y) < ENDLESS)
        order = np.argsort(x[known], kind="stable")
        return x[known][order], y[known][order]

    def has(self, name: str) -> bool:
        return int(np.isfinite(self.columns.get(name, np.empty(0))).sum()) >= FEWEST


@dataclass(frozen=True)
class Curves:
    """Seeds of one method on one axis."""

    x: Floats  # (k,)
    seeds: Floats  # (seeds, k); a seed that has ended keeps its last value
    even: bool  # whether all ended together


def histories(runs: Sequence[Run]) -> list[History]:
    """Of at most SEEDS runs, those with enough snapshots."""
    return [history for run in runs[:SEEDS] if (history := read(run.folder)) is not None]


def read(folder: Path) -> History | None:
    """A run's history; None where it is not there or too short. A torn line ends it."""
    try:
        lines = (folder / "history.jsonl").read_bytes().splitlines()
    except OSError:
        return None
    kept = lines[:: math.ceil(len(lines) / LINES) or 1]
    if kept and kept[-1] is not lines[-1]:
        kept.append(lines[-1])
    rows: list[dict[str, object]] = []
    for line in kept:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if isinstance(row, dict):
            rows.append(row)
    if len(rows) < FEWEST:
        return None
    names = sorted({name for row in rows for name in row})
    return History({name: np.array([_number(row.get(name)) for row in rows]) for name in names})


def aligned(seeds: Sequence[tuple[Floats, Floats]], points: int, log: bool) -> Curves:
    """Curves (x, y) on at most `points` common places, each the mean of the snapshots about it, else between two."""
    first, last = max(float(x[0]) for x, _ in seeds), max(float(x[-1]) for x, _ in seeds)
    if first >= last:
        first = min(float(x[0]) for x, _ in seeds)
    points = max(min(points, max(len(x) for x, _ in seeds)), 2)
    log = log and first > 0
    grid = np.geomspace(first, last, points) if log else np.linspace(first, last, points)
    middles = (grid[1:] + grid[:-1]) / 2
    ends = [float(x[-1]) for x, _ in seeds]
    return Curves(grid, np.array([_onto(grid, middles, x, y) for x, y in seeds]), min(ends) >= 0.98 * max(ends))


def _onto(grid: Floats, middles: Floats, x: Floats, y: Floats) -> Floats:
    place = np.searchsorted(middles, x)
    counts = np.bincount(place, minlength=len(grid))
    sums = np.bincount(place, y, minlength=len(grid))
    between = np.interp(grid, x, y)
    several = counts > 1
    between[several] = sums[several] / counts[several]
    return between


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
