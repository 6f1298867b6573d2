"""What the test episodes of policies came to: not the mean alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paralab.compare.gather import Block
from paralab.page.colours import colour
from paralab.record.read import Run
from paralab.report.figures.evidence import SEEDS, kept
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import at, best, fullest, looks, room
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import figure as said_figure

MOST = 2000  # episodes drawn of one method
Row = tuple[str, str, NDArray[np.float64]]  # name, paradigm, returns


def figure(block: Block) -> Sketch | None:
    """A row a method, every test episode of its seeds a dot; None where none was played."""
    shown, left = best(at(block, fullest(block)))
    rows = []
    for method, _ in looks(shown):
        runs = method.cells[fullest(block)].runs[:SEEDS]
        played = [found["returns"] for run in runs if (found := kept(run, "returns")) is not None]
        if played:
            rows.append((method.name, method.paradigm, np.concatenate(played).astype(np.float64)))
    return _sketch(rows, left) if rows else None


def of_run(run: Run) -> list[Sketch]:
    found = kept(run, "returns")
    return [] if found is None else [_sketch([(run.trainer.split("/", 1)[-1], run.paradigm, found["returns"])], [])]


def _sketch(rows: Sequence[Row], left: Sequence[str]) -> Sketch:
    made = Figure(figsize=(8, 0.9 + 0.5 * len(rows)))
    axes = made.subplots()
    said = []
    for place, (name, paradigm, returns) in enumerate(rows):
        some = returns[np.linspace(0, len(returns) - 1, min(len(returns), MOST)).astype(np.int64)]
        scatter = place + 0.3 * (np.modf(np.arange(len(some)) * 0.618034)[0] * 2 - 1)
        axes.plot(some, scatter, "o", ms=3, mfc=colour(paradigm), mec="none", alpha=0.25, rasterized=True)
        low, middle, high = (float(value) for value in np.quantile(returns, [0.25, 0.5, 0.75]))
        axes.plot([low, high], [place, place], "-", color=colour(paradigm), lw=3, solid_capstyle="butt")
        axes.plot([middle], [place], "|", color=colour(paradigm), ms=17, mew=2.4)
        said.append(
            f"{name}: {len(returns)} episodes, median {said_figure(middle)},"
            f" middle half {said_figure(low)} to {said_figure(high)}, least {said_figure(float(returns.min()))}"
        )
    axes.set_yticks(range(len(rows)), [short(name) for name, _, _ in rows], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*room([float(end) for _, _, returns in rows for end in (returns.min(), returns.max())]))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("return of a test episode")
    note(made, ["dot: one episode", "tick: median", "bar: middle half", *left], above=0.06)
    return Sketch("episodes", "Every test episode", made, f"Returns of test episodes. {'; '.join(said)}.")
