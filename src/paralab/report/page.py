"""The report as one HTML file: figure, tables with their notes, what is missing, where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from paralab.page.colours import colour, label
from paralab.page.render import render
from paralab.page.svg import inline
from paralab.record.read import Run
from paralab.report.advice import advice, counts, missing
from paralab.report.gather import Block, of_tuning
from paralab.report.notes import notes
from paralab.report.sheets import Sheet, others, sheets, title

SHOWN = ("paralab", "numpy", "scikit-learn", "torch", "stable-baselines3", "gymnasium")  # versions that move figures
Panel = tuple[str, str, str]  # stem of the figure's files, its SVG, what it shows in words


def page(name: str, question: str, made: Sequence[Block], runs: Sequence[Run], panels: Sequence[Panel]) -> str:
    """One panel a block, in the same order."""
    context: dict[str, object] = {
        "name": name,
        "question": question,
        "blocks": [_block(block, runs, panel) for block, panel in zip(made, panels, strict=True)],
        "missing": missing(runs),
        "advice": advice(name, runs, made),
        "provenance": provenance(runs),
    }
    return render(Path(__file__).parent, "report.html", context)


def provenance(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """What the finished runs say of where they were made; several values are all named."""
    finished = [run for run in runs if run.status == "finished" and not of_tuning(run)]
    seeds = sorted({run.seed for run in finished})
    packages = [value for run in finished if isinstance(value := run.provenance.get("packages"), dict)]
    facts = [
        ("runs", counts(runs)),
        ("seeds", _ranges(seeds)),
        ("git commit", _named(_commit(run) for run in finished)),
        ("Python", _named(str(run.provenance.get("python") or "") for run in finished)),
        ("machine", _named(str(run.provenance.get("os") or "") for run in finished)),
    ]
    facts += [(kind, _named(str(held.get(kind, "")) for held in packages)) for kind in SHOWN]
    return [(kind, value) for kind, value in facts if value]


def _block(block: Block, runs: Sequence[Run], panel: Panel) -> dict[str, object]:
    stem, svg, words = panel
    also = others(block)
    return {
        "title": title(block),
        "drawing": inline(svg, stem, words),
        "links": [
            ("SVG", f"{stem}.svg"), ("PNG", f"{stem}.png"),
            ("CSV", "table.csv"), ("JSON", "table.json"), ("Markdown", "table.md"),
        ],
        "tables": [_grid(block, sheet, f"{stem}-{place}") for place, sheet in enumerate(sheets(block))],
        "also": None if also is None else _grid(block, also, f"{stem}-also"),
        "notes": notes(block, runs),
    }  # fmt: skip


def _grid(block: Block, sheet: Sheet, name: str) -> dict[str, object]:
    groups = []
    for paradigm, methods in block.paradigms:
        rows = [{"name": method.name, "cells": sheet.texts(method)} for method in methods]
        groups.append({"label": label(paradigm), "colour": colour(paradigm), "rows": rows})
    columns = [column.heading for column in sheet.columns]
    return {"id": name, "caption": sheet.caption, "corner": sheet.corner, "columns": columns, "groups": groups}


def _commit(run: Run) -> str:
    git = run.provenance.get("git")
    if not isinstance(git, dict) or not git.get("commit"):
        return ""
    return str(git["commit"])[:12] + (" with changes" if git.get("dirty") else "")


def _named(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _ranges(seeds: Sequence[int]) -> str:
    """ "0 to 4", or all of them."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
