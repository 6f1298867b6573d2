"""The performance profile: which share of seeds comes above each score (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paralab.compare.gather import Block
from paralab.report.figures.legend import legend, note
from paralab.report.figures.looks import Styled, at, best, fullest, looks, room
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels, named, objective, ranked
from paralab.statistics.aggregate import profile
from paralab.statistics.bootstrap import profile_band

FEWEST = 3  # seeds of a method
POINTS = 60  # thresholds
BANDS = 6  # methods up to which bands can be told apart
Scores = NDArray[np.float64]  # (runs, tasks)


def within(block: Block) -> Sketch | None:
    """Of one problem, at the budget that most methods have; None under two methods of FEWEST seeds."""
    budget = fullest(block)
    shown, left = best(at(block, budget))
    styled = [(method, look) for method, look in looks(shown) if len(method.cells[budget].values) >= FEWEST]
    if len(styled) < 2:
        return None
    scores = [np.array(method.cells[budget].values)[:, None] for method, _ in styled]
    when = "" if block.budgets == (None,) else f", {labels(budget)} labels"
    called = [named(shown)[method.trainer, method.variant] for method, _ in styled]
    return profiles(styled, scores, called, objective(block), f"Performance profile{when}", left)


def profiles(
    styled: Sequence[Styled],
    scores: Sequence[Scores],
    called: Sequence[str],
    axis: str,
    title: str,
    left: Sequence[str],
) -> Sketch:
    """The share of runs above each score, a curve a method."""
    low, high = room([float(value) for each in scores for value in (each.min(), each.max())])
    thresholds = np.linspace(low, high, POINTS)
    figure = Figure(figsize=(5.0, 3.8))
    axes = figure.subplots()
    medians = {}
    for name, (_, (_, line, shade)), values in zip(called, styled, scores, strict=True):
        if len(styled) <= BANDS:
            band = profile_band(values, thresholds)
            axes.fill_between(thresholds, band.low, band.high, color=shade, alpha=0.1, lw=0, step="post")
        shares = profile(values, thresholds)
        axes.plot(thresholds, shares, ls=line, color=shade, lw=1.6, drawstyle="steps-post")
        medians[name] = float(np.median(values))
    axes.set_xlim(low, high)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(axis)
    axes.set_ylabel("share of seeds above it")
    legend(figure, styled, marked=False)
    note(
        figure,
        ["further right is better", *["band: 95 %, seeds drawn anew"] * (len(styled) <= BANDS), *left],
        above=0.08,
    )
    words = f"{title}: half of the seeds come above {ranked(medians)} ({axis})."
    return Sketch("performance_profile", title, figure, words)
