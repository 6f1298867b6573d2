"""The critical-difference diagram: mean ranks over problems, a bar over those not told apart (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paralab.compare.result import Across
from paralab.page.colours import INK, MUTED, colour
from paralab.report.figures.legend import LINE, note, short
from paralab.report.figures.looks import MOST
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels

METHODS = 3  # from which there is more to draw than a pair
WIDE = 7.0  # inches


def diagram(found: Across, paradigms: Sequence[str]) -> Sketch | None:
    """`paradigms`: of each method. None where nothing is ranked, or fewer than METHODS are."""
    if len(found.ranks) < METHODS:
        return None
    order = sorted(range(len(found.ranks)), key=lambda method: (found.ranks[method], found.methods[method]))[:MOST]
    bars = [kept for clique in found.cliques if len(kept := [method for method in clique if method in order]) > 1]
    figure = _figure(found, order, bars, paradigms)
    said = ", ".join(f"{found.methods[method]} {found.ranks[method]:.2f}" for method in order)
    together = "; ".join(" and ".join(found.methods[method] for method in bar) for bar in bars)
    words = f"Mean ranks over {len(found.datasets)} problems, 1 is best: {said}. "
    words += f"Not told apart: {together}." if together else _untested(found)
    return Sketch("critical_difference", "Ranks over problems", figure, words, paper=True)


def _figure(found: Across, order: Sequence[int], bars: Sequence[Sequence[int]], paradigms: Sequence[str]) -> Figure:
    rows = (len(order) + 1) // 2
    top, step = 0.35 + 0.16 * len(bars), LINE * 1.25
    height = top + step * (rows + 0.5)
    figure = Figure(figsize=(WIDE, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_ylim(-height, 0)
    ends = (1.0, float(max(len(found.ranks), 2)))
    if len(order) < len(found.ranks):
        ends = (1.0, max(found.ranks[method] for method in order) + 0.2)
    side = 0.18 * (ends[1] - ends[0])
    axes.set_xlim(ends[0] - side, ends[1] + side)
    axes.plot(ends, [0, 0], color=INK, lw=1, clip_on=False)
    for tick in range(1, int(ends[1]) + 1):
        axes.plot([tick, tick], [0, 0.07], color=INK, lw=1, clip_on=False)
        axes.text(tick, 0.1, str(tick), ha="center", va="bottom")
    for place, method in enumerate(order):
        first = place < rows
        depth = top + step * (place if first else len(order) - 1 - place)
        _branch(axes, found, method, -depth, ends[0] - side / 2 if first else ends[1] + side / 2, paradigms[method])
    for place, bar in enumerate(bars):
        shown = [found.ranks[method] for method in bar]
        level = -0.17 - 0.16 * place
        axes.plot([min(shown), max(shown)], [level, level], color=MUTED, lw=3, solid_capstyle="round")
        axes.plot(shown, [level] * len(shown), "o", color=INK, ms=4.5, mec="none")
    left = f"the best {MOST} of {len(found.ranks)} methods by mean rank"
    said = [f"mean rank over {len(found.datasets)} problems with {labels(found.budget)} labels, 1 is best"]
    said += ["bar: not told apart (dots: its members)" if bars else _untested(found).rstrip(".")]
    said += [f"Friedman p {found.friedman_p:.2g}"] if found.friedman_p is not None else []
    note(figure, [*said, *[left] * (len(order) < len(found.ranks))], above=0.42)
    return figure


def _branch(axes: Axes, found: Across, method: int, depth: float, end: float, paradigm: str) -> None:
    """From the axis down to the method's name at the side."""
    rank, left = found.ranks[method], end < found.ranks[method]
    axes.plot([rank, rank, end], [0, depth, depth], color=colour(paradigm), lw=1.2, clip_on=False)
    axes.plot([rank], [0], "o", color=colour(paradigm), ms=5, mec="none", clip_on=False)
    name = f"{short(found.methods[method])}  {rank:.2f}" if left else f"{rank:.2f}  {short(found.methods[method])}"
    space = 0.01 * (axes.get_xlim()[1] - axes.get_xlim()[0])
    axes.text(
        end - space if left else end + space, depth, name, ha="right" if left else "left", va="center",
        parse_math=False, clip_on=False,
    )  # fmt: skip


def _untested(found: Across) -> str:
    return "All are told apart." if any(pair.adjusted is not None for pair in found.pairs) else "Descriptive only."
