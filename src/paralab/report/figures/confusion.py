"""Tables of counts as pictures: what was answered for each class, and which class each cluster holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from paralab.compare.gather import Block, Method
from paralab.page.colours import GRID, colour
from paralab.page.numbers import fixed
from paralab.record.read import Run
from paralab.report.figures.evidence import SEEDS, kept, leaders
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import fullest
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels

COUNTED = 12  # classes up to which a cell's count is written into it
CLASSES = 200  # beyond it a cell is less than a pixel
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Panel:
    title: str
    paradigm: str
    counts: Counts  # (rows, columns); shaded by the share of its row
    seeds: int


def matrix(block: Block) -> Sketch | None:
    """Of the best method of each paradigm, summed over seeds; None where no class was answered."""
    panels = leaders(block, _summed)
    when = "" if block.budgets == (None,) else f", {labels(fullest(block))} labels"
    return _sketch(panels, "confusion", f"Confusion matrix{when}", ("answered", "true class")) if panels else None


def clusters(block: Block) -> Sketch | None:
    """Clusters by class, of the best clusterer of each paradigm."""
    panels = leaders(block, _middle)
    when = "" if block.budgets == (None,) else f", {labels(fullest(block))} labels"
    return _sketch(panels, "clusters", f"Clusters and classes{when}", ("class", "cluster")) if panels else None


def _summed(method: Method, runs: Sequence[Run]) -> Panel | None:
    tables = [counts for run in runs[:SEEDS] if (counts := confusion(run)) is not None]
    if not tables:
        return None
    return Panel(method.name, method.paradigm, sum_of(tables, max(map(len, tables))), len(tables))


def _middle(method: Method, runs: Sequence[Run]) -> Panel | None:
    """Of the seed of the middle score: clusters of different seeds have no name in common."""
    middle = sorted(runs, key=lambda run: (run.score or 0.0, run.seed))[len(runs) // 2]
    counts = contingency(middle)
    return None if counts is None else Panel(f"{method.name}, seed {middle.seed}", method.paradigm, counts, 1)


def of_run(run: Run) -> list[Sketch]:
    drawn = []
    if (counts := confusion(run)) is not None:
        panel = Panel(run.trainer.split("/", 1)[-1], run.paradigm, counts, 1)
        drawn.append(_sketch([panel], "confusion", "Confusion matrix", ("answered", "true class")))
    if (counts := contingency(run)) is not None:
        panel = Panel(run.trainer.split("/", 1)[-1], run.paradigm, counts, 1)
        drawn.append(_sketch([panel], "clusters", "Clusters and classes", ("class", "cluster")))
    return drawn


def confusion(run: Run) -> Counts | None:
    """Rows: the true class; columns: the answer. None where there is none, or classes are too many."""
    found = kept(run, "truth", "label")
    if found is None or any(array.dtype.kind not in "iu" or array.min() < 0 for array in found.values()):
        return None
    size = int(max(array.max() for array in found.values())) + 1
    return None if size > CLASSES else tabled(found["truth"], found["label"], size, size)


def contingency(run: Run) -> Counts | None:
    """Rows: clusters, ordered by the class that most of each are of; columns: classes."""
    found = kept(run, "truth", "cluster")
    if found is None or found["truth"].dtype.kind not in "iu" or found["truth"].min() < 0:
        return None
    names, places = np.unique(found["cluster"], return_inverse=True)
    size = int(found["truth"].max()) + 1
    if max(size, len(names)) > CLASSES:
        return None
    counts = tabled(places, found["truth"], len(names), size)
    return np.asarray(counts[np.lexsort((-counts.max(axis=1), counts.argmax(axis=1)))])


def tabled(rows: NDArray[np.generic], columns: NDArray[np.generic], down: int, across: int) -> Counts:
    places = rows.astype(np.int64) * across + columns.astype(np.int64)
    return np.asarray(np.bincount(places, minlength=down * across).reshape(down, across), dtype=np.int64)


def sum_of(tables: Sequence[Counts], size: int) -> Counts:
    """Square tables, the smaller ones without the last classes."""
    total = np.zeros((size, size), dtype=np.int64)
    for table in tables:
        total[: len(table), : len(table)] += table
    return total


def _sketch(panels: Sequence[Panel], stem: str, title: str, names: tuple[str, str]) -> Sketch:
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(0.4 + 4.6 * columns, 0.4 + 4.5 * rows))
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": 0.22, "hspace": 0.32})
    for place, axes in enumerate(grid.flat):
        if place < len(panels):
            _table(axes, panels[place], names)
        else:
            axes.set_axis_off()
    summed = max(panel.seeds for panel in panels)
    said = ["shade: share of the row", *[f"counts summed over {summed} seeds"] * (summed > 1)]
    note(figure, said)
    words = "; ".join(f"{panel.title}: {_words(panel.counts, *names)}" for panel in panels)
    return Sketch(stem, title, figure, f"{title}. {words}.")


def _table(axes: Axes, panel: Panel, names: tuple[str, str]) -> None:
    counts = panel.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = np.empty((*counts.shape, 4))
    shades[..., :3], shades[..., 3] = to_rgb(colour(panel.paradigm)), 0.62 * shares  # ink stays legible on it
    axes.imshow(shades, aspect="auto", interpolation="nearest")
    if max(counts.shape) <= COUNTED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                size = 8.5 if counts.max() < 1000 else 7
                text = axes.text(column, row, str(count), ha="center", va="center", fontsize=size)
                text.set_in_layout(False)  # measured, each takes a millisecond
        axes.set_xticks(range(counts.shape[1]))
        axes.set_yticks(range(counts.shape[0]))
        lines_x, lines_y = np.arange(counts.shape[1] + 1) - 0.5, np.arange(counts.shape[0] + 1) - 0.5
        axes.vlines(lines_x, -0.5, counts.shape[0] - 0.5, color=GRID, lw=0.6)
        axes.hlines(lines_y, -0.5, counts.shape[1] - 0.5, color=GRID, lw=0.6)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.set_title(short(panel.title, 40), parse_math=False, color=colour(panel.paradigm))


def _words(counts: Counts, across: str, down: str) -> str:
    total = int(counts.sum())
    if across == "class":
        pure = fixed(float(counts.max(axis=1).sum() / total), 3)
        return (
            f"{counts.shape[0]} clusters of {counts.shape[1]} classes, {pure} of {total} rows in their cluster's class"
        )
    right = fixed(float(np.trace(counts) / total), 3)
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return f"{right} of {total} rows right"
    one, two = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return f"{right} of {total} rows right, most often wrong: {one} answered as {two} ({wrong[one, two]} times)"
