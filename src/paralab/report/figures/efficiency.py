"""Label efficiency: the score against what was given away, and against the training clock (two x-axes always)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from paralab.compare.gather import Block, Cell
from paralab.report.figures.legend import apart, legend, note
from paralab.report.figures.looks import Look, best, limits, looks
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import ends, objective

LINES = ["line: mean over seeds", "band: 95 % t interval of that mean", "bars: ± sd of a seed", "methods set apart"]
TICKED = 3.4  # inches between the outer ticks of a panel, at least
Cost = Callable[[Cell], float]


def by_feedback(block: Block) -> Sketch:
    """Test score against feedback, and against training seconds."""
    block, left = best(block)
    figure = Figure(figsize=(10, 4.8))
    one, two = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    _curves(one, block, lambda cell: cell.cost("feedback"))
    one.set_xlabel("feedback used: labels or pulls (log scale)")
    faint = _clock(two, block)
    one.set_ylabel(objective(block))
    one.set_title("by feedback")
    two.set_title("by training time")
    one.set_ylim(*limits(block.cells))
    legend(figure, looks(block))
    note(figure, [*LINES, *["faint: time does not rise"] * faint, *left])
    return Sketch("label_efficiency", "Label efficiency", figure, ends(block), paper=True)


def by_bits(block: Block) -> Sketch | None:
    """Test score against bits of answers; None where there is one budget, or a bit is a label to all."""
    if len(block.budgets) < 2:
        return None
    told = [
        replace(m, cells={b: c for b, c in m.cells.items() if math.isfinite(c.cost("bits"))}) for m in block.methods
    ]
    known = replace(block, methods=tuple(method for method in told if method.cells))
    each = {round(cell.cost("bits") / max(cell.cost("feedback"), 1), 6) for cell in known.cells if cell.cost("bits")}
    if len(each) < 2 or len(known.methods) < 2:
        return None
    without = len(block.methods) - len(known.methods)
    known, left = best(known)
    figure = Figure(figsize=(5.0, 4.0))
    axes = figure.subplots()
    _curves(axes, known, lambda cell: cell.cost("bits"))
    axes.set_xlabel("bits of answers, at most (log scale)")
    axes.set_ylabel(objective(block))
    axes.set_ylim(*limits(known.cells))
    legend(figure, looks(known))
    note(figure, [*LINES[:3], *[f"{without} methods count no bits"] * (without > 0), *left], above=0.08)
    costs = [cell.cost("bits") for cell in known.cells]
    words = f"The same scores against the bits that the answers hold at most, {min(costs):.0f} to {max(costs):.0f}. "
    return Sketch("label_efficiency_bits", "Label efficiency by bits", figure, words + ends(known))


def _curves(axes: Axes, block: Block, cost: Cost) -> None:
    styled = looks(block)
    for place, (method, look) in enumerate(styled):
        apart = 10 ** (0.012 * (place - (len(styled) - 1) / 2))  # bars of one budget do not hide each other
        cells = [method.cells[budget] for budget in block.budgets if budget in method.cells]
        _line(axes, [cost(cell) * apart for cell in cells], cells, look, band=True)
    _amounts(axes, [cost(cell) for cell in block.cells])


def _clock(axes: Axes, block: Block) -> bool:
    """The panel by training time; whether a method's time does not rise with its budget."""
    faint = False
    for method, look in looks(block):
        cells = [method.cells[budget] for budget in block.budgets if budget in method.cells]
        clock = [_clocked(cell) for cell in cells]
        _line(axes, clock, cells, look, band=False, faint=not rises(clock))
        faint = faint or not rises(clock)
    axes.set_xscale("log")
    clocked = [seconds for cell in block.cells if math.isfinite(seconds := _clocked(cell))] or [1.0]
    axes.set_xlim(min(clocked) / 1.6, max(clocked) * 1.6)
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training seconds (log scale)")
    return faint


def _line(axes: Axes, x: Sequence[float], cells: Sequence[Cell], look: Look, band: bool, faint: bool = False) -> None:
    marker, line, shade = look
    mean = [cell.score.mean for cell in cells]
    bars = [cell.score.sd or 0.0 for cell in cells]
    axes.errorbar(x, mean, bars, fmt="none", ecolor=shade, elinewidth=0.8, alpha=0.3 if faint else 0.65)
    if faint:
        axes.plot(x, mean, ls="-", color=shade, lw=0.6, alpha=0.3)
    axes.plot(x, mean, marker=marker, ls="none" if faint else line, color=shade, lw=1.5, ms=5, mec="none")
    if band:
        low = [cell.score.mean if cell.score.low is None else cell.score.low for cell in cells]
        high = [cell.score.mean if cell.score.high is None else cell.score.high for cell in cells]
        axes.fill_between(x, low, high, color=shade, alpha=0.13, lw=0)


def _clocked(cell: Cell) -> float:
    """Seconds that a log scale can show; NaN, which is not drawn, where unknown."""
    return max(cell.cost("seconds"), 1e-4)


def rises(seconds: Sequence[float]) -> bool:
    """Whether more feedback took longer, clearly: a line through times that differ by noise runs back and forth."""
    known = [second for second in seconds if math.isfinite(second)]
    never_falls = all(later >= 0.95 * earlier for earlier, later in pairwise(known))
    return len(known) < 2 or (never_falls and known[-1] >= 1.5 * known[0])


def _amounts(axes: Axes, costs: Sequence[float]) -> None:
    used = sorted({round(cost) for cost in costs if math.isfinite(cost)})
    if used and used[0] == 0:
        axes.set_xscale("symlog", linthresh=1)
    else:
        axes.set_xscale("log")
    ticks = apart(used, TICKED, log=True) if used else []
    axes.set_xticks(ticks, [f"{count:g}" for count in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
