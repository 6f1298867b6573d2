"""`paralab report`: everything an experiment's runs say, written to experiments/<name>/report/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paralab.compare.compare import compare
from paralab.compare.gather import Block, blocks
from paralab.compare.result import Comparison
from paralab.compare.variants import config
from paralab.errors import Refused
from paralab.record import files
from paralab.record.read import Run, demand, experiments
from paralab.record.read import runs as found
from paralab.report import tables
from paralab.report.advice import advice, counts, missing, rerun
from paralab.report.answer import Answer, answer
from paralab.report.card import card
from paralab.report.figures.drawn import Drawn, across, drawn
from paralab.report.finding import fill
from paralab.report.index import Line, index_page
from paralab.report.notes import notes
from paralab.report.page import Content, page
from paralab.report.runs_pages import Pages, figured, pages, run_page
from paralab.report.sheets import title


@dataclass(frozen=True)
class Report:
    experiment: str
    question: str
    answer: Answer | None
    runs: tuple[Run, ...]  # all, finished or not
    blocks: tuple[Block, ...]
    figures: tuple[Path, ...]  # the PNGs
    page: Path

    @property
    def summary(self) -> dict[str, object]:
        """What table.json holds."""
        return {
            "format": 1,
            "experiment": self.experiment,
            "question": self.question or None,
            "answer": None if self.answer is None else {"head": self.answer.head, "lines": list(self.answer.lines)},
            "runs": counts(self.runs),
            "cells": tables.rows(self.blocks),
            "notes": {title(block): notes(block, self.runs) for block in self.blocks},
            "in_no_mean": missing(self.runs),
            "figures": [path.as_posix() for path in self.figures],
            "page": self.page.as_posix(),
            "next": [command for command, _ in advice(self.experiment, self.runs, self.blocks)],
        }


def report(root: Path, experiment: str) -> Report:
    """Read the runs, write tables, figures and pages; raises Refused where nothing is finished or writable."""
    runs = demand(root, experiment)
    made = blocks(runs)
    if not made:
        state = counts(runs) or "no run at all"
        raise Refused(
            f"experiment '{experiment}' has no finished run to report ({state}). Run: {rerun(experiment, runs)}"
        )
    return _write(root, experiment, runs, made)


def report_all(root: Path) -> tuple[list[Report], Path]:
    """Every experiment with a finished run, and the index over all of them; raises Refused where there is none."""
    names = experiments(root)
    if not names:
        raise Refused(f"no experiment in {root}. Run: paralab train experiment=label_efficiency")
    reports, lines = [], []
    for name in names:
        runs = found(root, name)
        if made := blocks(runs):
            done = _write(root, name, runs, made)
            reports.append(done)
            said = "" if done.answer is None else " ".join([done.answer.head, *done.answer.lines[:1]])
            lines.append(Line(name, done.question, said, done.runs, f"{name}/report/index.html"))
        else:
            lines.append(Line(name, "", "", tuple(runs), ""))
    place = root / "index.html"
    _save(root, {place.name: index_page(lines).encode()})
    return reports, place


def _write(root: Path, experiment: str, runs: Sequence[Run], made: Sequence[Block]) -> Report:
    asked = (config(block.cells[0].runs[0].folder).get("question") for block in made)
    question = next((str(each).strip() for each in asked if each), "")
    folder = root / experiment / "report"
    compared, refused = _compared(runs)
    panels, over = _panels(made)
    every = [each for panel in panels for each in panel] + over
    pasted = tuple(folder / f"{each.stem}.png" for each in every if each.png is not None)
    told = answer(root, experiment, runs, compared)
    result = Report(experiment, question, told, tuple(runs), tuple(made), pasted, folder / "index.html")
    shown = pages(runs, made)
    sections = card(experiment, question, made, runs)
    content = Content(experiment, question, told, made, panels, over, runs, shown, compared, refused, sections)
    contents = {
        "table.md": tables.markdown(experiment, question, made, runs).encode(),
        "table.csv": tables.comma_separated(made).encode(),
        "table.json": tables.machine(result.summary).encode(),
        "card.md": tables.sections(f"Model card: {experiment}", sections).encode(),
        "index.html": page(content).encode(),
    }
    for each in every:
        contents[f"{each.stem}.svg"] = each.svg.encode()
        if each.png is not None:
            contents[f"{each.stem}.png"] = each.png
    _save(folder, contents)
    _save(folder / "runs", _run_pages(experiment, made, shown, folder / "runs"))
    _clear(folder / "runs", {name for _, name in shown.values()})
    fill(root, experiment, question, runs, told)
    return result


def _compared(runs: Sequence[Run]) -> tuple[Comparison | None, str]:
    """The comparison, or why there is none: a report of what cannot be compared is still a report."""
    try:
        return compare(runs), ""
    except Refused as refused:
        return None, str(refused)


def _run_pages(experiment: str, made: Sequence[Block], shown: Pages, place: Path) -> Iterator[tuple[str, bytes]]:
    named = {run.folder: method.name for block in made for method in block.methods
             for cell in method.cells.values() for run in cell.runs}  # fmt: skip
    full = figured(made)
    for run, name in shown.values():
        method = named.get(run.folder, run.trainer.split("/", 1)[-1])
        yield name, run_page(run, experiment, method, place, run.folder in full).encode()


def _save(folder: Path, contents: Mapping[str, bytes] | Iterator[tuple[str, bytes]]) -> None:
    """What is there already, byte by byte, is left as it is; raises Refused."""
    pairs = contents.items() if isinstance(contents, Mapping) else contents
    try:
        folder.mkdir(exist_ok=True)
        for name, data in pairs:
            path = folder / name
            if not path.is_file() or path.read_bytes() != data:
                files.write(path, data)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}); make it writable, or copy the experiment elsewhere"
        ) from error


def _clear(folder: Path, kept: set[str]) -> None:
    """Pages of runs that are no longer there."""
    for path in folder.glob("*.html"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _panels(made: Sequence[Block]) -> tuple[list[list[Drawn]], list[Drawn]]:
    """The figures of each block and over all, named once: led by the problem's name where there are several blocks."""
    taken: set[str] = set()
    panels = []
    for block in made:
        lead = "" if len(made) == 1 else re.sub(r"[^a-z0-9]+", "_", block.problem.lower()) + "_"
        panels.append([_named(each, lead, taken) for each in drawn(block)])
    return panels, [_named(each, "", taken) for each in across(made)]


def _named(drawing: Drawn, lead: str, taken: set[str]) -> Drawn:
    stem, n = f"{lead}{drawing.stem}", 2
    while stem in taken:
        stem, n = f"{lead}{drawing.stem}_{n}", n + 1
    taken.add(stem)
    return replace(drawing, stem=stem)
