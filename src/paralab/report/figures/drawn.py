"""Every figure of a page, in its order: of a block, over several blocks, of a single run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl

from paralab.compare.across import across as compared
from paralab.compare.gather import Block
from paralab.compare.result import Across
from paralab.compare.units import names
from paralab.record.read import Run
from paralab.report.figure import STYLE, painted, saved
from paralab.report.figures import (
    confusion,
    course,
    efficiency,
    episodes,
    final,
    improvement,
    learning,
    overall,
    profile,
    ranks,
    residuals,
    settings,
)
from paralab.report.figures.sketch import Sketch


@dataclass(frozen=True)
class Drawn:
    stem: str  # of its files, unique in its list: "label_efficiency"
    title: str
    svg: str  # a whole file; the same bytes for the same runs
    words: str  # what is seen, with numbers: the alt text
    png: bytes | None  # at 200 dpi, of what is pasted elsewhere


def drawn(block: Block) -> list[Drawn]:
    """The figures of one problem: the first is the one that answers, the others where the runs hold what they show."""
    with mpl.rc_context(STYLE):
        made = [
            efficiency.by_feedback(block) if len(block.budgets) > 1 else final.dots(block),
            efficiency.by_bits(block),
            profile.within(block),
            improvement.within(block),
            *learning.figures(block),
            settings.figure(block),
            confusion.matrix(block),
            confusion.clusters(block),
            residuals.figure(block),
            episodes.figure(block),
        ]  # fmt: skip
        return [_saved(sketch) for sketch in made if sketch is not None]


def across(blocks: Sequence[Block], ranked: Across | None = None) -> list[Drawn]:
    """The figures over several problems; `ranked` as compared already, else it is compared here."""
    found = ranked or compared(blocks, "any", None)
    if found is None:
        return []
    paradigms = {name: m.paradigm for block in blocks for name, m in zip(names(block), block.methods, strict=True)}
    group = [block for block in blocks if block.problem in found.datasets and f"test/{block.objective}" == found.metric]
    with mpl.rc_context(STYLE):
        made = [
            ranks.diagram(found, [paradigms[name] for name in found.methods]),
            overall.aggregates(found, paradigms),
            overall.profile(found, group),
        ]
        return [_saved(sketch) for sketch in made if sketch is not None]


def of_run(run: Run) -> list[Drawn]:
    """The figures of a run's own page: its course, and what it answered on the test rows."""
    with mpl.rc_context(STYLE):
        made = [*course.of_run(run), *confusion.of_run(run), *residuals.of_run(run), *episodes.of_run(run)]
        return [_saved(sketch) for sketch in made]


def _saved(sketch: Sketch) -> Drawn:
    png = painted(sketch.figure) if sketch.paper else None
    return Drawn(sketch.stem, sketch.title, saved(sketch.figure), sketch.words, png)
