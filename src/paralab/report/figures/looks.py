"""One look a method, the same in every figure: the colour says the paradigm; shade, marker, line the method in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from paralab.compare.gather import Block, Budget, Cell, Method
from paralab.page.colours import colour

MOST = 12  # methods in one figure; more cannot be told apart
Dash = str | tuple[int, tuple[int, ...]]
Look = tuple[str, Dash, str]  # marker, line, colour
Styled = tuple[Method, Look]
LOOKS: tuple[tuple[str, Dash], ...] = (
    ("o", "-"),
    ("s", "--"),
    ("^", ":"),
    ("D", "-."),
    ("v", (0, (5, 1))),
    ("P", (0, (1, 1))),
    ("X", (0, (3, 1, 1, 1))),
)


def looks(block: Block) -> list[Styled]:
    styled: list[Styled] = []
    for paradigm, methods in block.paradigms:
        for place, method in enumerate(methods):
            marker, line = LOOKS[place % len(LOOKS)]
            styled.append((method, (marker, line, shade(colour(paradigm), place, len(methods)))))
    return styled


def shade(base: str, place: int, count: int) -> str:
    """A paradigm's colour, from darker to lighter over its methods; as it is where there is one."""
    if count == 1:
        return base
    dark, light = (0.12, 0.22) if count == 2 else (0.26, 0.34)
    amount = -dark + (dark + light) * place / (count - 1)
    parts = [int(base[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = [part * (1 + amount) if amount < 0 else part + (255 - part) * amount for part in parts]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def best(block: Block) -> tuple[Block, list[str]]:
    """The block with its MOST best methods by mean rank over the budgets, and what is to be said of the others."""
    if len(block.methods) <= MOST:
        return block, []
    ranks: dict[int, list[int]] = {place: [] for place in range(len(block.methods))}
    for budget in block.budgets:
        held = [place for place, method in enumerate(block.methods) if budget in method.cells]
        for rank, place in enumerate(sorted(held, key=lambda i: -block.methods[i].cells[budget].score.mean)):
            ranks[place].append(rank)
    order = sorted(ranks, key=lambda place: math.fsum(ranks[place]) / len(ranks[place]))
    kept = tuple(block.methods[place] for place in sorted(order[:MOST]))
    return replace(block, methods=kept), [f"the best {MOST} of {len(block.methods)} methods by mean rank"]


def fullest(block: Block) -> Budget:
    """The budget that most methods have; of several the last."""
    held = {budget: sum(budget in method.cells for method in block.methods) for budget in block.budgets}
    return [budget for budget, count in held.items() if count == max(held.values())][-1]


def at(block: Block, budget: Budget) -> Block:
    """The block at one budget alone."""
    methods = [replace(m, cells={budget: m.cells[budget]}) for m in block.methods if budget in m.cells]
    return replace(block, methods=tuple(methods))


def limits(cells: Sequence[Cell]) -> tuple[float, float]:
    """Room for every seed and every ± sd; intervals of very few seeds may run out of the picture."""
    spread = [cell.score.mean + sign * (cell.score.sd or 0.0) for cell in cells for sign in (-1, 1)]
    return room([*spread, *(value for cell in cells for value in cell.values)])


def room(values: Sequence[float]) -> tuple[float, float]:
    """Both ends with a little space, also where all values are one."""
    low, high = min(values), max(values)
    space = 0.04 * (high - low) or 0.05 * abs(high) or 0.05
    return low - space, high + space
