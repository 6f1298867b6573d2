"""Residuals of a regression against its answers: what is left, and where it grows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paralab.compare.gather import Block, Method
from paralab.page.colours import MUTED, colour
from paralab.page.numbers import short as rounded
from paralab.record.read import Run
from paralab.report.figures.evidence import SEEDS, kept, leaders
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import fullest
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels

MOST = 3000  # dots in a panel, evenly taken
Floats = NDArray[np.float64]
Panel = tuple[str, str, Floats, Floats]  # name, paradigm, answers, residuals


def figure(block: Block) -> Sketch | None:
    """Of the best method of each paradigm, over its seeds; None where no value was answered."""
    panels = leaders(block, _pooled)
    when = "" if block.budgets == (None,) else f", {labels(fullest(block))} labels"
    return _sketch(panels, f"Residuals{when}") if panels else None


def _pooled(method: Method, runs: Sequence[Run]) -> Panel | None:
    pairs = [pair for run in runs[:SEEDS] if (pair := residuals(run)) is not None]
    if not pairs:
        return None
    answers, left = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return method.name, method.paradigm, answers, left


def of_run(run: Run) -> list[Sketch]:
    pair = residuals(run)
    return [] if pair is None else [_sketch([(run.trainer.split("/", 1)[-1], run.paradigm, *pair)], "Residuals")]


def residuals(run: Run) -> tuple[Floats, Floats] | None:
    """(answers, truth less answers) on the test rows; None where there are none, or one is no finite number."""
    found = kept(run, "truth", "value")
    if found is None:
        return None
    truth, answers = (found[name].astype(np.float64).ravel() for name in ("truth", "value"))
    if len(truth) != len(answers) or not (np.isfinite(truth) & np.isfinite(answers)).all():
        return None
    return answers, truth - answers


def _sketch(panels: Sequence[Panel], title: str) -> Sketch:
    made = Figure(figsize=(1.0 + 4.3 * min(len(panels), 2), 0.4 + 3.6 * ((len(panels) + 1) // 2)))
    rows, columns = (len(panels) + 1) // 2, min(len(panels), 2)
    grid = made.subplots(rows, columns, squeeze=False, sharey=True, gridspec_kw={"wspace": 0.08, "hspace": 0.4})
    said = []
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        name, paradigm, answers, left = panels[place]
        some = np.linspace(0, len(left) - 1, min(len(left), MOST)).astype(np.int64)
        axes.axhline(0, color=MUTED, lw=1)
        axes.plot(answers[some], left[some], "o", ms=3, mfc=colour(paradigm), mec="none", alpha=0.35, rasterized=True)
        axes.set_title(short(name, 40), color=colour(paradigm), parse_math=False)
        axes.set_xlabel("predicted value")
        if place % columns == 0:
            axes.set_ylabel("truth less prediction")
        said.append(
            f"{name}: {len(left)} residuals, mean {_signed(left.mean())}, root mean square"
            f" {rounded(float(np.sqrt((left**2).mean())))}"
        )
    note(made, ["dot: one test row", *[f"{MOST} of them"] * any(len(panel[3]) > MOST for panel in panels)])
    return Sketch("residuals", title, made, f"{title}. {'; '.join(said)}.")


def _signed(value: float) -> str:
    return f"-{rounded(-value)}" if value < 0 else rounded(value)
