"""What stands in a table: the same columns for Markdown, page and terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from paralab.compare.gather import Block, Budget, Cell, Method
from paralab.page.numbers import fixed, interval, short, spread, whole

Show = Callable[[Cell], str]


@dataclass(frozen=True)
class Column:
    heading: str
    budget: Budget
    show: Show
    small: Show = lambda cell: ""  # said less loudly


@dataclass(frozen=True)
class Sheet:
    """One table: methods down, columns across."""

    caption: str
    corner: str
    columns: tuple[Column, ...]

    def texts(self, method: Method) -> list[tuple[str, str]]:
        """(text, small text) of each column; empty where the method has no run."""
        cells = [(column, method.cells.get(column.budget)) for column in self.columns]
        return [(column.show(cell), column.small(cell)) if cell else ("", "") for column, cell in cells]


def title(block: Block) -> str:
    """ "digits: test accuracy"."""
    return f"{block.problem}: test {spoken(block.objective)}"


def spoken(name: str) -> str:
    return name.replace("_", " ")


def heading(budget: Budget) -> str:
    return "all" if budget is None else str(budget)


def most(block: Block) -> int:
    """The greatest number of seeds in a cell of the block."""
    return max(cell.score.n for cell in block.cells)


def score(cell: Cell, n: int) -> str:
    """Mean ± sd; the number of seeds is said where it is below n."""
    text = spread(cell.score.mean, cell.score.sd)
    return f"{text} (n={cell.score.n})" if cell.score.n < n else text


def bounds(cell: Cell) -> str:
    return interval(cell.score.low, cell.score.high)


def seconds(cell: Cell) -> str:
    return short(cell.cost("seconds"))


def feedback(cell: Cell) -> str:
    return whole(cell.cost("feedback"))


def costs(cell: Cell) -> str:
    return f"{seconds(cell)} · {feedback(cell)}"


def sheets(block: Block) -> list[Sheet]:
    """Scores, seconds, feedback, each by budget; one table of all three where there is one budget only."""
    what = f"Test {spoken(block.objective)}: mean ± sd of a seed, and the 95 % interval of the mean"
    shown = partial(score, n=most(block))
    if len(block.budgets) == 1:
        (budget,) = block.budgets
        columns = (
            Column("mean ± sd", budget, shown, bounds),
            Column("seconds", budget, seconds),
            Column("feedback", budget, feedback),
        )
        return [Sheet(what if budget is None else f"{what}; {budget} labels", "method", columns)]
    return [
        by_budget(block, what, shown, bounds),
        by_budget(block, "Training seconds", seconds),
        by_budget(block, "Feedback used", feedback),
    ]


def compact(block: Block) -> list[Sheet]:
    """The same for 80 columns: no intervals, both costs in one cell."""
    if len(block.budgets) == 1:
        (whole_sheet,) = sheets(block)
        return [replace(whole_sheet, caption=title(block))]
    shown = partial(score, n=most(block))
    return [
        by_budget(block, f"{title(block)}, mean ± sd", shown),
        by_budget(block, "training seconds · feedback used", costs),
    ]


def by_budget(block: Block, caption: str, show: Show, small: Show = lambda cell: "") -> Sheet:
    columns = tuple(Column(heading(budget), budget, show, small) for budget in block.budgets)
    return Sheet(caption, "labels", columns)


def others(block: Block) -> Sheet | None:
    """Every other metric, at the budget that most methods have: native figures in columns of their own."""
    counts = [sum(budget in method.cells for method in block.methods) for budget in block.budgets]
    budget = [budget for budget, count in zip(block.budgets, counts, strict=True) if count == max(counts)][-1]
    held = [method.cells[budget] for method in block.methods if budget in method.cells]
    ranked = f"test/{block.objective}"
    split = ("test/", "train/online_reward", "train/regret")
    names = {name for cell in held for name in cell.metrics if name.startswith(split) and name != ranked}
    if not names:
        return None
    columns = tuple(Column(_short_name(name), budget, partial(_metric, name=name)) for name in sorted(names))
    when = "" if block.budgets == (None,) else f" with labels = {heading(budget)}"
    order = "greater is better" + (", except for regret" if "train/regret" in names else "")
    return Sheet(f"Also measured{when}: mean over seeds ({order})", "method", columns)


def _short_name(name: str) -> str:
    return spoken(name.removeprefix("test/").removeprefix("train/"))


def _metric(cell: Cell, name: str) -> str:
    value = cell.metrics.get(name, math.nan)
    return fixed(value, 3 if abs(value) < 20 else 1) if math.isfinite(value) else ""


def paged(sheet: Sheet, fits: int) -> Sequence[Sheet]:
    """Cut into sheets of at most `fits` columns."""
    parts = [sheet.columns[i : i + fits] for i in range(0, len(sheet.columns), fits)]
    return [Sheet(sheet.caption if i == 0 else "", sheet.corner, part) for i, part in enumerate(parts)]
