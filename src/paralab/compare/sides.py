"""The runs that a rule's candidate and baseline name: matched by what they say, one configuration a side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from paralab.catalog import folders, names
from paralab.compare.rule import Rule, flat, said
from paralab.compare.variants import config, variants
from paralab.errors import Refused, closest
from paralab.record.identity import KEYS
from paralab.record.read import Run
from paralab.seeds import TUNING

Name = Literal["candidate", "baseline"]
SIDES: tuple[Name, ...] = ("candidate", "baseline")
FAILED = ("failed", "diverged")
FOLDS = "decision: split=cv tests all seeds on the same rows, no evidence apart: use split=holdout, a new split a seed"
SHARED = ("split", "split_seed", "test_size")  # with the problem: what makes a seed of both sides one pair


@dataclass(frozen=True)
class Side:
    """One configuration: its runs by seed."""

    runs: Mapping[int, Run]
    settings: Mapping[str, object]  # of its config, by dotted keys; empty where it has no run

    def score(self, seed: int, metric: str) -> float | None:
        """NaN where the run failed or has no such number, None where it has not ended."""
        run = self.runs.get(seed)
        if run is None or run.status not in (*FAILED, "finished"):
            return None
        score = run.scores.get(metric, math.nan) if run.status == "finished" else math.nan
        return score if math.isfinite(score) else math.nan


def check(rule: Rule, trainers: Sequence[str], trainer: str, settings: Mapping[str, object]) -> None:
    """Raise Refused for a side of no such trainer, or, where it names this run's, for a setting that this has not."""
    if settings["split"] == "cv":
        raise Refused(FOLDS)
    for name in SIDES:
        side = _said(rule, name)
        if side["trainer"] not in trainers:
            _refuse_trainer(name, str(side["trainer"]), trainers)
        if side["trainer"] == trainer:
            _check_keys(name, side, _settings(settings))


def check_grid(rule: Rule, runs: Sequence[tuple[str, str, int | None]]) -> None:
    """Raise Refused where a side fits runs, each (trainer, problem, labels), of several problems or label budgets."""
    shared = {key: value for name in SIDES for key, value in _said(rule, name).items() if key == "problem"}
    for name in SIDES:
        side = {**shared, **_said(rule, name)}
        own = [(problem, labels) for trainer, problem, labels in runs if trainer == side["trainer"]
               and side.get("problem", problem) == problem and side.get("labels", labels) == labels]  # fmt: skip
        _check_one(name, side, own)


def sides(runs: Sequence[Run], rule: Rule) -> tuple[Side, Side]:
    """Candidate and baseline; raises Refused where one names nothing, or more than one thing, or they do not pair."""
    runs = [run for run in runs if run.seed < TUNING and run.status != "damaged"]
    shared = {key: value for name in SIDES for key, value in _said(rule, name).items() if key == "problem"}
    candidate, baseline = (_side(runs, name, {**shared, **_said(rule, name)}) for name in SIDES)
    if candidate.runs and baseline.runs:
        one, other = (_pairing(side) for side in (candidate, baseline))
        if differing := sorted(key for key in {*one, *other} if one.get(key) != other.get(key)):
            told = ", ".join(f"{key} {one.get(key)} and {other.get(key)}" for key in differing)
            raise Refused(f"decision: candidate and baseline do not pair by seed, for they differ in {told}")
    return candidate, baseline


def _said(rule: Rule, name: Name) -> Mapping[str, object]:
    return rule.candidate if name == "candidate" else rule.baseline


def _side(runs: Sequence[Run], name: Name, side: Mapping[str, object]) -> Side:
    of_trainer = [run for run in runs if run.trainer == side["trainer"]]
    if not of_trainer:
        known = {*names("trainer", folders()), *(run.trainer for run in runs)}
        if side["trainer"] not in known:
            _refuse_trainer(name, str(side["trainer"]), sorted(known))
        return Side({}, {})
    first = {run.config_id: run for run in reversed(of_trainer)}
    held = {
        key: {**_settings(config(run.folder)), "problem": run.problem, "labels": run.labels}
        for key, run in first.items()
    }
    _check_keys(name, side, {key: value for settings in held.values() for key, value in settings.items()})
    wanted = {key: value for key, value in side.items() if key != "trainer"}
    fitting = [key for key, settings in held.items() if all(settings.get(k, k) == v for k, v in wanted.items())]
    chosen = [run for run in of_trainer if run.config_id in fitting]
    if not chosen:
        return Side({}, {})
    _check_single(name, side, chosen, held)
    settings = held[fitting[0]]
    if settings.get("split") == "cv":
        raise Refused(FOLDS)
    return Side({run.seed: run for run in chosen}, settings)


def _check_single(name: Name, side: Mapping[str, object], runs: Sequence[Run], held: Mapping[str, object]) -> None:
    """Raise Refused where a side's words fit runs of several configurations."""
    _check_one(name, side, [(run.problem, run.labels) for run in runs])
    apart = {tuple(sorted((key, repr(value)) for key, value in _mapping(held[run.config_id]).items())) for run in runs}
    if len(apart) > 1:
        told = sorted(set(variants(runs).values()))
        raise Refused(
            f"decision.{name}={said(side)} fits several settings ({'; '.join(told)}): name what tells them apart"
        )


def _check_one(name: Name, side: Mapping[str, object], runs: Sequence[tuple[str, int | None]]) -> None:
    """Raise Refused where runs, each (problem, labels), are of several."""
    for key, values in (("problem", {problem for problem, _ in runs}), ("labels", {labels for _, labels in runs})):
        if len(values) > 1:
            told = ["null" if value is None else str(value) for value in values]
            told.sort(key=lambda text: (text == "null", len(text) if key == "labels" else 0, text))
            raise Refused(
                f"decision.{name}={said(side)} fits runs of {key} {', '.join(told)}: name one, {key}: {told[0]}"
            )


def _check_keys(name: Name, side: Mapping[str, object], settings: Mapping[str, object]) -> None:
    for key in side:
        if key not in settings and key not in ("trainer", "problem"):
            raise Refused(f"decision.{name}: {side['trainer']} has no setting '{key}'. {closest(key, _told(settings))}")


def _told(settings: Mapping[str, object]) -> list[str]:
    return [key for key in settings if not key.endswith(("_target_", "default_steps"))]


def _refuse_trainer(name: Name, trainer: str, known: Sequence[str]) -> None:
    inside = [each for each in known if each.endswith(f"/{trainer}")]
    hint = f"Did you mean '{inside[0]}'?" if inside else closest(trainer, known)
    raise Refused(f"decision.{name}: trainer '{trainer}' is not known. {hint}")


def _settings(settings: Mapping[str, object]) -> dict[str, object]:
    """What may tell two configurations apart, by dotted keys."""
    inside = flat({key: settings[key] for key in KEYS if key in settings})
    return {key: value for key, value in inside.items() if not key.startswith("problem.scenario.")}


def _pairing(side: Side) -> dict[str, object]:
    return {key: value for key, value in side.settings.items() if key in SHARED or key.split(".")[0] == "problem"}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
