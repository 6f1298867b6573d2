"""The table of one problem: ours first, then published values and the declared bounds, marked as such."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from paralab.compare.gather import Block, Budget, Cell
from paralab.compare.published import Published
from paralab.compare.result import Area, Kind, Place, Standing
from paralab.compare.units import drawn, names
from paralab.compare.variants import config
from paralab.statistics.aggregate import iqm
from paralab.statistics.curve import area
from paralab.statistics.summary import Summary, summary


@dataclass(frozen=True)
class Ends:
    """Declared floor and ceiling of a problem's objective, each with its source."""

    floor: float
    floor_source: str
    ceiling: float
    ceiling_source: str

    def normalised(self, score: float) -> float:
        return (score - self.floor) / (self.ceiling - self.floor)


def place_of(block: Block) -> Place:
    return Place(block.problem, block.split, f"test/{block.objective}")


def ends(block: Block) -> Ends | None:
    """None where none are declared, or they are of another metric than the block ranks by."""
    run = block.cells[0].runs[0]
    if run.bounds is None or run.objective != block.objective:
        return None
    floor, ceiling = (_bound(run.bounds.get(name)) for name in ("floor", "ceiling"))
    if floor is None or ceiling is None or floor[0] == ceiling[0]:
        return None
    return Ends(*floor, *ceiling)


def standings(block: Block, budget: Budget, lost: Mapping[str, int], known: Sequence[Published]) -> list[Standing]:
    """Best mean first; what is not ours stands at the budget it was measured at, without one at the greatest."""
    place, bounds, greatest = place_of(block), ends(block), budget == block.budgets[-1]
    altered = _altered(block)
    rows = []
    for name, method in zip(names(block), block.methods, strict=True):
        if budget in method.cells:
            cell = method.cells[budget]
            rows.append(Standing(
                place, budget, name, method.paradigm, cell.score.n, cell.score, iqm(np.array(cell.values)),
                None if bounds is None else bounds.normalised(cell.score.mean), cell.costs,
                sum(lost.get(config_id, 0) for config_id in {run.config_id for run in cell.runs}),
            ))  # fmt: skip
    rows.sort(key=lambda row: (-row.mean.mean, row.method))
    for value in known:
        at = value.labels == budget or (value.labels is None and greatest)
        if at and value.problem == block.problem and value.metric == place.metric and (value.own or not altered):
            rows.append(_foreign(place, budget, "published", value.method, value.paradigm, value.value, bounds,
                                 value.source, _note(value)))  # fmt: skip
    if bounds is not None and greatest:
        for kind, at_end, source in _both(bounds):
            rows.append(_foreign(place, budget, kind, kind, "-", at_end, bounds, source, "declared by the problem"))
    return rows


def areas(block: Block) -> list[Area]:
    """Of the methods that have the block's budgets, where there are two or more; a pull counts as a label."""
    budgets = block.budgets
    at = [_rows(block) if budget is None else float(budget) for budget in budgets]
    known = [number for number in at if number is not None]
    if len(known) < max(2, len(at)) or any(b <= a for a, b in pairwise(known)):
        return []
    found = []
    for name, method in zip(names(block), block.methods, strict=True):
        held = [_scores(method.cells[budget]) for budget in budgets if budget in method.cells]
        seeds = sorted(set.intersection(*map(set, held))) if len(held) == len(budgets) else []
        if seeds:
            heights = area(known, np.array([[scores[seed] for scores in held] for seed in seeds]))
            found.append(Area(place_of(block), name, budgets, summary(heights.tolist())))
    return sorted(found, key=lambda each: (-each.area.mean, each.method))


def _altered(block: Block) -> bool:
    """Whether an environment is another than the one that is published on."""
    problem = config(block.cells[0].runs[0].folder).get("problem")
    return isinstance(problem, dict) and bool(problem.get("kwargs") or problem.get("wrappers"))


def _scores(cell: Cell) -> dict[int, float]:
    return dict(zip(cell.seeds, cell.values, strict=True))


def _rows(block: Block) -> float | None:
    """How many training rows "all labels" means."""
    cells = [method.cells[None] for method in block.methods if None in method.cells]
    for cell in cells:
        found = drawn(cell.runs[0])
        if found is not None and found.shown:
            return float(found.shown)
    used = max((cell.cost("feedback") for cell in cells), default=0.0)  # the rows were not kept
    return used if used > 0 else None


def _foreign(
    place: Place, budget: Budget, kind: Kind, method: str, paradigm: str, value: float, bounds: Ends | None,
    source: str, note: str,
) -> Standing:  # fmt: skip
    return Standing(
        place, budget, method, paradigm, 0, Summary(0, value, None, None, None), None,
        None if bounds is None else bounds.normalised(value), kind=kind, source=source, note=note,
    )  # fmt: skip


def _both(bounds: Ends) -> tuple[tuple[Kind, float, str], ...]:
    return ("ceiling", bounds.ceiling, bounds.ceiling_source), ("floor", bounds.floor, bounds.floor_source)


def _note(value: Published) -> str:
    error = "" if value.error is None else f"± {value.error:g}"
    return "; ".join(filter(None, (value.protocol, error, value.note)))


def _bound(said: object) -> tuple[float, str] | None:
    if not isinstance(said, dict):
        return None
    value = said.get("value")
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value), str(said.get("source") or "no source")
