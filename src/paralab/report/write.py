"""`paralab report`: everything an experiment's runs say, written to experiments/<name>/report/."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paralab.errors import Refused
from paralab.record import files
from paralab.record.read import Run, demand
from paralab.report import tables
from paralab.report.advice import advice, counts, missing, rerun
from paralab.report.figure import describe, is_curve, pictures
from paralab.report.gather import Block, blocks
from paralab.report.notes import notes
from paralab.report.page import page
from paralab.report.sheets import title
from paralab.report.variants import config


@dataclass(frozen=True)
class Report:
    experiment: str
    question: str
    runs: tuple[Run, ...]  # all, finished or not
    blocks: tuple[Block, ...]
    figures: tuple[Path, ...]  # the PNGs, one a block
    page: Path

    @property
    def summary(self) -> dict[str, object]:
        """What table.json holds."""
        return {
            "format": 1,
            "experiment": self.experiment,
            "question": self.question or None,
            "runs": counts(self.runs),
            "cells": tables.rows(self.blocks),
            "notes": {title(block): notes(block, self.runs) for block in self.blocks},
            "in_no_mean": missing(self.runs),
            "figures": [path.as_posix() for path in self.figures],
            "page": self.page.as_posix(),
            "next": [command for command, _ in advice(self.experiment, self.runs, self.blocks)],
        }


def report(root: Path, experiment: str) -> Report:
    """Read the runs, write tables, figures and page; raises Refused where nothing is finished or writable."""
    runs = demand(root, experiment)
    made = blocks(runs)
    if not made:
        state = counts(runs) or "no run at all"
        raise Refused(
            f"experiment '{experiment}' has no finished run to report ({state}). Run: {rerun(experiment, runs)}"
        )
    first = config(made[0].cells[0].runs[0].folder)
    question = str(first.get("question") or "").strip()
    folder = root / experiment / "report"
    stems = _stems(made)
    drawn = [pictures(block) for block in made]
    result = Report(
        experiment, question, tuple(runs), tuple(made),
        tuple(folder / f"{stem}.png" for stem in stems), folder / "index.html",
    )  # fmt: skip
    panels = [(stem, svg, describe(block)) for stem, (svg, _), block in zip(stems, drawn, made, strict=True)]
    contents = {
        "table.md": tables.markdown(experiment, question, made, runs).encode(),
        "table.csv": tables.comma_separated(made).encode(),
        "table.json": tables.machine(result.summary).encode(),
        "index.html": page(experiment, question, made, runs, panels).encode(),
    }
    for stem, (svg, png) in zip(stems, drawn, strict=True):
        contents |= {f"{stem}.svg": svg.encode(), f"{stem}.png": png}
    try:
        folder.mkdir(exist_ok=True)
        for name, data in contents.items():
            files.write(folder / name, data)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}); make it writable, or copy {root} elsewhere"
        ) from error
    return result


def _stems(made: Sequence[Block]) -> list[str]:
    """File names of the figures: label_efficiency where there is one table, else led by the problem's name."""
    stems: list[str] = []
    for block in made:
        kind = "label_efficiency" if is_curve(block) else "final_scores"
        named = kind if len(made) == 1 else f"{re.sub(r'[^a-z0-9]+', '_', block.problem.lower())}_{kind}"
        stem, n = named, 2
        while stem in stems:
            stem, n = f"{named}_{n}", n + 1
        stems.append(stem)
    return stems
