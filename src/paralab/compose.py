"""Hydra composes here, and only here; what would run code before any check of ours is refused.

Uses internals of hydra-core 1.3.8, which is therefore pinned exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from paralab.catalog import folders, names
from paralab.errors import Refused, closest


class SplitKind(Enum):
    holdout = "holdout"
    all = "all"


class Device(Enum):
    cpu = "cpu"


@dataclass
class Scenario:
    seed: int = MISSING
    labels: int | None = MISSING
    split: SplitKind = MISSING
    split_seed: int | None = MISSING
    select: bool = MISSING


@dataclass
class Budget:
    steps: int | None = MISSING
    seconds: float | None = MISSING
    evaluate_every: int | None = MISSING
    patience: int | None = MISSING


@dataclass
class Root:
    """The types of the root config; the defaults stand in conf/config.yaml."""

    problem: dict[str, Any] = MISSING
    trainer: dict[str, Any] = MISSING
    budget: Budget = field(default_factory=Budget)
    scenario: Scenario = field(default_factory=Scenario)
    name: str = MISSING
    root: str = MISSING
    question: str | None = MISSING
    seed: int = MISSING
    split_seed: int | None = MISSING
    split: SplitKind = MISSING
    labels: int | None = MISSING
    select: bool = MISSING
    threads: int = MISSING
    device: Device = MISSING
    compile: bool = MISSING
    repeat: int = MISSING
    force: bool = MISSING
    checkpoint_seconds: float = MISSING


ConfigStore.instance().store(name="schema", node=Root, provider="paralab")

# Both run before any of our code where a YAML names a class in them; {} is what `none` composes to.
LOGGING = {"version": 1, "root": None, "disable_existing_loggers": False}
SWEEPERS = ("hydra_plugins.paralab_sweeper.ParalabSweeper",)


def loader(config_dir: Path | None = None) -> ConfigLoaderImpl:
    """Hydra's config loader over our conf/, the user's ./conf and `config_dir`: theirs add names, ours cannot be shadowed."""
    if config_dir is not None and not config_dir.is_dir():
        raise Refused(f"--config-dir {config_dir}: there is no such folder")
    Plugins.instance()
    path = ConfigSearchPathImpl()
    path.append("hydra", "pkg://hydra.conf")
    for provider, folder in zip(("main", "user", "command-line"), folders(config_dir), strict=False):
        path.append(provider, f"file://{folder}")
    path.append("schema", "structured://")
    return ConfigLoaderImpl(path)


def parse(overrides: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise Refused(f"'{error.override}' is not an override: write key=value. {_first_line(error)}") from error


def compose(load: ConfigLoaderImpl, overrides: Sequence[str], mode: RunMode = RunMode.RUN) -> DictConfig:
    """One config with its `hydra` node, guarded; raises Refused with the closest name where a choice or key is unknown."""
    parse(overrides)
    try:
        config = load.load_configuration("config", list(overrides), mode)
    except (HydraException, OmegaConfBaseException) as error:
        raise Refused(explain(error, load)) from error
    guard(config.hydra)
    return config


def guard(hydra: DictConfig) -> None:
    """Refuse Hydra nodes that would run code of their own: callbacks, loggers, launchers, environment variables."""
    plain: Any = OmegaConf.to_container(hydra, resolve=False)
    refused = {
        "hydra.callbacks": bool(plain["callbacks"]),
        "hydra.job_logging": plain["job_logging"] != LOGGING,
        "hydra.hydra_logging": plain["hydra_logging"] != LOGGING,
        "hydra.job.env_set": bool(plain["job"]["env_set"] or plain["job"]["env_copy"]),
        "hydra.sweeper": plain["sweeper"]["_target_"] not in SWEEPERS,
        "hydra.launcher": plain["launcher"]
        != {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"},
    }
    for node, is_set in refused.items():
        if is_set:
            raise Refused(f"{node} in the config would run code before any check; remove it")


def explain(error: Exception, load: ConfigLoaderImpl) -> str:
    """Hydra's many lines as one that offers the closest name."""
    cause = error.__cause__ if isinstance(error, ConfigCompositionException) and error.__cause__ else error
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.partition("/")
        return f"{group} '{name}' is not known. {closest(name, names(group, _paths(load)))}"
    key = getattr(cause, "full_key", None)
    if key and type(cause).__name__ in ("ConfigAttributeError", "ConfigKeyError"):
        parent: Any = getattr(cause, "parent_node", None)
        parent_key, _, last = key.rpartition(".")
        known = [str(name) for name in parent if name != "_target_"] if isinstance(parent, DictConfig) else []
        return f"there is no '{last}' in {parent_key or 'the config'}. {closest(last, known)}"
    text = _first_line(cause)
    if text.startswith("You must specify"):
        group = text.split("'")[1]
        return f"{group}= is missing: choose one of {', '.join(names(group, _paths(load)))}"
    if "Ambiguous value" in text or "requires --multirun" in text:
        return f"{text.split(chr(39))[1]} holds several values: add -m to run them all, or write [a,b] for a list"
    return f"{key}: {text}" if key and key not in text else text


def _paths(load: ConfigLoaderImpl) -> list[Path]:
    return [Path(source.path) for source in load.repository.get_sources() if source.scheme() == "file"]


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
