"""A pre-registered question answered from runs: yes, no or not yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paralab.compare.gather import blocks
from paralab.compare.looks import Answer, Look, look
from paralab.compare.rule import Rule, said
from paralab.compare.sides import SIDES, Side, sides
from paralab.compare.units import table
from paralab.errors import Refused, closest
from paralab.page.numbers import decimals, fixed
from paralab.record import files
from paralab.record.read import Run
from paralab.statistics.interval import Interval


@dataclass(frozen=True)
class Decision:
    """`effect` is candidate - baseline at the look that answered, or the last one reached, at that look's own level."""

    answer: Answer
    why: str
    rule: Rule
    metric: str
    effect: Interval | None  # None before the first look
    look: int | None  # seeds that count at that look
    next_look: int | None
    seeds: int  # complete pairs in a row from seed 0
    missing: tuple[int, ...]  # seeds of the next look without a complete pair
    failed: tuple[str, ...]  # "candidate, seed 3": counted as the worst
    about: str  # what the interval is about: a new split, a new training seed
    test: str


def decide(runs: Sequence[Run], rule: Rule) -> Decision:
    """The rule's answer, by seeds 0, 1, ... in their order alone; raises Refused where the rule does not fit the runs.

    A failed or diverged run keeps its place, against the candidate: its pair counts as the least difference seen, 0 and
    `at_least` at most, and where the candidate failed as the worst score, or the declared floor, less the baseline's.
    """
    one, other = sides(runs, rule)
    metric = _metric(rule, one, other)
    pairs: list[tuple[float, float]] = []
    for seed in range(rule.max_seeds):
        scores = one.score(seed, metric), other.score(seed, metric)
        if scores[0] is None or scores[1] is None:
            break
        pairs.append((scores[0], scores[1]))
    differences = differences_of(pairs, _floor(one, metric), rule.at_least)
    ratio, about = _shared(one, other)
    copies = len(pairs) > 1 and bool(np.ptp(differences) == 0) and _copies(one) and _copies(other)
    seen = look(differences, rule.looks, 1 - rule.confidence, rule.at_least, ratio, copies)
    ahead = [seeds for seeds in rule.looks if seeds > (seen.seeds if seen else 0)]
    open_ = ahead[0] if ahead and (seen is None or seen.answer == "not yet") else None
    missing = [s for s in range(open_ or 0) if one.score(s, metric) is None or other.score(s, metric) is None]
    return Decision(
        answer=seen.answer if seen else "not yet",
        why=_why(rule, seen, len(pairs), open_, copies),
        rule=rule,
        metric=metric,
        effect=seen.effect if seen else None,
        look=seen.seeds if seen else None,
        next_look=open_,
        seeds=len(pairs),
        missing=tuple(missing),
        failed=_failed(pairs[: seen.seeds] if seen else pairs),
        about=about,
        test="paired t" if ratio is None else "corrected resampled t",
    )


def _metric(rule: Rule, *both: Side) -> str:
    finished = [[run for run in side.runs.values() if run.status == "finished"] for side in both]
    objectives = {run.objective for runs in finished for run in runs}
    metric = rule.metric or f"test/{min(objectives, default='objective')}"
    for side, runs in zip((rule.candidate, rule.baseline), finished, strict=True):
        known = {name for run in runs for name in run.scores if not name.startswith("cost/")}
        if runs and metric not in known:
            raise Refused(f"decision.metric={metric}: {side['trainer']} has no such score. {closest(metric, known)}")
    return metric


def differences_of(pairs: Sequence[tuple[float, float]], floor: float, at_least: float) -> NDArray[np.float64]:
    """Candidate - baseline, (n,); NaN stands for a run that failed, and its pair is never for the candidate."""
    known = [score for pair in pairs for score in pair if math.isfinite(score)]
    worst = min([*known, floor])
    least = min([0.0, at_least, *(one - other for one, other in pairs if math.isfinite(one - other))])
    filled = [
        one - other if math.isfinite(one - other) else min(least, least if math.isnan(other) else worst - other)
        for one, other in pairs
    ]
    return np.array(filled, dtype=np.float64)


def _floor(side: Side, metric: str) -> float:
    """The declared worst of the objective; infinite where none is declared."""
    for run in side.runs.values():
        floor = (run.bounds or {}).get("floor")
        if (
            isinstance(floor, dict)
            and metric == f"test/{run.objective}"
            and isinstance(floor.get("value"), int | float)
        ):
            return float(floor["value"])
    return math.inf


def _shared(one: Side, other: Side) -> tuple[float | None, str]:
    """What the seeds share, as `compare` tells it: the ratio of the corrected t, and what an interval is about."""
    runs = [run for side in (one, other) for run in side.runs.values()]
    for block in blocks(runs):
        units = table(block, block.budgets[0])
        return units.ratio, units.about
    return None, ""


def _copies(side: Side) -> bool:
    """Whether every seed gave the very same answers on the very same rows: then they are one run, repeated."""
    found = set()
    for run in side.runs.values():
        if run.status == "finished":
            try:
                found.add(files.digest(run.folder / "predictions.npz"))
            except OSError:
                return False
    return len(found) == 1


def _failed(pairs: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    named = (zip(SIDES, pair, strict=True) for pair in pairs)
    return tuple(f"{name}, seed {seed}" for seed, both in enumerate(named) for name, score in both if math.isnan(score))


def _why(rule: Rule, seen: Look | None, complete: int, ahead: int | None, copies: bool) -> str:
    bar = f"{rule.at_least:g}"
    if seen is None:
        return f"{complete} of the {ahead} paired seeds of the first look are there"
    at = f"at {seen.seeds} seeds, look {seen.place + 1} of {len(rule.looks)},"
    if seen.shown:
        return f"{at} the interval lies {'above' if seen.answer == 'yes' else 'below'} {bar}"
    if copies:
        return f"{at} nothing can be told: every seed gave the very same answers, which is one run repeated"
    still = f"{at} the interval still holds {bar}"
    if seen.answer == "no":
        return f"not shown: {still}, and it is the last look"
    return f"{still}; {min(complete, ahead or complete)} of the {ahead} seeds of the next look are there"


def question(decision: Decision) -> str:
    """What was asked, as a line."""
    rule = decision.rule
    one, other = said(rule.candidate), said(rule.baseline)
    if rule.at_least < 0:
        return f"{one} no worse than {other} by more than {-rule.at_least:g} in {decision.metric}"
    least = f" by more than {rule.at_least:g}" if rule.at_least else ""
    return f"{one} better than {other}{least} in {decision.metric}"


def figures(decision: Decision) -> str:
    """ "+.060 [.047, .073]": with as many digits as it takes to see on which side of the rule's bar the ends lie."""
    effect, bar = decision.effect, decision.rule.at_least
    if effect is None:
        return ""
    ends = (effect.low, effect.high)
    places = decimals(max(map(abs, ends)))
    while places < 9 and any(end != bar and round(end, places) == round(bar, places) for end in ends):
        places += 1
    sign = "+" if effect.value > 0 else ""
    return f"{sign}{fixed(effect.value, places)} [{', '.join(fixed(end, places) for end in ends)}]"


def level(decision: Decision) -> str:
    """What the interval is: at one of several looks it is wider than the rule's confidence says."""
    rule, effect = decision.rule, decision.effect
    if effect is None:
        return ""
    test = f"{decision.test}, {decision.look} paired seeds"
    if len(rule.looks) == 1:
        return f"{100 * effect.level:g} % interval, {test}"
    spent = f"{100 * rule.confidence:g} % over {len(rule.looks)} looks"
    return f"{100 * effect.level:.5g} % interval ({spent}), {test}"
