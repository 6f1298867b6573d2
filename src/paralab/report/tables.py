"""The same table three ways: Markdown to paste, CSV to compute with, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence

from paralab.compare.gather import Block, Budget, Method
from paralab.record.read import Run
from paralab.report.advice import missing
from paralab.report.notes import notes
from paralab.report.sheets import Sheet, heading, sheets, title

Row = dict[str, str | int | float | None]
COSTS = ("seconds", "feedback", "bits", "env_steps", "peak_rss_mb")


def markdown(name: str, question: str, made: Sequence[Block], runs: Sequence[Run]) -> str:
    """Small tables: scores with spread and interval, seconds, feedback, each with its notes."""
    parts = [f"# {_plain(name)}"]
    if question:
        parts.append(_plain(question))
    for block in made:
        parts.append(f"## {_plain(title(block))}")
        parts += [_grid(block, sheet) for sheet in sheets(block)]
        parts.append("\n".join(f"- {_plain(note)}" for note in notes(block, runs)))
    if lines := missing(runs):
        parts.append("## In no mean\n\n" + "\n".join(f"- {_plain(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


def sections(name: str, said: Sequence[tuple[str, list[str]]]) -> str:
    """Headings with a list each, under one title."""
    parts = [f"# {_plain(name)}"]
    parts += [
        f"## {_plain(head)}\n\n" + "\n".join(f"- {_plain(line)}" for line in lines) for head, lines in said if lines
    ]
    return "\n\n".join(parts) + "\n"


def rows(made: Sequence[Block]) -> list[Row]:
    """One row a cell; what is not known is None."""
    return [
        _row(block, method, b) for block in made for method in block.methods for b in block.budgets if b in method.cells
    ]


def comma_separated(made: Sequence[Block]) -> str:
    lines = rows(made)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def machine(summary: dict[str, object]) -> str:
    """Strict JSON: no NaN, no infinity."""
    return json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(block: Block, method: Method, budget: Budget) -> Row:
    cell = method.cells[budget]
    return {
        "problem": block.problem, "split": block.split, "objective": block.objective,
        "paradigm": method.paradigm, "trainer": method.trainer, "variant": method.variant, "labels": heading(budget),
        "seeds": cell.score.n, "mean": cell.score.mean, "sd": cell.score.sd,
        "mean_low": cell.score.low, "mean_high": cell.score.high,
        **{kind: value if math.isfinite(value := cell.cost(kind)) else None for kind in COSTS},
    }  # fmt: skip


def _grid(block: Block, sheet: Sheet) -> str:
    lines = [["paradigm", sheet.corner, *(column.heading for column in sheet.columns)]]
    lines.append(["---", "---", *("---:" for _ in sheet.columns)])
    for method in block.methods:
        cells = [" ".join(filter(None, texts)) for texts in sheet.texts(method)]
        lines.append([_plain(method.paradigm), _plain(method.name), *cells])
    return f"{_plain(sheet.caption)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Names are data: nothing in one may become Markdown or HTML."""
    escaped = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return escaped.replace("[", "\\[").replace("`", "\\`").replace("*", "\\*")
