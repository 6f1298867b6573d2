"""A trial's runs, from configs composed once before the first: no YAML edited meanwhile changes any of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from paralab.build import build
from paralab.compose import compose, explain
from paralab.errors import Refused
from paralab.guard import parse
from paralab.record.plan import Plan
from paralab.seeds import TUNING
from paralab.sweep.plan import Chosen, chosen_of, planned
from paralab.trust import TRAINER
from paralab.tune.space import Choice, Dimension, Space, Value, axes, spoken

FAIR = ("select", "split_seed")  # what tuning sets where nothing is said


class Points:
    """The points of a search space as runs; raises Refused where none of them could be tuned."""

    def __init__(
        self, load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str], trust: Sequence[str]
    ) -> None:
        self._load = load
        self._groups: dict[str, bool] = {}  # by key
        self._axes = list(axes(config, overrides))
        self.space: Space = dict(axis for axis in self._axes if isinstance(axis, tuple))
        if not self.space:
            raise Refused(
                "nothing is left open to tune: add one such as 'trainer.learning_rate=tag(log, interval(1e-4, 1e-1))'"
            )
        own = [override.input_line or "" for override in parse(overrides) if override.is_hydra_override()]
        self.fixed = [axis for axis in self._axes if isinstance(axis, str)]
        self._chosen: dict[tuple[str, ...], Chosen] = {}
        for texts in itertools.product(*map(self._choices, self._axes)):
            groups = tuple(text for text in texts if text)
            config = compose(load, [*own, "hydra.mode=RUN", *groups], whole=False)
            self._chosen[groups] = chosen_of(config, trust)
        said = {parse([text])[0].key_or_group for text in self.fixed}
        split_seed = [] if "split_seed" in said or config.split_seed is not None else ["split_seed=0"]
        self.added = [*([] if "select" in said else ["select=true"]), *split_seed]
        self.examples = [self._example(groups) for groups in self._chosen]
        for plan in self.examples:
            _check(plan, trust)

    def plan(self, params: Mapping[str, Value], seed: int) -> Plan:
        """One run of a trial, or of the winner's report; raises Refused where its config does not hold together."""
        texts = [*self.words(params), f"seed={seed}"]
        groups = tuple(text for text in texts if self._is_group(text))
        plain = parse([text for text in texts if text not in groups])
        try:
            return planned(self._chosen[groups], plain, texts, tuning=seed >= TUNING)
        except (HydraException, OmegaConfBaseException) as error:
            raise Refused(explain(error, self._load)) from error

    def words(self, params: Mapping[str, Value]) -> list[str]:
        """A point as the overrides of a command line."""
        own = [axis if isinstance(axis, str) else f"{axis[0]}={spoken(params[axis[0]])}" for axis in self._axes]
        return [*own, *self.added]

    def _is_group(self, text: str) -> bool:
        """Whether an override chooses of a config group; what it chooses is not looked at."""
        key = text.partition("=")[0]
        if key not in self._groups:
            override = parse([text])[0]
            plain = isinstance(override.value(), dict)
            self._groups[key] = not plain and self._load.repository.group_exists(override.key_or_group)
        return self._groups[key]

    def _choices(self, axis: str | tuple[str, Dimension]) -> Sequence[str]:
        """The texts of an axis that choose of a config group; [""] of any other."""
        if isinstance(axis, str):
            return [axis if self._is_group(axis) else ""]
        key, dimension = axis
        texts = [f"{key}={value}" for value in dimension.values] if isinstance(dimension, Choice) else []
        return texts if texts and self._is_group(texts[0]) else [""]

    def _example(self, groups: Sequence[str]) -> Plan:
        params: dict[str, Value] = {}
        for key, dimension in self.space.items():
            values = [value for value in dimension.values or [] if f"{key}={value}" in groups]
            first: Any = dimension.values[0] if isinstance(dimension, Choice) else dimension.at(0.0)
            params[key] = values[0] if values else first
        return self.plan(params, TUNING)


def _check(plan: Plan, trust: Sequence[str]) -> None:
    """Refuse what leaves no validation score to tune on, would run finished trials anew, or fits no trainer's field."""
    trainer = {key: value for key, value in plan.config["trainer"].items() if key != "default_steps"}
    build(trainer, "trainer", TRAINER, trust)
    if plan.config["split"] == "all":
        raise Refused("split=all leaves no validation to tune on: set split=holdout, and give labels to score by")
    if not plan.config["select"]:
        raise Refused("select=false leaves no validation to tune on: leave it out, tuning sets select=true")
    if plan.config["force"]:
        raise Refused("force=true would run trials anew: begin another study with hydra.sweeper.study_seed=")
