"""The report as one HTML file: the answer, figures, tables with their notes, every run, where it all comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from paralab.compare.gather import Block, left_out
from paralab.compare.result import Comparison
from paralab.page.grid import Entry, Grid, Heading, grid, labels, method, words
from paralab.page.numbers import size
from paralab.page.render import render
from paralab.page.svg import inline
from paralab.record.read import Run
from paralab.report.advice import advice
from paralab.report.answer import Answer
from paralab.report.card import Section
from paralab.report.figures.drawn import Drawn
from paralab.report.leaderboard import tables
from paralab.report.notes import notes
from paralab.report.pairs import across_table, pairs_table, why
from paralab.report.panel import provenance
from paralab.report.runs_pages import Pages, table, told
from paralab.report.sheets import title

ROOM = 3_000_000  # letters of drawings inside the page; beyond it a figure is a link to its file
FAILURES = 100  # lines of runs that are in no mean


@dataclass(frozen=True)
class Content:
    """All that a page says."""

    name: str
    question: str
    answer: Answer | None
    blocks: Sequence[Block]
    panels: Sequence[Sequence[Drawn]]  # of each block, its stem unique on the page
    across: Sequence[Drawn]
    runs: Sequence[Run]
    pages: Pages
    compared: Comparison | None
    refused: str  # why nothing is compared
    card: Sequence[Section]


def page(content: Content) -> str:
    """The page of an experiment."""
    room = [ROOM]
    named = {run.folder: each.name for block in content.blocks for each in block.methods
             for cell in each.cells.values() for run in cell.runs}  # fmt: skip
    context: dict[str, object] = {
        "name": content.name,
        "question": content.question,
        "answer": content.answer,
        "blocks": [
            _block(content, block, panel, f"t{place}", room)
            for place, (block, panel) in enumerate(zip(content.blocks, content.panels, strict=True))
        ],
        "refused": content.refused,
        "across": [_figure(each, room) for each in content.across],
        "ranks": across_table(content.compared, "ranks"),
        "runs": table(content.pages.values(), "runs", named),
        "chosen": told(content.runs, content.pages),
        "failures": _failures(content.runs, content.pages),
        "lost": len(left_out(content.runs)),
        "most": FAILURES,
        "card": content.card,
        "advice": advice(content.name, content.runs, content.blocks),
        "provenance": provenance(content.runs),
    }
    return render(Path(__file__).parent, "report.html", context)


def _block(content: Content, block: Block, panel: Sequence[Drawn], name: str, room: list[int]) -> dict[str, object]:
    return {
        "title": title(block),
        "figures": [_figure(each, room) for each in panel],
        "tables": tables(block, content.compared, name),
        "notes": notes(block, content.runs),
        "pairs": pairs_table(block, content.compared, f"{name}-pairs"),
        "why": why(block, content.compared),
    }


def _figure(drawing: Drawn, room: list[int]) -> dict[str, object]:
    """The drawing while the page has room for it, and its files."""
    links = [("SVG", f"{drawing.stem}.svg"), *([("PNG", f"{drawing.stem}.png")] if drawing.png is not None else [])]
    room[0] -= len(drawing.svg)
    if room[0] < 0:
        room[0] += len(drawing.svg)
        shown: Markup = Markup("<p>{}</p>").format(f"{drawing.words} (a drawing of {size(len(drawing.svg))})")
    else:
        shown = inline(drawing.svg, drawing.stem, drawing.words)
    return {"drawing": shown, "title": drawing.title, "links": links}


def _failures(runs: Sequence[Run], pages: Pages) -> Grid | None:
    """The runs that are in no mean, with their reasons."""
    lost = left_out(runs)[:FAILURES]
    if not lost:
        return None
    return grid("failures", "Runs that are in no mean, and why", FAILED, [_failure(run, pages) for run in lost])


FAILED: list[Heading | str] = [words("run"), words("problem"), "labels", "seed", words("status"), words("reason")]


def _failure(run: Run, pages: Mapping[Path, tuple[Run, str]]) -> list[Entry]:
    link = f"runs/{pages[run.folder][1]}" if run.folder in pages else None
    status = "finished without a score" if run.status == "finished" else run.status
    return [
        method(run.trainer.split("/", 1)[-1], run.paradigm, link=link),
        Entry(run.problem),
        labels(run.labels),
        Entry(str(run.seed)),
        Entry(status),
        Entry(run.error or ""),
    ]
