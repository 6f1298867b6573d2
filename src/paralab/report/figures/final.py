"""The final scores where there is one budget only: every seed as a dot, a method a row, its mean with its interval."""

from __future__ import annotations

from matplotlib.figure import Figure

from paralab.compare.gather import Block
from paralab.page.colours import label
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import best, limits, looks
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import ends, objective

MANY = 200  # seeds a method from which dots are stored as an image


def dots(block: Block) -> Sketch:
    block, left = best(block)
    styled = looks(block)
    figure = Figure(figsize=(8, 1.1 + 0.42 * len(styled)))
    axes = figure.subplots()
    for row, (method, (_, _, shade)) in enumerate(styled):
        cell = method.cells[block.budgets[0]]
        middle = (min(len(cell.values), 5) - 1) / 2
        scatter = [row + 0.11 * (place % 5 - middle) for place in range(len(cell.values))]
        dense = len(cell.values) > MANY
        axes.plot(
            cell.values, scatter, "o", ms=5, mfc=shade, mec="none", alpha=0.1 if dense else 0.45, rasterized=dense
        )
        if cell.score.low is not None and cell.score.high is not None:
            axes.plot([cell.score.low, cell.score.high], [row, row], "-", color=shade, lw=2)
        axes.plot([cell.score.mean], [row], "|", color=shade, ms=17, mew=2.4)
    axes.set_yticks(range(len(styled)), [f"{label(m.paradigm)}: {short(m.name)}" for m, _ in styled], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(styled) - 0.4, -0.6)
    axes.set_xlim(*limits(block.cells))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"{objective(block)}   (dot: one seed · tick: mean · bar: 95 % t interval of the mean)")
    if left:
        note(figure, left, above=0.05)
    return Sketch("final_scores", "Scores, every seed", figure, ends(block), paper=True)
