"""Whether an experiment's runs are what they were when they ended, complete, comparable, and under one rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paralab.audit.differences import differences
from paralab.audit.look import Looked, Seen
from paralab.audit.sealed import Fault
from paralab.audit.together import missing_seeds, named, planned, tuned, unpaired
from paralab.compare.rule import Rule, rule_of, rules_of
from paralab.compare.sides import Side, sides
from paralab.errors import Refused
from paralab.record.read import Run

FEW = 3  # differences of machines named


@dataclass(frozen=True)
class Verified:
    experiment: str
    runs: int
    files: int  # with a digest
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]


def conclude(root: Path, experiment: str, looked: Sequence[Looked], seen: Seen) -> Verified:
    """All that is wrong with an experiment whose runs were looked at one by one."""
    home = root / experiment
    found = [
        *(fault for each in looked for fault in each.faults),
        *missing_seeds(looked),
        *planned(looked, home),
        *unpaired(looked),
        *tuned(looked, home),
        *_ruled([each.run for each in looked]),
    ]
    if not looked:
        found.append(Fault("missing", str(home), "holds no run"))
    told = tuple(_mixed(looked, seen))
    return Verified(experiment, len(looked), sum(each.files for each in looked), tuple(dict.fromkeys(found)), told)


def _ruled(runs: Sequence[Run]) -> Iterator[Fault]:
    """Runs under another rule than the rest, and runs that the rule does not allow."""
    by_digest = rules_of(runs)
    if len(by_digest) > 1:
        for digest, group in sorted(by_digest.items(), key=lambda item: min(run.started for run in item[1])):
            said = "no rule" if digest is None else f"the rule {digest[:12]}"
            first = min(group, key=lambda run: (run.started, run.folder))
            many = f"{len(group)} run{'s' * (len(group) > 1)} since {first.started[:19]}"
            yield Fault("rule", str(first.folder), f"is under {said}, as {many}; others are not")
    for digest, group in by_digest.items():
        stated = next((run.decision for run in group if digest is not None and run.decision is not None), None)
        if stated is not None:
            yield from _allowed(runs, {key: value for key, value in stated.items() if key != "digest"})


def _allowed(runs: Sequence[Run], node: dict[str, object]) -> Iterator[Fault]:
    try:
        rule = rule_of(node)
        found = sides(runs, rule) if rule is not None else ()
    except Refused as refused:
        yield Fault("rule", "the declared rule", f"does not hold: {refused}")
        return
    for name, side in zip(("candidate", "baseline"), found, strict=False):
        assert rule is not None
        yield from _against(rule, name, side)


def _against(rule: Rule, name: str, side: Side) -> Iterator[Fault]:
    where = f"the rule's {name}"
    if not side.runs:
        yield Fault("rule", where, "has no run")
        return
    if beyond := sorted(seed for seed in side.runs if seed >= rule.max_seeds):
        yield Fault("rule", where, f"has {named(beyond)}, beyond its max_seeds of {rule.max_seeds}")
    own = [seed for seed in side.runs if seed < rule.max_seeds]
    if gaps := sorted(set(range(max(own, default=-1) + 1)) - set(own)):
        yield Fault("rule", where, f"lacks {named(gaps)}: a look takes the first seeds, none left out")
    finished = [run for run in side.runs.values() if run.status == "finished"]
    if rule.metric is not None and (without := [run for run in finished if rule.metric not in run.scores]):
        yield Fault("rule", where, f"has no {rule.metric} in {len(without)} of {len(finished)} runs")


def _mixed(looked: Sequence[Looked], seen: Seen) -> Iterator[str]:
    """How other code, packages and machines than those of most runs differ."""
    counts = Counter(each.machine for each in looked if each.run.status == "finished")
    if len(counts) < 2:
        return
    usual = max(counts, key=lambda machine: (counts[machine], machine))
    said: Counter[str] = Counter()
    for machine, count in counts.items():
        found = differences(seen.machines[usual], seen.machines[machine])
        major = [each for each in found if not each.minor]
        told = [f"{each.what} {each.now} instead of {each.then}" for each in major[:FEW]]
        more = f" and {len(major) - FEW} more" if len(major) > FEW else ""
        if told:
            said["; ".join(told) + more] += count
    for text, count in sorted(said.items()):
        yield f"{count} of {sum(counts.values())} runs: {text}"
