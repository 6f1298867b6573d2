"""From a command line to decided runs: all configs are composed before the first starts, and none changes later.

A grid composes each choice of groups once and applies plain values to copies.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from paralab.compose import compose, explain, parse
from paralab.errors import Refused
from paralab.record.identity import config_id
from paralab.record.plan import Plan


def compose_any(load: ConfigLoaderImpl, overrides: Sequence[str]) -> tuple[DictConfig, bool]:
    """The composed config, and whether it is a grid: by -m, or by an experiment's own hydra.mode."""
    may_be_grid = any(override.get_key_element() in ("experiment", "hydra.mode") for override in parse(overrides))
    config = compose(load, overrides, RunMode.MULTIRUN if may_be_grid else RunMode.RUN)
    grid = config.hydra.mode == RunMode.MULTIRUN
    return (compose(load, overrides) if may_be_grid and not grid else config), grid


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
        for value in override.sweep_string_iterator():
            yield f"{override.get_key_element()}={value}"
    else:
        raise Refused(f"'{override.input_line}' is an interval, which only a tuner can sample; list the values instead")


def plan_grid(load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str]) -> list[Plan]:
    """Every run of a grid, equal to composing each point on its own."""
    own = [override.input_line or "" for override in parse(overrides) if override.is_hydra_override()]
    return [freeze(each) for each in _composed(load, [*own, "hydra.mode=RUN"], points(config, overrides))]


def _composed(load: ConfigLoaderImpl, own: list[str], grid: Iterable[list[str]]) -> Iterator[DictConfig]:
    bases: dict[tuple[str, ...], DictConfig] = {}
    for point in grid:
        parsed = parse(point)
        chosen = tuple(override.input_line or "" for override in parsed if not _is_plain(override, load))
        if chosen not in bases:
            bases[chosen] = compose(load, [*own, *chosen])
        config = copy.deepcopy(bases[chosen])
        plain = [override for override in parsed if override.input_line not in chosen]
        try:
            ConfigLoaderImpl._apply_overrides_to_config(plain, config)
        except (HydraException, OmegaConfBaseException) as error:
            raise Refused(explain(error, load)) from error
        yield config


def _is_plain(override: Override, load: ConfigLoaderImpl) -> bool:
    """A value rather than a choice of a config group."""
    return isinstance(override.value(), dict) or not load.repository.group_exists(override.key_or_group)


def freeze(config: DictConfig) -> Plan:
    """A composed config as a run: resolved, named and identified."""
    choices = config.hydra.runtime.choices
    config = copy.copy(config)
    with open_dict(config):
        del config["hydra"]
    steps = config.budget.steps
    if steps is None:
        config.budget.steps = config.trainer.get("default_steps")
    resolved = _resolve(config)
    config.seed = 0
    canonical = _resolve(config)
    canonical["trainer"].pop("default_steps", None)
    resolved["budget"]["steps"] = steps
    return Plan(resolved, choices["problem"], choices["trainer"], config_id(canonical))


def _resolve(config: DictConfig) -> dict[str, Any]:
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise Refused(str(error).splitlines()[0]) from error
    return {key: _without_enums(each) for key, each in dict(plain).items()}


def _without_enums(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_enums(each) for key, each in value.items()}
    return value.value if isinstance(value, Enum) else value
