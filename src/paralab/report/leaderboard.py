"""The tables of a page: who leads and at which cost, scores by budget, native metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from paralab.compare.gather import Block
from paralab.compare.result import Comparison, Place, Standing
from paralab.page.colours import label
from paralab.page.grid import Entry, Grid, Heading, grid, labels, method, words
from paralab.page.numbers import fixed, interval, short, spread, whole
from paralab.report.sheets import Sheet, others, sheets

COSTS = (("seconds", "seconds"), ("feedback", "feedback"), ("bits", "bits"), ("peak_rss_mb", "peak MB"))
KINDS = {"published": "published", "floor": "floor", "ceiling": "ceiling"}  # what is not ours says so


def tables(block: Block, compared: Comparison | None, name: str) -> list[Grid]:
    """Of one block, ids led by `name`: scores by budget where there are several, the leaderboard, other metrics."""
    made = []
    if len(block.budgets) > 1:
        made.append(_pivot(block, sheets(block)[0], f"{name}-scores"))
    made.append(leaderboard(block, compared, f"{name}-leaderboard"))
    also = others(block)
    return made if also is None else [*made, _pivot(block, also, f"{name}-also")]


def leaderboard(block: Block, compared: Comparison | None, name: str) -> Grid:
    """A line a method and budget, the best first, with interval, seeds and costs; published values and bounds too."""
    lines = _ranked(standings(block, compared))
    several = len({line.budget for line in lines}) > 1
    scaled = any(line.normalised is not None for line in lines)
    costs = [(key, said) for key, said in COSTS if any(math.isfinite(_of(line, key)) for line in lines)]
    headings: list[Heading | str] = [words("method"), words("paradigm"), *["labels"] * several, "n", "mean ± sd"]
    headings += ["95 % interval", *["normalised"] * scaled, *(said for _, said in costs)]
    rows = [_row(line, several, scaled, [key for key, _ in costs]) for line in lines]
    where = ", by label budget" if several else "" if lines[0].budget is None else f"; {lines[0].budget} labels"
    what = block.objective.replace("_", " ")
    return grid(name, f"Leaderboard{where}: test {what}, with what it cost (means over seeds)", headings, rows)


def _row(line: Standing, several: bool, scaled: bool, costs: Sequence[str]) -> list[Entry | str]:
    low, high = line.mean.low, line.mean.high
    return [
        _method(line),
        Entry(label(line.paradigm)),
        *[labels(line.budget)] * several,
        str(line.n) if line.n else "",
        Entry(spread(line.mean.mean, line.mean.sd), f"{line.lost} lost" if line.lost else ""),
        Entry(interval(low, high), key="" if low is None else f"{low:.6g}"),
        *[Entry("" if line.normalised is None else fixed(line.normalised, 3))] * scaled,
        *(_cost(_of(line, key), key) for key in costs),
    ]


def standings(block: Block, compared: Comparison | None) -> list[Standing]:
    """What stands in the block's table: as compared, else its own cells alone."""
    place = Place(block.problem, block.split, f"test/{block.objective}")
    found = [line for line in compared.standings if line.place == place] if compared is not None else []
    if any(line.kind == "ours" for line in found):
        return found
    return [
        Standing(place, budget, each.name, each.paradigm, cell.score.n, cell.score, costs=cell.costs)
        for each in block.methods
        for budget, cell in each.cells.items()
    ]


def _ranked(lines: Sequence[Standing]) -> list[Standing]:
    def order(line: Standing) -> tuple[float, float, str]:
        budget = math.inf if line.budget is None else line.budget
        return (budget, -line.mean.mean, line.method)

    return sorted(lines, key=order)


def _method(line: Standing) -> Entry:
    """Its source beside what is not ours."""
    if line.kind == "ours":
        return method(line.method, line.paradigm)
    said = ": ".join(filter(None, (KINDS[line.kind], line.source)))
    return Entry(line.method, said + (f" ({line.note})" if line.note else ""), key=line.method)


def _of(line: Standing, key: str) -> float:
    return line.costs.get(key, math.nan)


def _cost(value: float, key: str) -> Entry:
    if not math.isfinite(value):
        return Entry("")
    text = short(value) if key == "seconds" else whole(value) if key == "feedback" else fixed(value, 0)
    return Entry(text, key=f"{value:.6g}")


def _pivot(block: Block, sheet: Sheet, name: str) -> Grid:
    headings = [words(sheet.corner), words("paradigm"), *(Heading(column.heading) for column in sheet.columns)]
    rows = [
        (
            method(each.name, each.paradigm),
            Entry(label(each.paradigm)),
            *(Entry(text, small) for text, small in sheet.texts(each)),
        )
        for each in block.methods
    ]
    return grid(name, sheet.caption, headings, rows)
