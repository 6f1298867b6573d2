"""Each setting that was varied, against the score: a panel a trainer and setting."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from paralab.compare.gather import Block, Cell, Method
from paralab.compare.variants import BUDGETED, IDENTITY, config, flat
from paralab.page.colours import colour
from paralab.report.figures.legend import apart, note, short
from paralab.report.figures.looks import at, fullest, room
from paralab.report.figures.sketch import Sketch
from paralab.report.figures.words import figure as said_figure
from paralab.report.figures.words import labels, objective

PANELS = 9  # three rows
NAME, TICKED = 26, 2.0  # letters over and under a panel; inches between its outer ticks, at least
VALUES = 12  # of a setting without an order; numbers more than these are dots without a line
DOTS = 300  # in a panel, from which they are kept as an image


@dataclass(frozen=True)
class Sweep:
    """One setting of one trainer."""

    trainer: str
    key: str
    cells: Mapping[str, Sequence[Cell]]  # by the setting's value, in its order

    @property
    def numbers(self) -> list[float] | None:
        """The values, where all are numbers."""
        try:
            return [float(value) for value in self.cells]
        except ValueError:
            return None

    @property
    def means(self) -> dict[str, float]:
        """Over all configurations that share the value."""
        return {value: math.fsum(c.score.mean for c in cells) / len(cells) for value, cells in self.cells.items()}


def figure(block: Block) -> Sketch | None:
    """At the budget that most methods have; None where nothing was varied."""
    budget = fullest(block)
    found = sweeps(at(block, budget).methods, budget)
    if not found:
        return None
    shown = sorted(found, key=_reach, reverse=True)[:PANELS]
    columns = min(len(shown), 3)
    rows = math.ceil(len(shown) / columns)
    made = Figure(figsize=(1.0 + 3.0 * columns, 0.6 + 2.7 * rows))
    grid = made.subplots(rows, columns, squeeze=False, sharey=True, gridspec_kw={"wspace": 0.12, "hspace": 0.55})
    for place, axes in enumerate(grid.flat):
        if place < len(shown):
            _panel(axes, shown[place])
        else:
            axes.set_axis_off()
    values = [end for sweep in shown for cells in sweep.cells.values() for cell in cells for end in _ends(cell)]
    grid[0, 0].set_ylim(*room(values))
    for row in grid:
        row[0].set_ylabel(objective(block))
    left = [f"the {PANELS} of {len(found)} settings that moved the score most"] * (len(found) > PANELS)
    said = ["dot: one configuration, mean over seeds", "bar: ± sd of a seed", "line: mean over configurations"]
    note(made, [*said, *left])
    when = "" if block.budgets == (None,) else f", {labels(budget)} labels"
    title = f"Settings against the {objective(block)}{when}"
    words = "; ".join(_words(sweep) for sweep in shown)
    return Sketch("settings", title, made, f"{title}. Best mean by setting: {words}.")


def sweeps(methods: Sequence[Method], budget: int | None) -> list[Sweep]:
    """What tells the methods of one trainer apart, by trainer, then setting."""
    by_trainer: dict[str, list[Method]] = defaultdict(list)
    for method in methods:
        by_trainer[method.trainer].append(method)
    found = []
    for trainer, same in by_trainer.items():
        if len(same) < 2:
            continue
        held = [flat(config(method.cells[budget].runs[0].folder), IDENTITY) for method in same]
        keys = sorted({key for settings in held for key in settings})
        varied = [key for key in keys if len({settings.get(key, "unset") for settings in held}) > 1]
        if set(varied) >= BUDGETED and all(s.get("trainer.horizon") == s.get("budget.steps") for s in held):
            varied.remove("trainer.horizon")
        for key in varied:
            groups: dict[str, list[Cell]] = defaultdict(list)
            for method, settings in zip(same, held, strict=True):
                groups[settings.get(key, "unset")].append(method.cells[budget])
            found.append(Sweep(trainer, key, {value: groups[value] for value in sorted(groups, key=_order)}))
    return found


def logarithmic(values: Sequence[float]) -> bool:
    """Whether numbers, rising, lie more evenly on a log axis: over a decade or more, and all above zero."""
    if len(values) < 3 or values[0] <= 0 or values[-1] < 10 * values[0]:
        return False
    logs = [math.log(value) for value in values]
    return _uneven(logs) < _uneven(values)


def _uneven(values: Sequence[float]) -> float:
    """The greatest gap as a share of all."""
    return max(later - earlier for earlier, later in pairwise(values)) / (values[-1] - values[0])


def _order(value: str) -> tuple[int, float, str]:
    try:
        return (0, float(value), value)
    except ValueError:
        return (1, 0.0, value)


def _reach(sweep: Sweep) -> float:
    means = sweep.means.values()
    return max(means) - min(means)


def _ends(cell: Cell) -> tuple[float, float]:
    sd = cell.score.sd or 0.0
    return cell.score.mean - sd, cell.score.mean + sd


def _panel(axes: Axes, sweep: Sweep) -> None:
    shade, numbers = colour(sweep.trainer.split("/", 1)[0]), sweep.numbers
    values = list(sweep.cells)
    if numbers is None and len(values) > VALUES:
        kept = sorted(values, key=lambda value: -sweep.means[value])[:VALUES]
        values = [value for value in values if value in kept]
    x = numbers if numbers is not None else [float(place) for place in range(len(values))]
    dots = [(place, cell) for place, value in zip(x, values, strict=True) for cell in sweep.cells[value]]
    at_x, means = [place for place, _ in dots], [cell.score.mean for _, cell in dots]
    dense = len(dots) > DOTS
    axes.plot(at_x, means, "o", ms=5, mfc=shade, mec="none", alpha=0.2 if dense else 0.6, rasterized=dense)
    if len(dots) <= 4 * VALUES:
        bars = [cell.score.sd or 0.0 for _, cell in dots]
        axes.errorbar(at_x, means, bars, fmt="none", ecolor=shade, elinewidth=0.8, alpha=0.5)
    if numbers is None or len(values) <= VALUES:
        line = [sweep.means[value] for value in values]
        axes.plot(x, line, "-" if numbers is not None else ":", color=shade, lw=1.5)
    _axis(axes, values, numbers)
    key = sweep.key.removeprefix("trainer.")
    axes.set_xlabel(
        f"{short(key, NAME)} (log scale)" if axes.get_xscale() == "log" else short(key, NAME), parse_math=False
    )
    axes.set_title(short(sweep.trainer.split("/", 1)[-1], NAME), color=shade, parse_math=False, fontsize=9.5)


def _axis(axes: Axes, values: Sequence[str], numbers: Sequence[float] | None) -> None:
    if numbers is None:
        longest = max(map(len, values))
        names = [value if len(value) <= 18 else f"{value[:9]}…{value[-8:]}" for value in values]
        axes.set_xticks(range(len(values)), names, parse_math=False)
        if longest * len(values) > 30:
            for text in axes.get_xticklabels():
                text.set(rotation=35, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(values) - 0.5)
    elif logarithmic(numbers):
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        if len(numbers) <= VALUES:
            axes.set_xticks(apart(numbers, TICKED, log=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    elif len(numbers) <= VALUES:
        ticks = apart(numbers, TICKED, log=False)
        axes.set_xticks(ticks, [f"{number:g}" for number in ticks])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))


def _words(sweep: Sweep) -> str:
    best = max(sweep.means, key=lambda value: sweep.means[value])
    worst = min(sweep.means, key=lambda value: sweep.means[value])
    name = f"{sweep.trainer.split('/', 1)[-1]} {sweep.key.removeprefix('trainer.')}"
    return f"{name}={best} {said_figure(sweep.means[best])} (worst {worst} {said_figure(sweep.means[worst])})"
