"""From a command line to decided runs: all configs are composed before the first starts, and none changes later.

A grid composes each choice of groups once, applies plain values to copies, and computes an id once for all its seeds:
150 runs in 1.3 s instead of 14.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from paralab import device
from paralab.compose import compose, explain
from paralab.errors import Refused
from paralab.foreign import expanded
from paralab.guard import parse
from paralab.record.identity import config_id
from paralab.record.plan import Plan
from paralab.schema import Device

Base = tuple[DictConfig, str, str]  # a config without its hydra node, the choice of problem, and of trainer


def compose_any(load: ConfigLoaderImpl, overrides: Sequence[str]) -> tuple[DictConfig, bool]:
    """The composed config, and whether it is a grid: by -m, or by an experiment's own hydra.mode.

    Of a grid it is only the frame: a plain value may lie below a group that is an axis, and has no place yet.
    """
    parsed = parse(overrides)
    if any(override.get_key_element() in ("experiment", "hydra.mode") for override in parsed):
        left_out = [each for each in parsed if each.is_sweep_override() or _is_plain(each, load)]
        frame = [each.input_line or "" for each in parsed if each.is_hydra_override() or each not in left_out]
        config = compose(load, frame, RunMode.MULTIRUN)
        if config.hydra.mode == RunMode.MULTIRUN:
            return config, True
    config = compose(load, overrides)
    return config, config.hydra.mode == RunMode.MULTIRUN


def points(config: DictConfig, overrides: Sequence[str]) -> list[list[str]]:
    """The grid's points as override lists: an experiment's own axes, each replaced by a value on the command line.

    Order is Hydra's: the last axis varies fastest.
    """
    given = parse(overrides)
    keys = {override.get_key_element() for override in given}
    params: Any = OmegaConf.to_container(config.hydra.sweeper.params) or {}
    own = parse([f"{key}={'null' if value is None else value}" for key, value in params.items() if key not in keys])
    axes = [list(_values(override)) for override in (*own, *given) if not override.is_hydra_override()]
    return [list(point) for point in itertools.product(*axes)]


def _values(override: Override) -> Iterator[str]:
    if not override.is_sweep_override():
        yield override.input_line or ""
    elif override.is_discrete_sweep():
        try:
            values = list(override.sweep_string_iterator())
        except (HydraException, OmegaConfBaseException) as error:  # seed=range(3),x
            raise Refused(f"'{override.input_line}' cannot be listed: write plain values, or one range") from error
        yield from (f"{override.get_key_element()}={value}" for value in values)
    else:
        raise Refused(f"'{override.input_line}' is an interval, which only a tuner can sample; list the values instead")


def plan_grid(
    load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str], trust: Sequence[str] = ()
) -> list[Plan]:
    """Every run of a grid, equal to composing each point on its own."""
    own = [override.input_line or "" for override in parse(overrides) if override.is_hydra_override()]
    grid = points(config, overrides)
    parsed = {text: parse([text])[0] for text in dict.fromkeys(itertools.chain.from_iterable(grid))}
    chooses = {text for text, override in parsed.items() if not _is_plain(override, load)}
    bases: dict[tuple[str, ...], Base] = {}
    ids: dict[tuple[str, ...], str] = {}
    plans = []
    for point in grid:
        chosen = tuple(text for text in point if text in chooses)
        if chosen not in bases:
            bases[chosen] = _strip(compose(load, [*own, "hydra.mode=RUN", *chosen], whole=False))
        base, problem, trainer = bases[chosen]
        made = copy.deepcopy(base)
        try:
            ConfigLoaderImpl._apply_overrides_to_config([parsed[text] for text in point if text not in chooses], made)
        except (HydraException, OmegaConfBaseException) as error:
            raise Refused(explain(error, load)) from error
        resolved = _resolved(made)
        group = tuple(text for text in point if parsed[text].key_or_group != "seed")
        if group not in ids:
            ids[group] = _id(made, trust)
        plans.append(Plan(resolved, named(problem, resolved), trainer, ids[group], tuple(point)))
    return plans


def _is_plain(override: Override, load: ConfigLoaderImpl) -> bool:
    """A value rather than a choice of a config group."""
    return isinstance(override.value(), dict) or not load.repository.group_exists(override.key_or_group)


def freeze(config: DictConfig, trust: Sequence[str] = ()) -> Plan:
    """A composed config as a run: resolved, named and identified.

    Raises Refused where it names what is not trusted, a file that is not there, or a device that this machine lacks.
    """
    base, problem, trainer = _strip(config)
    resolved = _resolved(base)
    return Plan(resolved, named(problem, resolved), trainer, _id(base, trust), tuple(config.hydra.overrides.task))


def named(choice: str, config: Mapping[str, Any]) -> str:
    """The problem as runs are filed: its choice and, of a door, its subject: "table-my", "gym-Acrobot-v1"."""
    subject = config["problem"].get("subject")
    if subject is None:
        return choice
    return f"{choice}-{re.sub('[^A-Za-z0-9._]+', '-', Path(str(subject)).stem).strip('-.')}"


def _strip(config: DictConfig) -> Base:
    """What is ours of a composed config: copied with Hydra's node, a grid's point would take four times as long."""
    choices = config.hydra.runtime.choices
    base = copy.copy(config)
    with open_dict(base):
        del base["hydra"]
    return base, choices["problem"], choices["trainer"]


def _resolved(config: DictConfig) -> dict[str, Any]:
    """As plain values; steps left open stay so, but what follows them (a horizon) has the trainer's default.

    A device that is left to the machine is settled in `config` itself, too.
    """
    if config.device is not Device.cpu:
        config.device = Device(device.resolve(config.device.value))
    if config.budget.steps is not None:
        return _resolve(config)
    _fill(config)
    resolved = _resolve(config)
    resolved["budget"]["steps"] = config.budget.steps = None
    return resolved


def _id(config: DictConfig, trust: Sequence[str]) -> str:
    """The same for every seed; leaves seed 0 behind."""
    config.seed = 0
    if config.budget.steps is None:
        _fill(config)
    canonical = _resolve(config)
    canonical["trainer"].pop("default_steps", None)
    canonical["problem"].pop("subject", None)
    return config_id({**canonical, **{key: expanded(canonical[key], key, trust) for key in ("problem", "trainer")}})


def _fill(config: DictConfig) -> None:
    try:
        config.budget.steps = config.trainer.get("default_steps")
    except OmegaConfBaseException as error:
        raise Refused(f"trainer.default_steps={config.trainer.default_steps}: a whole number is needed") from error


def _resolve(config: DictConfig) -> dict[str, Any]:
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise Refused(f"{error.full_key} is missing: give it a value") from error
    except OmegaConfBaseException as error:
        raise Refused(str(error).splitlines()[0]) from error
    return {key: _plain(each, key) for key, each in plain.items()}


def _plain(value: Any, where: str) -> Any:
    """Enums as their values; raises Refused for a number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, float) and not isfinite(value):
        raise Refused(f"{where}={value} is not a finite number; give one")
    return value.value if isinstance(value, Enum) else value
