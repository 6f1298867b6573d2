"""How a study is run: the fields of Hydra's sweeper node, checked; and the extra that it needs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any, Literal, get_args

from omegaconf import DictConfig

from paralab.errors import Refused, closest

Sampler = Literal["tpe", "cmaes", "random", "grid"]
Pruner = Literal["none", "median", "hyperband"]
LEAST = {"n_trials": 1, "seeds": 1, "report_seeds": 0, "study_seed": 0}
MODULES = {"cmaes": ("optuna", "cmaes")}  # what a sampler needs, where that is more than optuna


@dataclass(frozen=True)
class Tuning:
    """One study's settings; `params`, its search space, is read with the command line's own."""

    n_trials: int  # in all: a resumed study finishes what is left
    sampler: Sampler
    pruner: Pruner
    seeds: int  # tuning seeds a trial; its value is their mean
    report_seeds: int  # that the winner is run on: 0, 1, ...; none of them a tuning seed
    study_seed: int  # of what the sampler draws


def tuning_of(config: DictConfig) -> Tuning:
    """The node `hydra.sweeper` of a config; raises Refused for a value out of range or an extra not installed."""
    node: Any = config.hydra.sweeper
    said = {each.name: node[each.name] for each in fields(Tuning)}
    for name, least in LEAST.items():
        if type(said[name]) is not int or said[name] < least:
            raise Refused(f"hydra.sweeper.{name}={said[name]}: a whole number is needed, at least {least}")
    for name, known in {"sampler": get_args(Sampler), "pruner": get_args(Pruner)}.items():
        if said[name] not in known:
            raise Refused(f"hydra.sweeper.{name}={said[name]} is not known. {closest(str(said[name]), known)}")
    for module in MODULES.get(said["sampler"], ("optuna",)):
        try:
            import_module(module)
        except ImportError as error:
            raise Refused(f"tuning needs {module}, which is not installed: pip install 'paralab[tune]'") from error
    return Tuning(**said)
