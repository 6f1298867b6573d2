"""The course of a single run: every metric that its snapshots have, by step and by the training clock."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from paralab.page.colours import colour
from paralab.record.read import Run
from paralab.report.figures.histories import Clock, aligned, read
from paralab.report.figures.learning import count, same
from paralab.report.figures.legend import note
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import figure as said_figure

POINTS = 120
ROWS = 6  # metrics
FIRST = ("valid/", "train/return", "train/length", "train/loss")  # then by name
CLOCKS: tuple[tuple[Clock, str], ...] = (("step", "step"), ("seconds", "training seconds"))


def of_run(run: Run) -> list[Sketch]:
    """None where a run has too few snapshots for a curve."""
    history = read(run.folder)
    if history is None:
        return []
    known = [name for name in history.columns if "/" in name and history.has(name)]
    names = [name for name in known if np.ptp(history.curve(name, "step")[1]) > 0]
    if "train/length" in names and "train/return" in names and same([history], "train/return", "train/length"):
        names.remove("train/length")
    shown = sorted(names, key=lambda name: (*(not name.startswith(lead) for lead in FIRST), name))[:ROWS]
    if not shown:
        return []
    figure = Figure(figsize=(10, 0.5 + 2.0 * len(shown)))
    grid = figure.subplots(
        len(shown), 2, squeeze=False, sharey="row", sharex="col", gridspec_kw={"wspace": 0.06, "hspace": 0.16}
    )
    said = []
    for row, name in zip(grid, shown, strict=True):
        for axes, (clock, words) in zip(row, CLOCKS, strict=True):
            curve = history.curve(name, clock)
            thinned = aligned([curve], POINTS, log=False)
            axes.plot(thinned.x, thinned.seeds[0], "-", color=colour(run.paradigm), lw=1.5)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: count(x)))
            if row is grid[-1]:
                axes.set_xlabel(words)
        row[0].set_ylabel(name.replace("_", " "), parse_math=False)
        _, values = history.curve(name, "step")
        said.append(f"{name} from {said_figure(float(values[0]))} to {said_figure(float(values[-1]))}")
    more = [f"{len(shown)} of {len(names)} metrics"] * (len(names) > len(shown))
    if more:
        note(figure, more, above=0.08)
    return [Sketch("course", "Course of the training", figure, f"Course of the training: {'; '.join(said)}.")]
