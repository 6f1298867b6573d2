"""A rule said before the first run: which two methods, on which score, and after how many seeds one looks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

from paralab.errors import Refused, closest
from paralab.record.identity import rule_digest
from paralab.record.read import Run
from paralab.seeds import TUNING

FEWEST = 6  # paired seeds at the first look: under it even the exact tests cannot tell anything at the 5 % level
MOST_LOOKS = 20
SCORES = ("test/", "test_last/")  # what may decide: greater is better, and nothing was chosen by it
Node = Mapping[str, object]  # the config's `decision`


@dataclass(frozen=True)
class Rule:
    """Answers whether the candidate is better than the baseline, on seeds 0 to max_seeds - 1 and no others."""

    candidate: Mapping[str, object]  # {"trainer": "supervised/mlp", "labels": 100, "trainer.learning_rate": .01}
    baseline: Mapping[str, object]
    metric: str | None  # None: test/ and the problem's objective
    at_least: float  # the least difference that counts; below 0: how much worse is still no worse
    confidence: float  # over all looks together
    max_seeds: int
    looks: tuple[int, ...]  # numbers of seeds, rising; the last is max_seeds


FIELDS = tuple(each.name for each in fields(Rule))


def rule_of(node: Node | None) -> Rule | None:
    """The rule that a config's `decision` states, None where it states none; raises Refused for one that cannot be."""
    if not node or not any(node.get(key) is not None for key in ("candidate", "baseline", "metric", "max_seeds")):
        return None
    for key in ("candidate", "baseline", "max_seeds"):
        if node.get(key) is None:
            raise Refused(f"decision.{key} is missing: a rule names candidate, baseline and max_seeds")
    for key in node:
        if key not in FIELDS:
            raise Refused(f"there is no '{key}' in decision. {closest(key, FIELDS)}")
    metric = node.get("metric")
    most = _whole(node["max_seeds"], "decision.max_seeds")
    rule = Rule(
        candidate=_side(node["candidate"], "candidate"),
        baseline=_side(node["baseline"], "baseline"),
        metric=None if metric is None else str(metric),
        at_least=_number(node.get("at_least", 0.0), "decision.at_least"),
        confidence=_number(node.get("confidence", 0.95), "decision.confidence"),
        max_seeds=most,
        looks=_looks(node.get("looks", 1), most),
    )
    if rule.candidate == rule.baseline:
        raise Refused(f"decision.candidate and decision.baseline are both {said(rule.candidate)}: name two methods")
    if rule.metric is not None and not rule.metric.startswith(SCORES):
        raise Refused(f"decision.metric={rule.metric}: a score on test is needed, such as test/accuracy")
    if not 0.5 <= rule.confidence < 1:
        raise Refused(f"decision.confidence={rule.confidence:g}: a share from .5 to below 1 is needed, such as .95")
    return rule


def plain(rule: Rule) -> dict[str, object]:
    """As the config's node, which `rule_of` reads back."""
    return {**asdict(rule), "looks": list(rule.looks)}


def digest(rule: Rule) -> str:
    """SHA-256 of what it says: the stamp that every run carries in record.json."""
    return rule_digest(plain(rule))


def rules_of(runs: Sequence[Run]) -> dict[str | None, list[Run]]:
    """Runs by the digest of the rule they were run under, None: without one; a tuner's and unrecorded ones left out."""
    found: dict[str | None, list[Run]] = defaultdict(list)
    for run in runs:
        if run.started and run.seed < TUNING:
            found[carried(run.decision)].append(run)
    return dict(found)


def carried(stamp: Node | None) -> str | None:
    """The digest of the rule in a record, as of what it says: a stamp that does not fit its rule is not believed."""
    return None if stamp is None else rule_digest({key: value for key, value in stamp.items() if key != "digest"})


def said(side: Mapping[str, object]) -> str:
    """A side of the rule as text: "semi_supervised/label_spreading (labels=100)"."""
    more = ", ".join(f"{key}={text(value)}" for key, value in side.items() if key != "trainer")
    return f"{side['trainer']} ({more})" if more else str(side["trainer"])


def text(value: object) -> str:
    """A plain value as Hydra reads it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _side(given: object, name: str) -> dict[str, object]:
    inside = {"trainer": given} if isinstance(given, str) else flat(given) if isinstance(given, Mapping) else {}
    if not isinstance(inside.get("trainer"), str):
        raise Refused(
            f"decision.{name}={given}: a trainer is needed, supervised/mlp or {{trainer: supervised/mlp, labels: 100}}"
        )
    if "seed" in inside:
        raise Refused(f"decision.{name} names a seed; a rule's seeds are 0 to max_seeds - 1, for both sides")
    return {"trainer": inside.pop("trainer"), **dict(sorted(inside.items()))}


def flat(node: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """By dotted keys: {"budget": {"steps": 5}} as {"budget.steps": 5}."""
    found: dict[str, object] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _looks(given: object, most: int) -> tuple[int, ...]:
    """From a list, or from a number of looks, equally spaced; raises Refused."""
    where = f"decision.looks={given}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        looks = tuple(_whole(each, "decision.looks") for each in given)
    else:
        count = _whole(given, "decision.looks")
        if not 1 <= count <= MOST_LOOKS:
            raise Refused(f"{where}: 1 to {MOST_LOOKS} looks are needed, or a list such as [10, 20]")
        looks = tuple(round(most * (place + 1) / count) for place in range(count))
    if not looks or len(looks) > MOST_LOOKS or any(one >= two for one, two in pairwise(looks)):
        raise Refused(f"{where}: 1 to {MOST_LOOKS} rising numbers of seeds are needed, such as [10, 20]")
    if looks[0] < FEWEST:
        raise Refused(f"{where} with max_seeds={most} looks at {looks[0]} seeds: under {FEWEST} nothing can be told")
    if looks[-1] != most:
        raise Refused(f"{where} ends at {looks[-1]} seeds; the last look is at max_seeds={most}")
    return looks


def _whole(given: object, where: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise Refused(f"{where}={given}: a whole number is needed")
    return given


def _number(given: object, where: str) -> float:
    if not isinstance(given, int | float) or isinstance(given, bool) or not math.isfinite(given):
        raise Refused(f"{where}={given}: a number is needed")
    return float(given)
