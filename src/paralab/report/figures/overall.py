"""Several problems at once, on normalised scores: 0 is each problem's floor, 1 its ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from paralab.compare.gather import Block
from paralab.compare.result import Across, Aggregate
from paralab.compare.standings import ends
from paralab.compare.units import names
from paralab.page.colours import MUTED, colour
from paralab.page.numbers import fixed
from paralab.report.figures.legend import note, short
from paralab.report.figures.looks import MOST, Styled, looks
from paralab.report.figures.profile import Scores, profiles
from paralab.report.figures.sketch import Sketch


def profile(found: Across, group: Sequence[Block]) -> Sketch | None:
    """`group`: the blocks that were compared. None where fewer than two methods have normalised scores on each."""
    scores = normalised(found, group)
    best = [each.method for each in _best(found) if each.method in scores]
    styled = {name: look for block in group for name, look in zip(names(block), looks(block), strict=True)}
    shown: list[Styled] = [styled[name] for name in found.methods if name in best]
    if len(shown) < 2:
        return None
    order = [name for name in found.methods if name in best]
    title = f"Performance profile over {len(group)} problems"
    left = _left(found)
    return profiles(shown, [scores[name] for name in order], order, "normalised score", title, left)


def aggregates(found: Across, paradigms: Mapping[str, str]) -> Sketch | None:
    """The interquartile mean of each method over all problems; None where no problem's bounds are declared."""
    rows = _best(found)
    if not rows:
        return None
    figure = Figure(figsize=(4.4, 0.8 + 0.34 * len(rows)))
    axes = figure.subplots()
    for place, each in enumerate(rows):
        shade = colour(paradigms[each.method])
        axes.plot(
            [each.iqm.low, each.iqm.high], [place, place], "-", color=shade, lw=6, alpha=0.35, solid_capstyle="butt"
        )
        axes.plot([each.iqm.value], [place], "|", color=shade, ms=14, mew=2.4)
        axes.plot([each.mean.value], [place], "o", mfc="none", mec=MUTED, ms=5)
    axes.set_yticks(range(len(rows)), [short(each.method) for each in rows], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("normalised score: 0 floor, 1 ceiling")
    said = ["tick: interquartile mean over runs and problems", "bar: 95 %, stratified bootstrap", "ring: mean"]
    note(figure, [*said, *_left(found)], above=0.06)
    listed = "; ".join(
        f"{each.method} {fixed(each.iqm.value, 3)} [{fixed(each.iqm.low, 3)}, {fixed(each.iqm.high, 3)}]"
        for each in rows
    )
    title = f"Interquartile mean over {len(found.datasets)} problems"
    return Sketch("aggregate", title, figure, f"{title}, normalised scores: {listed}.", paper=True)


def normalised(found: Across, group: Sequence[Block]) -> dict[str, Scores]:
    """(runs, problems) of each method; the same number of seeds of each problem, the first ones."""
    bounds = [each for block in group if (each := ends(block)) is not None]
    if len(bounds) < len(group):
        return {}
    held = [dict(zip(names(block), block.methods, strict=True)) for block in group]
    scores = {}
    for name in found.methods:
        columns = [methods[name].cells[found.budget].values for methods in held]
        n = min(map(len, columns))
        if n > 1:
            pairs = zip(bounds, columns, strict=True)
            scores[name] = np.array([[bound.normalised(value) for value in column[:n]] for bound, column in pairs]).T
    return scores


def _best(found: Across) -> list[Aggregate]:
    return sorted(found.aggregates, key=lambda each: (-each.iqm.value, each.method))[:MOST]


def _left(found: Across) -> list[str]:
    count = len(found.aggregates)
    return [f"the best {MOST} of {count} methods by interquartile mean"] * (count > MOST)
