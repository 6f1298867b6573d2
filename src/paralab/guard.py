"""What a command line or a YAML may say to Hydra: what would run code before any check of ours is refused here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf

from paralab.errors import Refused, closest
from paralab.schema import GROUPS, ROOT_KEYS

# Both run before any of our code where a YAML names a class in them; {} is what `none` composes to.
LOGGING = {"version": 1, "root": None, "disable_existing_loggers": False}
SWEEPER = "hydra_plugins.paralab_sweeper.ParalabSweeper"
TUNING = (
    "n_trials",
    "sampler",
    "pruner",
    "seeds",
    "report_seeds",
    "study_seed",
)  # its plain fields; tune checks values
LAUNCHER = {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}


def parse(overrides: Sequence[str]) -> list[Override]:
    """The overrides, each one allowed; raises Refused."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise Refused(
            f"'{error.override}' is not an override: write key=value. {str(error).splitlines()[0]}"
        ) from error
    for override in parsed:
        _allow(override)
    return parsed


def _allow(override: Override) -> None:
    key = override.key_or_group
    if key == "hydra.searchpath":  # Hydra imports a pkg:// in it before there is a config to guard
        raise Refused("hydra.searchpath is not read; name a conf folder of your own with --config-dir DIR")
    if key == "hydra":  # a grid applies it to configs that the guard has passed
        raise Refused("hydra cannot be replaced as a whole; set its keys one by one")
    if override.is_hydra_override():
        return
    if override.is_delete() and key in ROOT_KEYS:
        raise Refused(f"{key} cannot be removed; give it another value")
    if (top := re.split("[./]", key)[0]) not in (*ROOT_KEYS, *GROUPS):  # +key=... would add one that nothing reads
        raise Refused(f"there is no '{top}' in the config. {closest(top, ROOT_KEYS)}")
    allow_text(override.input_line or "", key)


def allow_text(text: str, where: str) -> None:
    """Refuse ${...} but for plain references: ${oc.env:TOKEN} would carry a secret into every record and report."""
    left, found = text, 1
    while found:
        left, found = re.subn(r"\$\{[\w.\[\]]+\}", "_", left)  # the innermost first: ${a.${b}}
    if "${" in left:
        raise Refused(
            f"{where}: '{text}' is not a plain reference such as ${{seed}}; let the shell fill in other values"
        )


def guard(hydra: DictConfig) -> None:
    """Refuse Hydra nodes that would run code of their own: callbacks, loggers, launchers, environment variables."""
    plain: Any = OmegaConf.to_container(hydra, resolve=False)
    refused = {
        "hydra.callbacks": bool(plain["callbacks"]),
        "hydra.job_logging": plain["job_logging"] != LOGGING,
        "hydra.hydra_logging": plain["hydra_logging"] != LOGGING,
        "hydra.job.env_set": bool(plain["job"]["env_set"] or plain["job"]["env_copy"]),
        "hydra.sweeper": not _is_ours(plain["sweeper"]),
        "hydra.launcher": plain["launcher"] != LAUNCHER,
    }
    for node, is_set in refused.items():
        if is_set:
            raise Refused(f"{node} in the config would run code before any check; remove it")
    _check_params(plain["sweeper"].get("params"))


def _is_ours(sweeper: Any) -> bool:
    """Whether it is our own class with nothing to instantiate inside, the search space apart."""
    if not isinstance(sweeper, dict) or sweeper.get("_target_") != SWEEPER:
        return False
    plain = {key: value for key, value in sweeper.items() if key not in ("_target_", "params")}
    return all(
        key in TUNING and isinstance(value, str | int | float | None) and "${" not in str(value)
        for key, value in plain.items()
    )


def _check_params(params: Any) -> None:
    """A grid's axes are texts: Hydra instantiates the sweeper, and every _target_ inside, written or referred to."""
    if not isinstance(params, dict | None):
        raise Refused("hydra.sweeper.params: axes and their values are needed, such as  labels: 20,50,null")
    for key, values in (params or {}).items():
        if str(key).startswith("_") or isinstance(values, dict | list) or "${" in str(values):
            raise Refused(f"hydra.sweeper.params.{key}: an axis is a text of plain values, such as  labels: 20,50,null")
