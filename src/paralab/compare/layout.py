"""A comparison as tables of text: the same for the terminal, Markdown and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paralab.compare.gather import Budget
from paralab.compare.result import LEVEL, Across, Comparison, Kind, Pair, Place, Standing
from paralab.page.numbers import decimals, fixed, interval, short, spread, whole
from paralab.statistics.bayes import Beliefs
from paralab.statistics.interval import Interval

PERCENT = f"{LEVEL:.0%}".replace("%", " %")


@dataclass(frozen=True)
class Row:
    cells: tuple[str, ...]
    kind: Kind = "ours"
    apart: bool = False  # told apart: said louder


@dataclass(frozen=True)
class Grid:
    title: str
    headers: tuple[str, ...]  # the first is of names, the rest of figures
    sections: tuple[tuple[str, tuple[Row, ...]], ...]  # (label budget, rows); "" where there is one
    notes: tuple[str, ...] = ()


def grids(comparison: Comparison) -> list[Grid]:
    """A problem's standings, areas and pairs, problem by problem; then what holds across them."""
    made = []
    for place in comparison.places:
        made.append(_standings(place, [row for row in comparison.standings if row.place == place]))
        areas = [area for area in comparison.areas if area.place == place]
        if areas:
            rows = tuple(
                Row((a.method, spread(a.area.mean, a.area.sd), interval(a.area.low, a.area.high), str(a.area.n)))
                for a in areas
            )
            title = f"{place.problem}: area under the label-efficiency curve over log n"
            made.append(Grid(title, ("method", "area ± sd", f"{PERCENT} of mean", "n"), (("", rows),)))
        pairs = [pair for pair in comparison.pairs if pair.place == place]
        if pairs:
            made.append(_pairs(place, pairs, comparison.against is not None))
    if comparison.across is not None:
        made += _across(comparison.across)
    return made


def heading(budget: Budget) -> str:
    return "all labels" if budget is None else f"{budget} labels"


def said_p(p: float | None) -> str:
    return "-" if p is None else "<.001" if p < 0.001 else fixed(p, 3)


def signed(effect: Interval) -> str:
    """ "+.119 [.100, .138]"."""
    ends = [abs(end) for end in (effect.value, effect.low, effect.high) if math.isfinite(end)]
    places = decimals(max(ends))
    text = f"{'+' * (effect.value > 0)}{fixed(effect.value, places)}"
    if not math.isfinite(effect.low):
        return text
    return f"{text} [{fixed(effect.low, places)}, {fixed(effect.high, places)}]"


def _standings(place: Place, rows: Sequence[Standing]) -> Grid:
    normalised = any(row.normalised is not None for row in rows)
    lost = any(row.lost for row in rows)
    sources = list(dict.fromkeys((row.source or "", row.note) for row in rows if row.kind != "ours"))
    mark = {source: f" [{number}]" for number, source in enumerate(sources, 1)}
    headers = ("method", "mean ± sd", f"{PERCENT} of mean", "IQM", *["norm."] * normalised, "n", *["lost"] * lost,
               "sec.", "feedback")  # fmt: skip
    sections: dict[Budget, list[Row]] = {}
    for row in rows:
        ours = row.kind == "ours"
        cells = (
            row.method + ("" if ours else mark[row.source or "", row.note]),
            spread(row.mean.mean, row.mean.sd), interval(row.mean.low, row.mean.high),
            "" if row.iqm is None else fixed(row.iqm, decimals(row.iqm)),
            *["" if row.normalised is None else fixed(row.normalised, 2)] * normalised,
            str(row.n) if ours else "", *[str(row.lost or "")] * lost,
            short(row.costs.get("seconds", math.nan)) if ours else "",
            whole(row.costs.get("feedback", math.nan)) if ours else "",
        )  # fmt: skip
        sections.setdefault(row.budget, []).append(Row(cells, row.kind))
    notes = [f"[{number}] {source}" + (f": {note}" if note else "") for number, (source, note) in enumerate(sources, 1)]
    split = "" if place.split == "holdout" else f", split={place.split}"
    title = f"{place.problem}: {place.metric.replace('/', ' ').replace('_', ' ')}{split}"
    return Grid(title, headers, _sections(sections), tuple(notes))


def _pairs(place: Place, pairs: Sequence[Pair], against: bool) -> Grid:
    ways = list(dict.fromkeys((pair.test, pair.why) for pair in pairs))
    letter = {way: f" ({chr(97 + number % 26)})" if len(ways) > 1 else "" for number, way in enumerate(ways)}
    believed = any(pair.beliefs for pair in pairs)
    headers = ("less " + pairs[0].other if against else "one − other", f"effect [{PERCENT}]", "adj. p", "wins",
               *["-/=/+"] * believed, "finds", "more")  # fmt: skip
    sections: dict[Budget, list[Row]] = {}
    for pair in pairs:
        name = pair.one if against else f"{pair.one} − {pair.other}"
        effect = signed(pair.effect)
        cells = (
            name + letter[pair.test, pair.why], effect, said_p(pair.adjusted),
            "-" if pair.improvement is None else fixed(pair.improvement.value, 2),
            *[_three(pair.beliefs)] * believed,
            "-" if pair.detectable is None else fixed(pair.detectable, decimals(pair.detectable)),
            "-" if pair.more_seeds is None else str(pair.more_seeds),
        )  # fmt: skip
        sections.setdefault(pair.budget, []).append(Row(cells, apart=bool(pair.apart)))
    notes = [f"{letter[way]} {way[0][0].upper()}{way[0][1:]}: {way[1]}.".strip() for way in ways]
    notes.append(_about(pairs))
    notes.append(
        "wins: probability that a run of the one beats a run of the other. finds: the least difference found with "
        "power .8 by so many seeds, alpha .05 before Holm. more: seeds still needed to find one of this size; -: "
        "no number of them would."
    )
    if believed:
        notes.append("-/=/+: probability of being worse, practically equal, better, by the region of --rope.")
    return Grid(f"{place.problem}: differences in {place.metric}", headers, _sections(sections), tuple(notes))


def _about(pairs: Sequence[Pair]) -> str:
    """What the intervals are about: by label budget, where that differs."""
    by_about: dict[str, dict[Budget, None]] = {}
    for pair in pairs:
        by_about.setdefault(pair.about, {})[pair.budget] = None
    told = [f"{about} ({_listed(list(at))})" if len(by_about) > 1 else about for about, at in by_about.items()]
    return f"An interval is about {'; about '.join(told)}."


def _listed(budgets: Sequence[Budget]) -> str:
    """ "20, 50, all labels"."""
    return f"{', '.join('all' if budget is None else str(budget) for budget in budgets)} labels"


def _across(found: Across) -> list[Grid]:
    many = f"{len(found.datasets)} data sets"
    rows = tuple(
        Row((name, fixed(rank, 2), "".join(chr(65 + i) for i, group in enumerate(found.cliques) if place in group)))
        for place, (name, rank) in enumerate(zip(found.methods, found.ranks, strict=True))
    )
    notes = [f"Data sets: {', '.join(found.datasets)}; {heading(found.budget)}, the seeds of each as one mean."]
    if found.cliques:
        notes.append("Methods that share a letter are not told apart (Wilcoxon signed-rank, adjusted by Holm).")
    if found.friedman_p is not None:
        notes.append(f"Friedman test that all are alike: p {said_p(found.friedman_p)}.")
    made = [Grid(f"across {many}: mean ranks in {found.metric}, 1 is best", ("method", "rank", "alike"),
                 (("", rows),), (*notes, *found.notes))]  # fmt: skip
    tested = any(pair.adjusted is not None or pair.beliefs for pair in found.pairs)
    if tested:
        believed = any(pair.beliefs for pair in found.pairs)
        lines = tuple(
            Row((f"{v.one} − {v.other}", f"{v.wins}:{v.losses}", said_p(v.adjusted), *[_three(v.beliefs)] * believed),
                apart=v.adjusted is not None and v.adjusted < 0.05)
            for v in found.pairs
        )  # fmt: skip
        made.append(Grid(f"across {many}: signed ranks", ("one − other", "won", "adj. p", *["-/=/+"] * believed),
                         (("", lines),)))  # fmt: skip
    if found.aggregates:
        lines = tuple(
            Row((a.method, *(f"{fixed(i.value, 3)} {interval(i.low, i.high)}" for i in (a.iqm, a.gap)), str(a.n)))
            for a in found.aggregates
        )
        said = "All runs of all problems; intervals by stratified bootstrap. The gap is that below 1: less is better."
        made.append(Grid(f"across {many}: normalised scores", ("method", f"IQM [{PERCENT}]", "optimality gap", "n"),
                         (("", lines),), (said,)))  # fmt: skip
    return made


def _three(beliefs: Beliefs | None) -> str:
    if beliefs is None:
        return "-"
    return "/".join(fixed(share, 2) for share in (beliefs.left, beliefs.rope, beliefs.right))


def _sections(found: dict[Budget, list[Row]]) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    alone = list(found) == [None]
    return tuple(("" if alone else heading(budget), tuple(rows)) for budget, rows in found.items())
