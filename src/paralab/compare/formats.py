"""A comparison to paste (Markdown, LaTeX) and to compute with (JSON, CSV)."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from paralab.compare.gather import Budget
from paralab.compare.layout import Grid, grids
from paralab.compare.result import ALPHA, LEVEL, Comparison

LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "±": r"$\pm$", "−": r"$-$", "|": r"\textbar{}", '"': "''",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@")  # a spreadsheet takes a text that opens with one for a program


def machine(comparison: Comparison) -> str:
    """Strict JSON: what is no finite number is null."""
    data = {
        "format": 1,
        "experiment": comparison.experiment, "by": comparison.by, "metric": comparison.metric,
        "against": comparison.against, "alpha": ALPHA, "level": LEVEL,
        "standings": [_flat(asdict(row)) for row in comparison.standings],
        "pairs": [_flat(asdict(row)) for row in comparison.pairs],
        "areas": [_flat(asdict(row)) for row in comparison.areas],
        "across": None if comparison.across is None else _plain(asdict(comparison.across)),
        "notes": list(comparison.notes),
    }  # fmt: skip
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def comma_separated(comparison: Comparison) -> str:
    """A line a standing, pair and area, told apart by the first column; what a line has not is empty."""
    rows = list(_lines(comparison))
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def markdown(comparison: Comparison) -> str:
    parts = [f"# {_marked(comparison.experiment)}"]
    for grid in grids(comparison):
        lines = [["labels", *grid.headers] if _split(grid) else list(grid.headers)]
        lines.append(["---", *["---"] * _split(grid), *["---:"] * (len(grid.headers) - 1)])
        for section, rows in grid.sections:
            lines += [[*[section] * _split(grid), *row.cells] for row in rows]
        table = "\n".join(f"| {' | '.join(map(_marked, line))} |" for line in lines)
        parts += [f"## {_marked(grid.title)}", table]
        if grid.notes:
            parts.append("\n".join(f"- {_marked(note)}" for note in grid.notes))
    parts.append("## Notes\n\n" + "\n".join(f"- {_marked(note)}" for note in comparison.notes))
    return "\n\n".join(parts) + "\n"


def latex(comparison: Comparison) -> str:
    """Tables for a paper; they need the booktabs package."""
    return "\n\n".join(_tabular(grid) for grid in grids(comparison)) + "\n"


def _tabular(grid: Grid) -> str:
    lines = [rf"\begin{{table}}\centering\caption{{{_escaped(grid.title)}}}",
             rf"\begin{{tabular}}{{l{'r' * (len(grid.headers) - 1)}}}", r"\toprule",
             " & ".join(map(_escaped, grid.headers)) + r" \\", r"\midrule"]  # fmt: skip
    for place, (section, rows) in enumerate(grid.sections):
        if section:
            lines += [r"\addlinespace"] * (place > 0)
            lines.append(rf"\multicolumn{{{len(grid.headers)}}}{{l}}{{\textit{{{_escaped(section)}}}}} \\")
        for row in rows:
            cells = [_escaped(cell) for cell in row.cells]
            lines.append(" & ".join([_guarded(cells[0]), *cells[1:]]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_escaped(note)}" for note in grid.notes]
    return "\n".join([*lines, r"\end{table}"])


def _guarded(cell: str) -> str:
    """A line that opens with a bracket would be taken for an argument of the line before."""
    return f"{{}}{cell}" if cell.startswith("[") else cell


def _lines(comparison: Comparison) -> Iterator[dict[str, object]]:
    for table, rows in (("standing", comparison.standings), ("pair", comparison.pairs), ("area", comparison.areas)):
        for row in rows:
            yield {"table": table, **_columns(_flat(asdict(row)))}


def _columns(row: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """Nested figures as columns of their own: effect_low, costs_seconds."""
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _columns(value, f"{prefix}{name}_")
        elif isinstance(value, list):
            found[f"{prefix}{name}"] = " ".join(map(str, value))
        else:
            found[f"{prefix}{name}"] = value
    return found


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """With the place's own columns first, and the budget as it is said: 20, or "all"."""
    rest = {name: _plain(value) for name, value in row.items() if name not in ("place", "budget", "budgets")}
    said = {name: _budgets(row[name]) for name in ("budget", "budgets") if name in row}
    return {**row["place"], **{name.replace("budget", "label_budget"): value for name, value in said.items()}, **rest}


def _budgets(value: Budget | tuple[Budget, ...]) -> object:
    if isinstance(value, tuple):
        return [_budgets(each) for each in value]
    return "all" if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _split(grid: Grid) -> bool:
    return any(section for section, _ in grid.sections)


def _marked(text: str) -> str:
    """Names are data: nothing in one may become Markdown or HTML."""
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for sign in "|[]`*_":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped


def _escaped(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))
