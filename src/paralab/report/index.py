"""The index over all experiments: what each asks, what it found, and where its page is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from paralab.page.grid import Entry, Grid, Heading, grid, words
from paralab.page.render import render
from paralab.record.read import Run
from paralab.report.advice import counts


@dataclass(frozen=True)
class Line:
    """One experiment; an empty page: there is none, as nothing of it is finished."""

    experiment: str
    question: str
    found: str  # the answer, or what leads
    runs: tuple[Run, ...]
    page: str


def index_page(lines: Sequence[Line]) -> str:
    """One table, a line an experiment, each with a link to its page beside the index."""
    made = sum(bool(line.page) for line in lines)
    context: dict[str, object] = {"table": _table(lines), "experiments": len(lines), "made": made}
    return render(Path(__file__).parent, "all.html", context)


def _table(lines: Sequence[Line]) -> Grid:
    rows = [
        (
            Entry(line.experiment, link=quote(line.page) if line.page else None),
            Entry(line.question),
            Entry(line.found),
            Entry(", ".join(sorted({run.problem for run in line.runs}))),
            Entry(str(len(line.runs)), counts(line.runs)),
        )
        for line in lines
    ]
    headings: list[Heading | str] = [words("experiment"), words("question"), words("found"), words("problems"), "runs"]
    return grid("experiments", "Every experiment under this root", headings, rows)
