"""Hydra composes here, and only here.

Uses internals of hydra-core 1.3.8, which is therefore pinned exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from paralab import schema
from paralab.catalog import folders, names
from paralab.errors import Refused, closest
from paralab.guard import allow_text, guard, parse
from paralab.schema import GROUPS


def loader(config_dir: Path | None = None) -> ConfigLoaderImpl:
    """Hydra's config loader over our conf/, the user's ./conf and `config_dir`: theirs shadow none of ours."""
    Plugins.instance()
    path = ConfigSearchPathImpl()
    path.append("hydra", "pkg://hydra.conf")
    path.append("schema", "structured://")  # first, so that no YAML stands in for it; Hydra wants it last, too
    for provider, folder in zip(("main", "user", "command-line"), folders(config_dir), strict=False):
        path.append(provider, f"file://{folder}")
    path.append("schema", "structured://")
    return ConfigLoaderImpl(path)


def compose(
    load: ConfigLoaderImpl, overrides: Sequence[str], mode: RunMode = RunMode.RUN, whole: bool = True
) -> DictConfig:
    """One config with its `hydra` node, guarded; raises Refused with the closest name where a choice or key is unknown.

    In RUN mode nothing in it is missing, unless `whole` is off: what a grid's points are made of.
    """
    for override in parse(overrides):
        chosen = not (override.is_sweep_override() or override.is_delete() or isinstance(override.value(), dict))
        if chosen and override.package is None and override.key_or_group in GROUPS:
            _check_choice(override.key_or_group, override.value(), load)
    try:
        config = load.load_configuration("config", list(overrides), mode)
    except Exception as error:  # Hydra raises bare ValueError, KeyError and the like for what a YAML or a user says
        raise Refused(explain(error, load)) from error
    guard(config.hydra)
    choices: Any = OmegaConf.to_container(config.hydra.runtime.choices)
    for group in GROUPS:  # what an experiment's defaults chose, too
        if choices.get(group) not in (None, MISSING):
            _check_choice(group, choices[group], load)
    _check_values(config, whole and mode is RunMode.RUN)
    return config


def _check_choice(group: str, choice: object, load: ConfigLoaderImpl) -> None:
    """Hydra lets an optional group fall back to nothing, and takes ../x: neither runs what was asked for."""
    known = names(group, _paths(load))
    if choice not in known:
        name = "null" if choice is None else str(choice)
        inside = [each for each in known if each.endswith(f"/{name}")]
        hint = f"Did you mean '{inside[0]}'?" if inside else closest(name, known)
        raise Refused(f"{group} '{name}' is not known. {hint}")


def _check_values(config: DictConfig, whole: bool) -> None:
    plain: Any = OmegaConf.to_container(config, resolve=False)
    del plain["hydra"]
    for where, value in _leaves(plain, ""):
        if isinstance(value, str):
            if whole and value == MISSING:
                raise Refused(f"{where} is missing: give it a value")
            allow_text(value, where)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield where, value
    else:
        for key, each in inside:
            yield from _leaves(each, f"{where}.{key}".lstrip("."))


def explain(error: Exception, load: ConfigLoaderImpl) -> str:
    """Hydra's many lines as one that offers the closest name."""
    cause = error.__cause__ if isinstance(error, ConfigCompositionException) and error.__cause__ else error
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.partition("/")
        if group == "hydra":
            return _of_hydra(name, load)
        return f"{group} '{name}' is not known. {closest(name, names(group, _paths(load)))}"
    if not isinstance(cause, HydraException | OmegaConfBaseException | YAMLError):
        return f"this does not compose: {type(cause).__name__}: {_first_line(cause)}"
    key = getattr(cause, "full_key", None)
    if key and type(cause).__name__ in ("ConfigAttributeError", "ConfigKeyError"):
        parent: Any = getattr(cause, "parent_node", None)
        parent_key, _, last = key.rpartition(".")
        known = [str(name) for name in parent if name != "_target_"] if isinstance(parent, DictConfig) else []
        opens = f" (+{key}= adds one)" if "." in parent_key else ""  # kwargs, columns, another package's settings
        return f"there is no '{last}' in {parent_key or 'the config'}. {closest(last, known)}{opens}"
    text = _first_line(cause)
    if text.startswith("You must specify"):
        group = text.split("'")[1]
        return f"{group}= is missing: choose one of {', '.join(names(group, _paths(load)))}"
    if "Ambiguous value" in text or "requires --multirun" in text:
        return f"{text.split(chr(39))[1]} holds several values: add -m to run them all, or write [a,b] for a list"
    unknown = re.match(r"(In '.+'): .*: Key '(.+)' not in '(\w+)'$", text)
    if unknown and (node := getattr(schema, unknown[3], None)):  # else one of Hydra's own
        known = [each.name for each in fields(node)]
        place = "the config" if unknown[3] == "Root" else unknown[3].lower()
        return f"{unknown[1]}: there is no '{unknown[2]}' in {place}. {closest(unknown[2], known)}"
    text = re.sub(r"Invalid value assigned: \w+ is not a ListConfig.*", "a list is needed, [a,b], not one value", text)
    return f"{key}: {text}" if key and key not in text else text


def _of_hydra(choice: str, load: ConfigLoaderImpl) -> str:
    """Where a choice of Hydra's own groups, "sweeper/ax", is not known."""
    group, _, name = choice.rpartition("/")
    if group == "launcher":
        known = ", ".join(names("executor", _paths(load)))
        return f"hydra/launcher={name} is not used: executor= says where runs go, one of {known}"
    groups = [each for each in load.get_group_options(f"hydra/{group}") if each != "basic"]
    return f"hydra/{group} '{name}' is not known. {closest(name, groups)}"


def choices(load: ConfigLoaderImpl, group: str) -> list[str]:
    """What a config group offers, sub-folders included."""
    return names(group, _paths(load))


def _paths(load: ConfigLoaderImpl) -> list[Path]:
    return [Path(source.path) for source in load.repository.get_sources() if source.scheme() == "file"]


def _first_line(error: BaseException) -> str:
    """A YAML's errors name file and line further down, and some of Hydra's say what is wrong after a colon."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return (
        " ".join(lines) if isinstance(error, YAMLError) else " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    )
