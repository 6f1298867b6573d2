"""From a command line to decided runs: all configs are composed before the first starts, and none changes later.

A grid composes each choice of groups once; what its values change, `parts` makes once for all runs that share it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from paralab.catalog import names
from paralab.compare.rule import plain, rule_of
from paralab.compare.sides import check, check_grid
from paralab.compose import choices, compose
from paralab.errors import Refused
from paralab.guard import parse
from paralab.record.identity import files_of
from paralab.record.plan import Plan
from paralab.schema import SWEEPS
from paralab.seeds import check_reported
from paralab.sweep.exclude import Point, values_of
from paralab.sweep.parts import Frame
from paralab.sweep.points import check_lists, of_runs, of_sweep, points

OF_GRIDS = "is how a grid is run, and this is one run: add -m"


@dataclass(frozen=True)
class Chosen:
    """A config of a grid before its values are applied."""

    frame: Frame
    problem: str
    trainer: str
    paths: Sequence[Path]  # the conf folders

    @cached_property
    def trainers(self) -> list[str]:
        return names("trainer", self.paths)


def compose_any(load: ConfigLoaderImpl, overrides: Sequence[str]) -> tuple[DictConfig, bool]:
    """The composed config, and whether it is a grid: by -m, or by an experiment's own hydra.mode.

    Of a grid it is only the frame: a plain value may lie below a group that is an axis, and has no place yet.
    """
    parsed = parse(overrides)
    check_lists(parsed)
    of_grid = [override for override in parsed if of_sweep(override.key_or_group)]
    if axis := next((override for override in of_grid if override.is_sweep_override()), None):
        raise Refused(f"'{axis.input_line}' is how a grid is run, no axis of it: give one value")
    if any(override.get_key_element() in ("experiment", "hydra.mode") for override in parsed):
        left_out = [each for each in parsed if of_runs(each) and (each.is_sweep_override() or _is_plain(each, load))]
        frame = [each.input_line or "" for each in parsed if each not in left_out]
        try:
            config = compose(load, frame, RunMode.MULTIRUN)
        except Refused:
            if not any(each.is_interval_sweep() for each in parsed):  # a tuner's: there is no first point
                compose(load, [_first(each, load) for each in parsed if not of_sweep(each.key_or_group)])
            raise
        if config.hydra.mode == RunMode.MULTIRUN:
            return config, True
    try:
        config = compose(load, overrides)
    except Refused as refused:  # what is missing may stand in the grid's file
        if not of_grid or "hydra.mode" in {override.key_or_group for override in parsed}:
            raise
        raise Refused(f"{of_grid[0].input_line} {OF_GRIDS}") from refused
    if config.hydra.mode == RunMode.MULTIRUN:
        return config, True
    if of_grid:
        raise Refused(f"{of_grid[0].input_line} {OF_GRIDS}")
    return config, False


def _first(override: Override, load: ConfigLoaderImpl) -> str:
    """As it stands in the first point of the grid, which says best what is wrong."""
    return next(iter(values_of(override, partial(choices, load))), override.input_line or "")


def is_grid(overrides: Sequence[str]) -> bool:
    """Whether words are of a grid without -m: several values, or how a grid is run."""
    return any(each.is_sweep_override() or of_sweep(each.key_or_group) for each in parse(overrides))


def _ignore(notice: str) -> None:
    """Nobody is told."""


def plan_grid(
    load: ConfigLoaderImpl,
    config: DictConfig,
    overrides: Sequence[str],
    trust: Sequence[str] = (),
    say: Callable[[str], None] = _ignore,
) -> list[Plan]:
    """Every run of a grid once, equal to composing each point on its own; `say` takes notices for the user.

    Where axes lead to several experiments or roots, the sweep as a whole is filed with its first run.
    """
    own = [override.input_line or "" for override in parse(overrides) if override.is_hydra_override()]
    own.append("hydra.mode=RUN")
    grid = points(config, overrides, load)
    texts = list(dict.fromkeys(text for point in grid.points for text in point.said))
    parsed = dict(zip(texts, parse(texts), strict=True))
    chooses = {text for text, override in parsed.items() if not _is_plain(override, load)}
    chosen: dict[tuple[str, ...], Chosen] = {}
    plans: dict[Path, Plan] = {}
    rules: dict[str, object] = {}
    for point in grid.points:
        group = tuple(text for text in point.said if text in chooses)
        try:
            if group not in chosen:
                chosen[group] = chosen_of(compose(load, [*own, *group], whole=False), trust)
            plan = planned(chosen[group], [parsed[text] for text in point.said if text not in chooses], point.said)
        except (Refused, HydraException, OmegaConfBaseException):  # composed alone, it says best what is wrong
            plan = _alone(load, own, point, trust)
        plans.setdefault(plan.folder, plan)
        if plan.config["decision"] != rules.setdefault(plan.config["name"], plan.config["decision"]):
            raise Refused("decision is an axis of this grid; a rule is one for the whole experiment: give one value")
    if rule := rule_of(next(iter(plans.values())).config["decision"]):
        check_grid(rule, [(plan.trainer, plan.problem, plan.config["labels"]) for plan in plans.values()])
    for notice in grid.notices:
        say(notice)
    if again := len(grid.points) - len(plans):
        say(f"{again} of {len(grid.points)} points name a run that another names; it runs once")
    return list(plans.values())


def _alone(load: ConfigLoaderImpl, own: Sequence[str], point: Point, trust: Sequence[str]) -> Plan:
    try:
        return freeze(compose(load, [*own, *point.said]), trust)
    except Refused as refused:
        raise Refused(f"{point.origin}: {refused}") if point.origin else refused from refused


def _is_plain(override: Override, load: ConfigLoaderImpl) -> bool:
    """A value rather than a choice of a config group."""
    return isinstance(override.value(), dict) or not load.repository.group_exists(override.key_or_group)


def freeze(config: DictConfig, trust: Sequence[str] = (), *, tuning: bool = False) -> Plan:
    """A composed config as a run: resolved, named and identified; one of `tuning` may have a seed that is kept for it.

    Raises Refused where it names what is not trusted, a file that is not there, or a device that this machine lacks.
    """
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task)  # as it was: "name=${nope}" is refused later
    said = tuple(text for text in typed if of_runs(parse([text])[0]))
    return planned(chosen_of(config, trust), (), said, tuning=tuning)


def chosen_of(config: DictConfig, trust: Sequence[str]) -> Chosen:
    """A run's own part of a composed config, without Hydra's node and the sweep's."""
    choices = config.hydra.runtime.choices
    base = copy.copy(config)
    with open_dict(base):
        for key in ("hydra", *SWEEPS):
            del base[key]
    paths = [Path(source.path) for source in config.hydra.runtime.config_sources if source.schema == "file"]
    return Chosen(Frame(base, trust), choices["problem"], choices["trainer"], paths)


def planned(chosen: Chosen, overrides: Sequence[Override], said: Sequence[str], *, tuning: bool = False) -> Plan:
    """One run of a grid, or of a study; raises what Hydra raises, and Refused for a seed that is kept for tuning."""
    resolved, config_id = chosen.frame.settled(chosen.frame.applied(overrides))
    if not tuning:
        check_reported(resolved["seed"])
    resolved["decision"] = _rule(resolved, chosen)
    files = files_of(resolved["problem"])
    return Plan(resolved, named(chosen.problem, resolved), chosen.trainer, config_id, tuple(said), files)


def _rule(config: Mapping[str, Any], chosen: Chosen) -> Mapping[str, Any] | None:
    """The decision's rule in its one spelling; raises Refused, also for a trainer or setting that it gets wrong."""
    rule = rule_of(config["decision"])
    if rule is None:
        return None
    check(rule, chosen.trainers, chosen.trainer, config)
    return plain(rule)


def named(choice: str, config: Mapping[str, Any]) -> str:
    """The problem as runs are filed: its choice and, of a door, its subject: "table-my", "gym-Acrobot-v1"."""
    subject = config["problem"].get("subject")
    if subject is None:
        return choice
    return f"{choice}-{re.sub('[^A-Za-z0-9._]+', '-', Path(str(subject)).stem).strip('-.')}"
