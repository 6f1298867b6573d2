"""Two pictures of a study: what each trial came to, and which settings moved it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from paralab.page.colours import MUTED, PARADIGM
from paralab.page.numbers import fixed
from paralab.record import files
from paralab.report.figure import STYLE

FEWEST = 10  # complete trials from which an importance says anything
DOT, LINE = PARADIGM["supervised"], PARADIGM["semi_supervised"]
Row = Mapping[str, Any]  # of `result.rows`


def draw(study: optuna.Study, rows: Sequence[Row], objective: str, home: Path) -> list[Path]:
    """Write the figures into `home` as SVG and PNG; the SVGs' paths. The same study gives the same bytes."""
    drawn = {"history": _history(rows, objective)}
    if len(weights := importances(study, rows)) > 1:
        drawn["importance"] = _importance(weights, sum(row["state"] == "complete" for row in rows))
    for stem, figure in drawn.items():
        for kind, data in _bytes(figure).items():
            files.write(home / f"{stem}.{kind}", data)
    return [home / f"{stem}.svg" for stem in drawn]


def importances(study: optuna.Study, rows: Sequence[Row]) -> dict[str, float]:
    """Each setting's share in how values differ (fANOVA, Hutter 2014), greatest first.

    Empty where trials are too few, or all came to the same.
    """
    values = [row["value"] for row in rows if row["state"] == "complete"]
    if len(values) < FEWEST or min(values) == max(values):
        return {}
    forest = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=forest)
    return {key: float(weight) for key, weight in found.items()}


def _history(rows: Sequence[Row], objective: str) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.6))
        axes = figure.subplots()
        complete = [(row["number"], row["value"]) for row in rows if row["state"] == "complete"]
        pruned = [(row["number"], row["value"]) for row in rows if row["state"] == "pruned"]
        failed = [row["number"] for row in rows if row["state"] == "failed"]
        best = list(accumulate((value for _, value in complete), max))
        numbers = [number for number, _ in complete]
        axes.step([*numbers, len(rows) - 1], [*best, best[-1]], where="post", color=LINE, lw=1.5, label="best so far")
        axes.plot(*zip(*complete, strict=True), "o", ms=5, color=DOT, mec="none", alpha=0.7, label="complete")
        if pruned:
            label = "pruned, where it was stopped"
            axes.plot(*zip(*pruned, strict=True), "x", ms=5, color=MUTED, label=label)
        if failed:
            at_the_foot = axes.get_xaxis_transform()
            axes.plot(failed, [0.02] * len(failed), "|", ms=9, color=LINE, transform=at_the_foot, label="failed")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel(f"validation {objective.replace('_', ' ')}")
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=4, frameon=False, borderaxespad=0)
    return figure


def _importance(weights: Mapping[str, float], trials: int) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 0.9 + 0.36 * len(weights)))
        axes = figure.subplots()
        names = [key.lstrip("+").removeprefix("trainer.") for key in weights]
        axes.barh(range(len(names)), list(weights.values()), height=0.6, color=DOT)
        for row, weight in enumerate(weights.values()):
            axes.text(weight + 0.01, row, fixed(weight, 2), va="center")
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, max(weights.values()) * 1.12)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"share in how the score differs (fANOVA, {trials} complete trials)")
    return figure


def _bytes(figure: Figure) -> dict[str, bytes]:
    with mpl.rc_context(STYLE):
        FigureCanvasAgg(figure)
        drawn, painted = io.StringIO(), io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(painted, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return {"svg": drawn.getvalue().encode(), "png": painted.getvalue()}
