"""Figures in words, for those who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping

from paralab.compare.gather import Block, Budget
from paralab.compare.units import names
from paralab.page.numbers import decimals, fixed


def objective(block: Block) -> str:
    """ "test accuracy"."""
    return f"test {block.objective.replace('_', ' ')}"


def labels(budget: Budget) -> str:
    return "all" if budget is None else str(budget)


def named(block: Block) -> dict[tuple[str, str], str]:
    """What each (trainer, variant) is called: no two alike."""
    pairs = zip(block.methods, names(block), strict=True)
    return {(method.trainer, method.variant): name for method, name in pairs}


def figure(value: float) -> str:
    return fixed(value, decimals(value))


def ranked(values: Mapping[str, float]) -> str:
    """ "b .95, a .90": greatest first."""
    return ", ".join(
        f"{name} {figure(value)}" for name, value in sorted(values.items(), key=lambda kv: (-kv[1], kv[0]))
    )


def ends(block: Block) -> str:
    """The mean of every method at the first and the last budget."""
    said = []
    for budget in block.budgets[:: max(len(block.budgets) - 1, 1)]:
        held = [
            (name, method) for name, method in zip(names(block), block.methods, strict=True) if budget in method.cells
        ]
        means = {name: method.cells[budget].score.mean for name, method in held}
        said.append(f"with {labels(budget)} labels: {ranked(means)}")
    return f"Mean {objective(block)} on {block.problem} {'; '.join(said)}."
