"""From a config to objects: the only place that instantiates; what it may build, `trust` and `foreign` say."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from paralab.core import Problem, Trainer, View, meter_of, show
from paralab.datasets.dataset import Dataset
from paralab.errors import Mismatch, Refused, closest
from paralab.foreign import ingredients, make, sort_of
from paralab.recipe import EnvId, Recipe
from paralab.record.plan import Plan
from paralab.trust import DATASET, PROBLEM, TRAINER, Kind, Node, resolve


@dataclass(frozen=True)
class Job:
    """A run's objects, ready for the loop."""

    problem: Problem
    trainer: Trainer[Any]
    shown: View
    steps: int  # the budget, in the trainer's unit


def job_of(plan: Plan, trust: Sequence[str] = ()) -> Job:
    """Build the objects of one run; raises Refused (Mismatch where trainer and problem do not fit)."""
    config = plan.config
    _check_numbers(config)
    if config["compile"]:
        raise Refused("compile=true: no trainer of this version compiles; leave it false")
    asked = {key: value for key, value in config["problem"].items() if key != "subject"}
    problem = cast(Problem, build(asked, "problem", PROBLEM, trust))
    kind = cast(type[Trainer[Any]], resolve(config["trainer"], "trainer", TRAINER, trust))
    if kind.view not in problem.views:
        can, homes = ", ".join(view.__name__ for view in problem.views), ", ".join(_homes(problem))
        learns = f"{plan.trainer} learns from {cast(Any, kind.view).__name__}"
        raise Mismatch(f"{learns}; {plan.problem} can only be shown as {can}. Pick a trainer under {homes}")
    shown = show(problem, cast(Any, kind.view))
    steps = _steps(config, shown)
    plugin = {key: value for key, value in config["trainer"].items() if key != "default_steps"}
    if "horizon" in plugin:
        plugin["horizon"] = steps
    if config["budget"]["patience"] is not None and not config["select"]:
        raise Refused("budget.patience stops on validation scores, and there are none: add select=true or leave it out")
    return Job(problem, cast(Trainer[Any], build(plugin, "trainer", TRAINER, trust)), shown, steps)


# The least each may be; null is always allowed where the root config allows it.
LEAST = {
    "seed": 0, "split_seed": 0, "folds": 2, "fold": 0, "threads": 1, "checkpoint_seconds": 0.0,
    "budget.steps": 1, "budget.seconds": 0.001, "budget.evaluate_every": 1, "budget.patience": 1,
}  # fmt: skip


def _check_numbers(config: Node) -> None:
    """Refuse numbers out of range, and a scenario that is not the one the record will tell of."""
    for name, least in LEAST.items():
        group, _, key = name.rpartition(".")
        value = (config[group] if group else config)[key]
        if value is not None and not value >= least:  # also where it is NaN
            raise Refused(f"{name}={value}: at least {least}")
    problem = config["problem"]
    told = problem.get("scenario", config["scenario"]) if isinstance(problem, Mapping) else None
    for key, value in config["scenario"].items():
        if value != config[key] or (isinstance(told, Mapping) and told.get(key) != value):
            raise Refused(f"scenario.{key} is another than {key}={config[key]}, which the run is named by; set {key}=")


def _steps(config: Node, shown: View) -> int:
    """The budget in steps; a bandit's grant caps the default, and refuses what was asked for beyond it."""
    asked, default = config["budget"]["steps"], config["trainer"].get("default_steps")
    meter = meter_of(shown)
    grant = meter.grant if meter else None
    if type(default) is not int or default < 1:
        raise Refused(f"trainer.default_steps={default}: a whole number of steps, at least 1")
    if grant is None:
        return int(asked or default)
    if asked is not None and asked > grant:
        raise Refused(
            f"budget.steps={asked} is more than the {grant} pulls granted; raise labels= or lower budget.steps"
        )
    return int(asked or min(default, grant))


def _homes(problem: Problem) -> list[str]:
    folder = {"Labelled": "supervised", "PartlyLabelled": "semi_supervised", "Unlabelled": "unsupervised"}
    return [f"trainer/{folder.get(view.__name__, 'reinforcement')}" for view in problem.views]


def build(node: Node, where: str, kind: Kind, trust: Sequence[str] = ()) -> object:
    """Build one object and all inside it; its keys must be its fields, its values of their types."""
    target = resolve(node, where, kind, trust)
    given = {key: value for key, value in node.items() if key != "_target_"}
    takes = _fields(target)
    for key in given:
        if key.startswith("_") or key not in takes:
            raise Refused(f"{where}: there is no '{key}' in {target.__name__}. {closest(key, takes)}")
    if missing := [key for key, (_, needed) in takes.items() if needed and key not in given]:
        raise Refused(f"{where}: {target.__name__} needs {', '.join(missing)}")
    values = {key: _conform(value, takes[key][0], f"{where}.{key}", trust) for key, value in given.items()}
    return target(**values)


@cache  # reading types takes .7 ms, which every run of a sweep would pay
def _fields(target: type | types.FunctionType) -> dict[str, tuple[Any, bool]]:
    """Each field's type, and whether it must be given."""
    hints, takes = get_type_hints(target), inspect.signature(target).parameters
    if untyped := sorted(takes.keys() - hints.keys()):
        raise Refused(f"{target.__module__}.{target.__name__}: its parameter '{untyped[0]}' needs a type")
    return {name: (hints[name], each.default is inspect.Parameter.empty) for name, each in takes.items()}


def _conform(value: Any, hint: Any, where: str, trust: Sequence[str]) -> Any:
    """`value` as the type its field declares; raises Refused naming the field, what it takes and what it got."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Dataset:
        return build(value, where, DATASET, trust)
    if origin is Recipe and (sort := sort_of(inner[0])):
        return Recipe(*ingredients(value, where, sort, trust))
    if sort := sort_of(hint):
        return make(value, where, sort, trust)
    if hint is EnvId and isinstance(value, str):
        return _env_id(value, where, trust)
    if origin in (Union, types.UnionType):
        exact = next((kind for kind in inner if type(value) is kind), None)
        if exact is not None:
            return value
        return _conform(value, next(kind for kind in inner if kind is not type(None)), where, trust)
    if isinstance(value, Enum):
        value = value.value
    if origin is Literal:
        if value in inner:
            return value
        raise Refused(f"{where}={value} is not known. {closest(str(value), map(str, inner))}")
    if origin is tuple and isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_conform(each, inner[0], f"{where}[{place}]", trust) for place, each in enumerate(value))
    if origin in (dict, Mapping):
        if isinstance(value, Mapping):
            return {key: _conform(each, inner[1], f"{where}.{key}", trust) for key, each in value.items()}
    elif is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return _plain_dataclass(value, hint, where, trust)
    elif hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    wanted = getattr(hint, "__name__", str(hint)) if not inner else str(hint)
    raise Refused(f"{where}={value!r}: a value of type {wanted} is needed")


def _env_id(value: str, where: str, trust: Sequence[str]) -> EnvId:
    """An id as it is; gymnasium imports what stands before a colon, so that must be trusted."""
    package, colon, _ = value.partition(":")
    if colon and not f"{package}.".startswith(tuple(f"{prefix.rstrip('.')}." for prefix in trust)):
        raise Refused(
            f"{where}={value} imports {package}, which is not trusted; if you trust it, add --trust {package}."
        )
    return EnvId(value)


def _plain_dataclass(value: Node, hint: type, where: str, trust: Sequence[str]) -> object:
    takes = _fields(hint)
    for key in value:
        if key not in takes:
            raise Refused(f"{where}: there is no '{key}' in it. {closest(str(key), takes)}")
    if missing := [name for name in takes if name not in value]:
        raise Refused(f"{where} needs {', '.join(missing)}")
    return hint(**{name: _conform(value[name], type_, f"{where}.{name}", trust) for name, (type_, _) in takes.items()})
