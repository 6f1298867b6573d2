"""What a page says first: the decision where a rule was declared, else who leads and whether that is told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paralab.compare.answered import answered, told
from paralab.compare.gather import Budget
from paralab.compare.result import Comparison, Pair, Place, Standing
from paralab.errors import Refused
from paralab.page.numbers import decimals, fixed, interval
from paralab.record.read import Run

LINES = 6  # of leaders; the tables hold the others


@dataclass(frozen=True)
class Answer:
    head: str  # "Yes."
    lines: tuple[str, ...]
    kind: str  # of its look: yes, no, open


def answer(root: Path, experiment: str, runs: Sequence[Run], compared: Comparison | None) -> Answer | None:
    """The decision of a declared rule, else the leaders; None where there is nothing to say."""
    try:
        found = answered(root, experiment, runs)
    except Refused as refused:  # a rule that fits no run is said, and hinders no report
        return Answer("The declared rule cannot be applied.", (str(refused),), "open")
    if found is not None:
        head, lines = told(found)
        return Answer(head, lines, {"yes": "yes", "no": "no"}.get(found.decision.answer, "open"))
    return leaders(compared) if compared is not None else None


def leaders(compared: Comparison) -> Answer | None:
    """Who leads on each problem and budget, against the second; None where one method only was run."""
    lines, apart = [], []
    for place in compared.places:
        for budget in dict.fromkeys(line.budget for line in compared.standings if line.place == place):
            found = _leads(compared, place, budget)
            if found is not None:
                lines.append(found[0])
                apart.append(found[1])
    if not lines:
        return None
    head = _head(apart)
    more = len(lines) - LINES
    kept = [*lines[:LINES], *[f"And {more} more: see the tables."] * (more > 0)]
    return Answer(head, tuple(kept), "yes" if all(apart) else "open")


def _head(apart: list[bool]) -> str:
    if all(apart):
        return "The leader is told apart from the second."
    if not any(apart):
        return "The leader is not told apart from the second."
    return f"The leader is told apart from the second in {sum(apart)} of {len(apart)} tables."


def _leads(compared: Comparison, place: Place, budget: Budget) -> tuple[str, bool] | None:
    ours = [line for line in compared.standings if (line.place, line.budget, line.kind) == (place, budget, "ours")]
    if len(ours) < 2:
        return None
    first, second = sorted(ours, key=lambda line: (-line.mean.mean, line.method))[:2]
    pair = next(
        (
            each
            for each in compared.pairs
            if (each.place, each.budget) == (place, budget) and {each.one, each.other} == {first.method, second.method}
        ),
        None,
    )
    labels = f" with {'all' if budget is None else budget} labels" if _several(compared, place) else ""
    told = f"{place.problem}{labels}: {_scored(first)} leads {_scored(second)}"
    return (f"{told}; {_against(pair, first)}." if pair else f"{told}."), bool(pair and pair.apart)


def _several(compared: Comparison, place: Place) -> bool:
    return len({line.budget for line in compared.standings if line.place == place and line.kind == "ours"}) > 1


def _scored(line: Standing) -> str:
    return f"{line.method} ({fixed(line.mean.mean, decimals(line.mean.mean))}, n = {line.n})"


def _against(pair: Pair, first: Standing) -> str:
    """The difference as the leader's, always with its interval, never a p alone."""
    sign = 1 if pair.one == first.method else -1
    low, high = sorted((sign * pair.effect.low, sign * pair.effect.high))
    value = sign * pair.effect.value
    said = f"ahead by {fixed(value, decimals(value))} {interval(low, high)}"
    if pair.adjusted is None:
        return f"{said}, descriptive only"
    p = "p < .001" if pair.adjusted < 0.001 else f"p = {fixed(pair.adjusted, 3)}"
    return f"{said}, {p} after Holm by {pair.test}: {'told apart' if pair.apart else 'not told apart'}"
