"""A page a run: its settings, scores, costs, curves, log, and links to its files."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from paralab.compare.gather import Block, Method, of_tuning
from paralab.page.colours import colour
from paralab.page.grid import Entry, Grid, Heading, grid, labels, method, words
from paralab.page.line import line
from paralab.page.numbers import fixed, short, size, whole
from paralab.page.render import render
from paralab.page.svg import inline
from paralab.record.read import Run
from paralab.report.figures.drawn import of_run
from paralab.report.figures.histories import read
from paralab.report.panel import recorded

MOST = 300  # runs up to which each has a page
FEW = 100  # beyond it: so many failures, best runs and first seeds
LINES, LETTERS = 60, 12_000  # of a log's end
FILES = 40  # links to files
FIGURED = 6  # pages with every figure: one takes .3 s to draw
CURVES = 6  # of the others
Pages = Mapping[Path, tuple[Run, str]]  # by the run's folder: the run, its page's file name


def pages(runs: Sequence[Run], made: Sequence[Block]) -> Pages:
    """The runs that have a page, in their order, and its name, which another run's coming does not change."""
    names: dict[Path, tuple[Run, str]] = {}
    taken: set[str] = set()
    for run in _chosen(runs, made):
        stem = name = f"{re.sub(r'[^A-Za-z0-9]+', '-', run.config_id)}-{run.seed}"
        n = 2
        while name in taken:
            name, n = f"{stem}-{n}", n + 1
        taken.add(name)
        names[run.folder] = (run, f"{name}.html")
    return names


def told(runs: Sequence[Run], shown: Pages) -> str:
    """Which runs have a page, where not all have."""
    if len(shown) == len(runs):
        return ""
    return (
        f"{len(shown)} of {len(runs)} runs have a page and stand here: failures, the best run and the first seed of "
        f"each method, up to {FEW} of each kind."
    )


def _chosen(runs: Sequence[Run], made: Sequence[Block]) -> list[Run]:
    if len(runs) <= MOST:
        return list(runs)
    failed = [run for run in runs if run.status in ("failed", "diverged", "damaged")]
    best, first = [], []
    for block in made:
        for each in block.methods:
            cells = [each.cells[budget] for budget in block.budgets if budget in each.cells]
            best.append(_best(block, each))
            first.append(cells[-1].runs[0])
    best.sort(key=lambda run: -(run.score or 0.0))
    kept = {run.folder for kind in (failed, best, first) for run in kind[:FEW]}
    return [run for run in runs if run.folder in kept]


def _best(block: Block, method: Method) -> Run:
    """Of the greatest budget that the method has."""
    cell = next(method.cells[budget] for budget in reversed(block.budgets) if budget in method.cells)
    return max(cell.runs, key=lambda run: (-math.inf if run.score is None else run.score, -run.seed))


def table(runs: Iterable[tuple[Run, str]], name: str, named: Mapping[Path, str]) -> Grid:
    """The runs that have a page, as a grid; `named`: each run's method."""
    rows = [
        (
            method(named.get(run.folder, _short(run.trainer)), run.paradigm, link=f"runs/{quote(page)}"),
            Entry(run.problem),
            labels(run.labels),
            "" if of_tuning(run) else str(run.seed),
            Entry(run.status + (", tuning" if of_tuning(run) else "")),
            "" if run.score is None else fixed(run.score, 4),
            _cost(run, "seconds"),
            _cost(run, "feedback"),
        )
        for run, page in runs
    ]
    headings: list[Heading | str] = [words("run"), words("problem"), "labels", "seed", words("status")]
    headings += ["test score", "seconds", "feedback"]
    return grid(name, "Every run by itself: settings, log, curves, files", headings, rows)


def figured(made: Sequence[Block]) -> set[Path]:
    """The folders of the runs that are drawn in full: the best of each method, up to FIGURED of a report."""
    best = [_best(block, each) for block in made for each in block.methods]
    return {run.folder for run in best[:FIGURED]}


def run_page(run: Run, experiment: str, name: str, place: Path, drawn: bool) -> str:
    """The page of one run as it lies in `place`; `drawn`: with all its figures. What cannot be read is left out."""
    record = recorded(run.folder)
    scores = [(key, value) for key, value in run.scores.items() if not key.startswith("cost/")]
    costs = [(key.removeprefix("cost/"), value) for key, value in run.scores.items() if key.startswith("cost/")]
    context: dict[str, object] = {
        "experiment": experiment,
        "name": name,
        "run": run,
        "facts": _facts(run, record),
        "scores": _values("scores", "Scores", scores),
        "costs": _values("costs", "Costs", costs),
        "figures": _figures(run, drawn),
        "config": _text(run.folder / "config.yaml"),
        "log": _tail(_text(run.folder / "run.log")),
        "files": _links(run.folder, place),
        "again": f"paralab reproduce {run.folder.as_posix()}",
    }
    return render(Path(__file__).parent, "run.html", context)


def _figures(run: Run, drawn: bool) -> list[tuple[Markup, str]]:
    """(drawing, title) each."""
    if drawn and (made := of_run(run)):
        return [(inline(each.svg, each.stem, each.words), each.title) for each in made]
    history = read(run.folder)
    made_light = []
    for name in sorted(history.columns) if history is not None else []:
        if name in ("step", "seconds") or history is None or not history.has(name):
            continue
        x, y = history.curve(name, "step")
        if len(x) >= 2:
            said = name.replace("/", " ").replace("_", " ")
            drawing = line(x.tolist(), y.tolist(), "step", said, colour(run.paradigm))
            made_light.append((drawing, f"{said[:1].upper()}{said[1:]} by step"))
    return made_light[:CURVES]


def _facts(run: Run, record: Mapping[str, object]) -> list[tuple[str, str]]:
    steps = f"{record['steps']} {record.get('unit') or 'steps'}" if record.get("steps") is not None else ""
    facts = [
        ("status", run.status),
        ("problem", run.problem),
        ("trainer", run.trainer),
        ("labels", "all" if run.labels is None else str(run.labels)),
        ("seed", str(run.seed)),
        ("split", run.split),
        ("trained", steps),
        ("went on from", run.parent or ""),
        ("started", str(record.get("started") or "")[:19].replace("T", " ")),
        ("config id", run.config_id),
        ("data", str(record.get("data") or "")[:12]),
    ]
    return [(what, value) for what, value in facts if value]


def _values(name: str, caption: str, values: Sequence[tuple[str, float]]) -> Grid | None:
    rows = [(Entry(key), Entry(_number(value), key=f"{value:.6g}")) for key, value in values]
    return grid(name, caption, [words("what"), "value"], rows) if rows else None


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if value.is_integer() and abs(value) >= 2 else fixed(value, 4 if abs(value) < 20 else 2)


def _cost(run: Run, kind: str) -> Entry:
    value = run.scores.get(f"cost/{kind}", math.nan)
    if not math.isfinite(value):
        return Entry("")
    return Entry(whole(value) if kind == "feedback" else short(value), key=f"{value:.6g}")


def _short(trainer: str) -> str:
    return trainer.split("/", 1)[-1]


def _text(path: Path) -> str:
    """A file's text without control characters; "" where it cannot be read."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _tail(text: str) -> str:
    lines = text.splitlines()
    kept = "\n".join(lines[-LINES:])[-LETTERS:]
    return kept if len(lines) <= LINES and len(kept) == len("\n".join(lines)) else f"[...]\n{kept}"


def _lasting(path: Path, folder: Path) -> bool:
    """Whether a file is part of the run: neither being written nor of a checkpoint."""
    return not path.name.startswith(".") and path.relative_to(folder).parts[0] != "checkpoint"


def _links(folder: Path, place: Path) -> list[tuple[str, str, str]]:
    """(path inside the run's folder, link from the page, size) of its files."""
    inside = sorted(path for path in folder.rglob("*") if path.is_file() and _lasting(path, folder))
    start = os.path.relpath(folder, place).replace(os.sep, "/")
    named = [path.relative_to(folder).as_posix() for path in inside[:FILES]]
    return [
        (name, quote(f"{start}/{name}"), size(path.stat().st_size)) for name, path in zip(named, inside, strict=False)
    ]
