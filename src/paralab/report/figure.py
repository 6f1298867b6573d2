"""The picture of a block: label-efficiency curves, or, where there is one budget only, every seed as a dot."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from paralab.page.colours import GRID, INK, MUTED, colour, label
from paralab.page.numbers import fixed
from paralab.report.gather import Block, Cell, Method

Dash = str | tuple[int, tuple[int, ...]]
LOOKS: tuple[tuple[str, Dash], ...] = (
    ("o", "-"),
    ("s", "--"),
    ("^", ":"),
    ("D", "-."),
    ("v", (0, (5, 1))),
    ("P", (0, (1, 1))),
    ("X", (0, (3, 1, 1, 1))),
)
STYLE: dict[Any, object] = {  # its keys are a Literal of matplotlib's stubs
   
    "svg.hashsalt": "paralab", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED, "axes.linewidth": 0.8,
    "xtick.color": INK, "ytick.color": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": GRID, "grid.linewidth": 0.7, "figure.facecolor": "none", "axes.facecolor": "none",
    "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "savefig.bbox": "tight", "savefig.pad_inches": 0.12, "xtick.minor.width": 0.5, "xtick.minor.size": 2.5,
}  # fmt: skip
Look = tuple[str, Dash, str]  # marker, line, colour


def pictures(block: Block) -> tuple[str, bytes]:
    """(SVG, PNG at 200 dpi) of a block; the SVG is the same bytes for the same runs."""
    with mpl.rc_context(STYLE):
        figure = curves(block) if is_curve(block) else dots(block)
        FigureCanvasAgg(figure)
        drawn, painted = io.StringIO(), io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(painted, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return drawn.getvalue(), painted.getvalue()


def is_curve(block: Block) -> bool:
    return len(block.budgets) > 1


def describe(block: Block) -> str:
    """The figure in words, for those who cannot see it: the best of each paradigm at each end."""
    what = block.objective.replace("_", " ")
    ends = block.budgets[:: max(len(block.budgets) - 1, 1)]
    said = []
    for budget in ends:
        held = [m for m in block.methods if budget in m.cells]
        ranked = sorted(held, key=lambda m: (-m.cells[budget].score.mean, m.trainer))
        listed = ", ".join(f"{m.name} {fixed(m.cells[budget].score.mean, 3)}" for m in ranked)
        said.append(f"with {'all' if budget is None else budget} labels: {listed}")
    return f"Mean test {what} on {block.problem} {'; '.join(said)}."


def looks(block: Block) -> list[tuple[Method, Look]]:
    """The colour says the paradigm, marker and line the method within it."""
    styled: list[tuple[Method, Look]] = []
    for paradigm, methods in block.paradigms:
        for place, method in enumerate(methods):
            marker, line = LOOKS[place % len(LOOKS)]
            styled.append((method, (marker, line, colour(paradigm))))
    return styled


def curves(block: Block) -> Figure:
    """Test score against feedback, and against training seconds: two x-axes always (protocol)."""
    figure = Figure(figsize=(10, 4.8))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    styled, faint = looks(block), False
    for place, (method, look) in enumerate(styled):
        apart = 10 ** (0.012 * (place - (len(styled) - 1) / 2))  # bars of one budget do not hide each other
        cells = [method.cells[budget] for budget in block.budgets if budget in method.cells]
        _line(left, [cell.cost("feedback") * apart for cell in cells], cells, look, band=True)
        clock = [_clocked(cell) for cell in cells]
        _line(right, clock, cells, look, band=False, faint=not _rises(clock))
        faint = faint or not _rises(clock)
    _feedback_axis(left, block)
    right.set_xscale("log")
    clocked = [seconds for cell in block.cells if math.isfinite(seconds := _clocked(cell))] or [1.0]
    right.set_xlim(min(clocked) / 1.6, max(clocked) * 1.6)
    right.xaxis.set_major_locator(LogLocator(numticks=8))
    right.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    right.xaxis.set_minor_formatter(NullFormatter())
    right.set_xlabel("training seconds (log scale)")
    left.set_ylabel(f"test {block.objective.replace('_', ' ')}")
    left.set_title("by feedback")
    right.set_title("by training time")
    left.set_ylim(*_limits(block.cells))
    _legend(figure, styled, faint)
    return figure


def dots(block: Block) -> Figure:
    """Every seed as a dot, a method a row, with the mean and its interval: for a single budget."""
    styled = looks(block)
    figure = Figure(figsize=(8, 1.1 + 0.42 * len(styled)))
    axes = figure.subplots()
    for row, (method, (_, _, shade)) in enumerate(styled):
        cell = method.cells[block.budgets[0]]
        middle = (min(len(cell.values), 5) - 1) / 2
        scatter = [row + 0.11 * (place % 5 - middle) for place in range(len(cell.values))]
        axes.plot(cell.values, scatter, "o", ms=5, mfc=shade, mec="none", alpha=0.45)
        if cell.score.low is not None and cell.score.high is not None:
            axes.plot([cell.score.low, cell.score.high], [row, row], "-", color=shade, lw=2)
        axes.plot([cell.score.mean], [row], "|", color=shade, ms=17, mew=2.4)
    axes.set_yticks(range(len(styled)), [f"{label(m.paradigm)}: {m.name}" for m, _ in styled], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(styled) - 0.4, -0.6)
    axes.set_xlim(*_limits(block.cells))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(
        f"test {block.objective.replace('_', ' ')}   (dot: one seed · tick: mean · bar: 95 % t interval of the mean)"
    )
    return figure


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


def _rises(seconds: Sequence[float]) -> bool:
    """Whether more feedback took longer, clearly: a line through times that differ by noise runs back and forth."""
    known = [second for second in seconds if math.isfinite(second)]
    never_falls = all(later >= 0.95 * earlier for earlier, later in pairwise(known))
    return len(known) < 2 or (never_falls and known[-1] >= 1.5 * known[0])


def _feedback_axis(axes: Axes, block: Block) -> None:
    used = sorted({round(cell.cost("feedback")) for cell in block.cells if math.isfinite(cell.cost("feedback"))})
    if used and used[0] == 0:
        axes.set_xscale("symlog", linthresh=1)
    else:
        axes.set_xscale("log")
    ticks: list[int] = []
    for count in reversed(used):  # a tick each, but never two that would overlap
        if not ticks or count == 0 or ticks[-1] / count > 1.45:
            ticks.append(count)
    axes.set_xticks(ticks, [str(count) for count in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("feedback used: labels or pulls (log scale)")


def _limits(cells: Sequence[Cell]) -> tuple[float, float]:
    """Room for every seed and every ± sd; intervals of very few seeds may run out of the picture."""
    spread = [cell.score.mean + sign * (cell.score.sd or 0.0) for cell in cells for sign in (-1, 1)]
    every = [*spread, *(value for cell in cells for value in cell.values)]
    low, high = min(every), max(every)
    room = 0.04 * (high - low) or 0.05 * abs(high) or 0.05
    return low - room, high + room


def _legend(figure: Figure, styled: Sequence[tuple[Method, Look]], faint: bool) -> None:
    """A column a paradigm under the panels, its title in its colour."""
    groups: dict[str, list[tuple[Method, Look]]] = {}
    for method, look in styled:
        groups.setdefault(method.paradigm, []).append((method, look))
    for place, (paradigm, members) in enumerate(groups.items()):
        handles = [Line2D([], [], color=c, marker=m, ls=line, lw=1.5, ms=5, mec="none") for _, (m, line, c) in members]
        legend = figure.legend(
            handles, [method.name for method, _ in members], title=label(paradigm), loc="upper left",
            bbox_to_anchor=(0.125 + 0.8 * place / len(groups), -0.01), frameon=False, alignment="left", handlelength=3,
            borderpad=0, borderaxespad=0,
        )  # fmt: skip
        legend.get_title().set(color=colour(paradigm), fontweight="bold")
        for text in legend.get_texts():
            text.set_parse_math(False)  # a name is no formula
    said = ["line: mean over seeds", "band: 95 % t interval of that mean", "bars: ± sd of a seed"]
    said += ["methods set apart", *["faint: time does not rise"] * faint]
    figure.text(0.125, 0.945, "  ·  ".join(said), fontsize=8, color=MUTED, va="bottom")
