"""The probability that a seed of one method beats a seed of another, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from matplotlib.figure import Figure

from paralab.compare.gather import Block
from paralab.page.colours import MUTED
from paralab.page.numbers import fixed
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import at, best, fullest, looks
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels, named
from paralab.statistics.interval import Interval
from paralab.statistics.unpaired import improvement

FEWEST = 3  # seeds of a method
ALL_PAIRS = 5  # methods up to which every pair finds room


def within(block: Block) -> Sketch | None:
    """Every pair of few methods, or the best against each of many; None where there are no two of FEWEST seeds."""
    budget = fullest(block)
    shown, left = best(at(block, budget))
    held = [method for method in shown.methods if len(method.cells[budget].values) >= FEWEST]
    held.sort(key=lambda method: -method.cells[budget].score.mean)
    if len(held) < 2:
        return None
    pairs = list(combinations(held, 2)) if len(held) <= ALL_PAIRS else [(held[0], method) for method in held[1:]]
    found = [improvement(one.cells[budget].values, two.cells[budget].values) for one, two in pairs]
    when = "" if block.budgets == (None,) else f", {labels(budget)} labels"
    said = ["dot: probability, a tie half", "bar: 95 % interval", "at the line neither is likelier to win", *left]
    shades = {(method.trainer, method.variant): shade for method, (_, _, shade) in looks(shown)}
    names = named(shown)
    called = [(names[one.trainer, one.variant], names[two.trainer, two.variant]) for one, two in pairs]
    figure = _figure(called, found, [shades[one.trainer, one.variant] for one, _ in pairs], said)
    if len(held) > ALL_PAIRS:  # one name less a row
        (axes,) = figure.axes
        axes.set_yticks(range(len(pairs)), [short(two) for _, two in called], parse_math=False)
        axes.set_xlabel(f"probability that {short(called[0][0])} beats it", parse_math=False)
    words = "; ".join(f"{_named(*pair)} {fixed(each.value, 2)}" for pair, each in zip(called, found, strict=True))
    title = f"Probability of improvement{when}"
    return Sketch("improvement", title, figure, f"{title}: that a seed of the first beats one of the second: {words}.")


def _figure(
    called: Sequence[tuple[str, str]], found: Sequence[Interval], shades: Sequence[str], said: Sequence[str]
) -> Figure:
    figure = Figure(figsize=(4.2, 0.9 + 0.34 * len(called)))
    axes = figure.subplots()
    axes.axvline(0.5, color=MUTED, lw=1)
    for row, (shade, each) in enumerate(zip(shades, found, strict=True)):
        axes.plot([each.low, each.high], [row, row], "-", color=shade, lw=2.2, solid_capstyle="butt", alpha=0.6)
        axes.plot([each.value], [row], "o", color=shade, ms=6, mec="none")
    axes.set_yticks(range(len(called)), [_named(*pair) for pair in called], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(called) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("probability that the first beats the second")
    note(figure, said, above=0.06)
    return figure


def _named(one: str, two: str) -> str:
    return f"{short(one)} > {short(two)}"
