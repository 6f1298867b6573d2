"""Learning curves: a metric of the training by step and by the training clock, seeds thin, their mean with a band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from paralab.compare.gather import Block
from paralab.report.figures.histories import SEEDS, Clock, Curves, Floats, History, aligned, histories
from paralab.report.figures.legend import legend, note
from paralab.report.figures.looks import Styled, at, best, looks, room
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import labels, named, ranked
from paralab.statistics.summary import quantile

POINTS = 300  # of all means in a panel: more are no easier to read, and a page is full of figures
THIN = 30  # single seeds in a panel
APART = 20.0  # times as long from which an axis is a logarithm
REWARDS = {"train/return": "training return", "train/length": "episode length", "train/online_reward": "online reward"}
Read = Sequence[tuple[Styled, Sequence[History]]]


def figures(block: Block) -> list[Sketch]:
    """A figure a metric: the objective on validation rows, return, length, online reward, loss."""
    budget, held = _longest(block)
    if not held:
        return []
    shown, left = best(at(block, budget))
    when = "" if block.budgets == (None,) else f", {labels(budget)} labels"
    read = [(styled, held[styled[0].trainer, styled[0].variant]) for styled in looks(shown)]
    known = {f"valid/{block.objective}": f"validation {block.objective.replace('_', ' ')}", **REWARDS}
    known["train/loss"] = "training loss"
    drawn = []
    for metric, name in known.items():
        having = [(styled, kept) for styled, seeds in read if (kept := [s for s in seeds if s.has(metric)])]
        if _varies(having, metric) and not (
            metric == "train/length" and same([s for _, seeds in having for s in seeds], "train/return", metric)
        ):
            drawn.append(_figure(having, named(shown), metric, name, when, left))
    return drawn


def _longest(block: Block) -> tuple[int | None, Mapping[tuple[str, str], Sequence[History]]]:
    """The last of the budgets at which most methods have a curve, with what was read there."""
    chosen: tuple[int | None, dict[tuple[str, str], Sequence[History]]] = (None, {})
    for budget in reversed(block.budgets):
        methods = best(at(block, budget))[0].methods
        read = {(m.trainer, m.variant): histories(m.cells[budget].runs) for m in methods}
        if sum(map(bool, read.values())) > sum(map(bool, chosen[1].values())):
            chosen = budget, dict(read)
        if all(chosen[1].values()) and chosen[1]:
            break
    return chosen


def _varies(read: Read, metric: str) -> bool:
    values = [seed.curve(metric, "step")[1] for _, seeds in read for seed in seeds]
    return any(np.ptp(each) > 0 for each in values)


def same(seeds: Sequence[History], one: str, other: str) -> bool:
    """Whether two metrics are one: where a step is worth 1, an episode's return is its length."""
    return all(np.array_equal(seed.curve(one, "step")[1], seed.curve(other, "step")[1]) for seed in seeds)


def _figure(
    read: Read, called: Mapping[tuple[str, str], str], metric: str, name: str, when: str, left: Sequence[str]
) -> Sketch:
    figure = Figure(figsize=(10, 4.2))
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    thin = max(THIN // len(read), 1)
    ends: dict[str, float] = {}
    extent: list[float] = []
    even = True
    clocks: tuple[Clock, Clock] = ("step", "seconds")
    for axes, clock in zip(panels, clocks, strict=True):
        given = [[seed.curve(metric, clock) for seed in seeds] for _, seeds in read]
        log = _far(given)
        for ((method, (_, line, shade)), _), seeds in zip(read, given, strict=True):
            curves = aligned(seeds, max(POINTS // len(read), 25), log)
            extent += _draw(axes, curves, thin, line, shade)
            ends.setdefault(called[method.trainer, method.variant], float(curves.seeds[:, -1].mean()))
            even = even and (clock == "seconds" or curves.even)
        _axis(axes, clock, log)
    panels[0].set_ylabel(name)
    panels[0].set_title("by step of training")
    panels[1].set_title("by training time")
    if metric == "train/loss" and min(extent) > 0 and max(extent) > APART * min(extent):
        panels[0].set_yscale("log")
        panels[0].set_ylim(min(extent) / 1.3, max(extent) * 1.3)
    else:
        panels[0].set_ylim(*room(extent))
    legend(figure, [styled for styled, _ in read], marked=False)
    note(figure, [*_said([len(seeds) for _, seeds in read], thin, even), *_losses(metric, read), *left])
    stem = f"learning_{metric.replace('/', '_')}"
    title = f"Learning curves: {name}{when}"
    return Sketch(
        stem, title, figure, f"{title}, by step and by training time. Mean over seeds at the end: {ranked(ends)}."
    )


def _draw(axes: Axes, curves: Curves, thin: int, line: object, shade: str) -> list[float]:
    """Thin seeds, their mean, its band; the values that must find room."""
    seeds, mean = curves.seeds, curves.seeds.mean(axis=0)
    if len(seeds) > 1:
        half_of = np.union1d(np.arange(0, len(mean), 2), len(mean) - 1)
        for seed in seeds[:thin]:
            axes.plot(curves.x[half_of], seed[half_of], "-", color=shade, lw=0.6, alpha=0.35)
        half = quantile(0.975, len(seeds) - 1) * seeds.std(axis=0, ddof=1) / math.sqrt(len(seeds))
        axes.fill_between(curves.x, mean - half, mean + half, color=shade, alpha=0.13, lw=0)
    axes.plot(curves.x, mean, ls=line, color=shade, lw=1.7)
    return [float(seeds.min()), float(seeds.max())]


def _axis(axes: Axes, clock: Clock, log: bool) -> None:
    words = "step" if clock == "step" else "training seconds"
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: count(x)))
    axes.set_xlabel(f"{words} (log scale)" if log else words)


def count(x: float) -> str:
    """12000 -> "12k"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(x) >= size and (abs(x) >= 10 * size or x % size == 0):
            return f"{x / size:g}{unit}"
    return f"{x:g}"


def _far(given: Sequence[Sequence[tuple[Floats, Floats]]]) -> bool:
    """Whether some methods end so much earlier that a linear axis would hide them."""
    ends = [max(float(x[-1]) for x, _ in seeds) for seeds in given]
    return min(ends) > 0 and max(ends) > APART * min(ends)


def _said(counts: Sequence[int], thin: int, even: bool) -> list[str]:
    if max(counts) == 1:
        return ["one seed a method"]
    most = f"the first {SEEDS} seeds" if max(counts) == SEEDS else "seeds"
    drawn = "single seeds" if thin >= max(counts) else f"the first {thin} seeds" if thin > 1 else "the first seed"
    held = [] if even else ["a seed that has ended keeps its last value"]
    return [f"line: mean over {most}", "band: its 95 % t interval", f"thin: {drawn}", *held]


def _losses(metric: str, read: Read) -> list[str]:
    trainers = {method.trainer for (method, _), _ in read}
    return ["losses of different trainers are not comparable"] * (metric == "train/loss" and len(trainers) > 1)
