"""Comparisons as tables of a page: effect and interval first, then the test with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from paralab.compare.gather import Block
from paralab.compare.result import Comparison, Pair
from paralab.page.grid import Entry, Grid, Heading, grid, labels, words
from paralab.page.numbers import decimals, fixed, interval, short

MOST = 200  # lines; beyond it the comparisons with each table's leader alone


def pairs_table(block: Block, compared: Comparison | None, name: str) -> Grid | None:
    """Every two methods of a block at each budget; None where there is nothing to compare."""
    if compared is None:
        return None
    found = [
        each
        for each in compared.pairs
        if (each.place.problem, each.place.split, each.place.metric)
        == (block.problem, block.split, f"test/{block.objective}")
    ]
    if not found:
        return None
    kept, more = _few(block, found)
    several = len({each.budget for each in kept}) > 1
    power = any(each.detectable is not None for each in kept)
    headings: list[Heading | str] = [words("first less second"), *["labels"] * several, "n", "difference", "p (Holm)"]
    headings += [words("told apart"), *["detectable"] * power, words("test")]
    caption = f"Differences in test {block.objective.replace('_', ' ')} with 95 % intervals{more}"
    return grid(name, caption, headings, [_row(each, several, power) for each in kept])


def why(block: Block, compared: Comparison | None) -> list[str]:
    """Which tests were taken and why, each once; what the intervals are about."""
    if compared is None:
        return []
    place = (block.problem, block.split, f"test/{block.objective}")
    found = [each for each in compared.pairs if (each.place.problem, each.place.split, each.place.metric) == place]
    said = dict.fromkeys(f"{each.test}: {each.why}" for each in found)
    about = dict.fromkeys(f"The interval is about {each.about}." for each in found if each.about)
    return [*said, *about]


def across_table(compared: Comparison | None, name: str) -> Grid | None:
    """Mean ranks over data sets; None where there are too few of them."""
    across = compared.across if compared is not None else None
    if across is None or not across.ranks:
        return None
    ranked = sorted(zip(across.ranks, across.methods, strict=True))
    caption = f"Mean rank over {len(across.datasets)} data sets, 1 is best"
    if across.friedman_p is not None:
        caption += f" (Friedman {_p(across.friedman_p)})"
    return grid(name, caption, [words("method"), "mean rank"], [(each, fixed(rank, 2)) for rank, each in ranked])


def _few(block: Block, found: Sequence[Pair]) -> tuple[Sequence[Pair], str]:
    if len(found) <= MOST:
        return found, ""
    leads = {
        budget: max(
            (each for each in block.methods if budget in each.cells),
            key=lambda each: (each.cells[budget].score.mean, each.name),
        ).name
        for budget in block.budgets
    }
    kept = [each for each in found if leads.get(each.budget) in (each.one, each.other)][:MOST]
    return kept, f" (those with the leader, {len(kept)} of {len(found)})"


def _row(pair: Pair, several: bool, power: bool) -> list[Entry]:
    low, value, high = pair.effect.low, pair.effect.value, pair.effect.high
    told = {True: "yes", False: "no", None: "descriptive only"}[pair.apart]
    row = [
        Entry(f"{pair.one} − {pair.other}"),
        *[labels(pair.budget)] * several,
        Entry(str(pair.n)),
        Entry(fixed(value, decimals(value)), interval(low, high), key=f"{value:.6g}"),
        Entry("" if pair.adjusted is None else _p(pair.adjusted), key=_key(pair.adjusted)),
        Entry(told),
    ]
    more = "" if not pair.more_seeds else f"{pair.more_seeds} more seeds"
    detectable = Entry("" if pair.detectable is None else short(pair.detectable), more)
    return [*row, *[detectable] * power, Entry(pair.test)]


def _key(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {fixed(value, 3)}"
