"""What a command line and an experiment's YAML say of a grid, as its points: one list of overrides a run.

Axes by Hydra's grammar, the last varies fastest; `sweep.zip` lets some go together, `sweep.csv` adds the rows of a file
as the last axis, `sweep.exclude` leaves points out. What the command line says of a key replaces the experiment's own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from paralab.compose import choices
from paralab.errors import Refused, closest
from paralab.guard import parse
from paralab.schema import SWEEPS
from paralab.sweep.exclude import Point, values_of, without
from paralab.sweep.rows import Row, read

LISTS = {"sweep.zip": "[labels,seed]", "sweep.exclude": '["trainer=supervised/mlp labels=20"]'}
Offered = Callable[[str], Sequence[str]]  # what a config group has
Step = tuple[tuple[tuple[int, str], ...], str]  # texts with their places on the line, and where a file says them


@dataclass(frozen=True)
class Grid:
    points: Sequence[Point]  # at least one
    notices: Sequence[str]  # for the user


@dataclass(frozen=True)
class _Axis:
    key: str  # as it is written: "labels", "+trainer.kwargs.a"
    texts: Sequence[str]  # "labels=20", ...

    @property
    def name(self) -> str:
        return self.key.lstrip("+~")


def points(config: DictConfig, overrides: Sequence[str], load: ConfigLoaderImpl | None = None) -> Grid:
    """The grid of a composed config and its command line, `load` for what glob(*) may match; raises Refused."""
    offered = partial(choices, load) if load else _nothing
    said: Any = OmegaConf.to_container(config.sweep, resolve=True)
    given = [override for override in parse(overrides) if of_runs(override)]
    own = _own_axes(config, given, offered)
    rows: list[Row] = read(said["csv"]) if said["csv"] is not None else []
    columns = {key: None for row in rows for key in row.keys}
    if columns:
        on_line = any(word.startswith("sweep.csv=") for word in overrides)
        own = [axis for axis in own if not (on_line and axis.name in columns)]
        replaced = [] if on_line else [override.key_or_group for override in given]
        rows = [row.without(replaced) for row in rows]
        columns = {key: None for key in columns if key not in replaced}
    axes = [*own, *(_Axis(override.get_key_element(), list(values_of(override, offered))) for override in given)]
    if twice := next((axis.name for axis in axes if axis.name in columns), None):
        raise Refused(f"{twice} is an axis of this grid and a column of {said['csv']}; leave one of them out")
    blocks = _zipped(axes, _groups(said["zip"], axes))
    if rows:
        blocks.append([_step(row, len(axes)) for row in rows])
    every = [_point(steps) for steps in itertools.product(*blocks)]
    return Grid(*without(every, said["exclude"], {*columns, *(axis.name for axis in axes)}))


def _nothing(group: str) -> Sequence[str]:
    return ()


def of_runs(override: Override) -> bool:
    """Not of Hydra, nor of how the grid is run."""
    return not override.is_hydra_override() and not of_sweep(override.key_or_group)


def of_sweep(key: str) -> bool:
    return re.split("[./]", key)[0] in SWEEPS


def _own_axes(config: DictConfig, given: Sequence[Override], offered: Offered) -> list[_Axis]:
    """The experiment's own axes, but those that the command line says something of."""
    replaced = {override.get_key_element() for override in given}
    params: Any = OmegaConf.to_container(config.hydra.sweeper.params) or {}
    for key in params:
        if of_sweep(str(key)):
            raise Refused(f"hydra.sweeper.params.{key}: how a grid is run is no axis of it; say it at the YAML's top")
    texts = [f"{key}={'null' if value is None else value}" for key, value in params.items() if key not in replaced]
    return [_Axis(override.get_key_element(), list(values_of(override, offered))) for override in parse(texts)]


def check_lists(given: Sequence[Override]) -> None:
    """Raise Refused for a list of how a grid is run that is written as something else."""
    for override in given:
        form = LISTS.get(override.key_or_group)
        if form and (override.is_sweep_override() or not isinstance(override.value(), list)):
            raise Refused(f"'{override.input_line}' is no list: write it as {override.key_or_group}={form}")


def _groups(said: Sequence[Any], axes: Sequence[_Axis]) -> list[list[int]]:
    """`sweep.zip` as places of axes: one list of keys, or several."""
    if not said:
        return []
    lists = [isinstance(each, list) for each in said]
    if any(lists) != all(lists):
        raise Refused(f"sweep.zip={said}: a list of keys is needed, [labels,seed], or several, [[labels,seed],[...]]")
    groups = [[_place(str(key), axes) for key in group] for group in (said if all(lists) else [said])]
    flat = [place for group in groups for place in group]
    if twice := next((axes[place].name for place in flat if flat.count(place) > 1), None):
        raise Refused(f"sweep.zip names {twice} twice")
    for first, *others in groups:
        for other in others:
            one, two = axes[first], axes[other]
            if len(one.texts) != len(two.texts):
                raise Refused(
                    f"sweep.zip pairs {one.name}, which has {len(one.texts)} values, with {two.name}, which has "
                    f"{len(two.texts)}; give both as many"
                )
    return groups


def _place(key: str, axes: Sequence[_Axis]) -> int:
    for place, axis in reversed(list(enumerate(axes))):
        if key in (axis.name, axis.key):
            return place
    raise Refused(f"sweep.zip: '{key}' is no axis of this grid. {closest(key, [axis.name for axis in axes])}")


def _zipped(axes: Sequence[_Axis], groups: Sequence[Sequence[int]]) -> list[list[Step]]:
    """What the product is taken of: an axis, or, where its first stands, a group of them."""
    blocks: list[list[Step]] = []
    together = {min(group): group for group in groups if group}
    inside = {place for group in groups for place in group}
    for place in range(len(axes)):
        if place in inside and place not in together:
            continue
        group = together.get(place, [place])
        count = len(axes[place].texts)
        blocks.append([(tuple((each, axes[each].texts[row]) for each in group), "") for row in range(count)])
    return blocks


def _step(row: Row, after: int) -> Step:
    return tuple((after + place, text) for place, text in enumerate(row.texts)), row.origin


def _point(steps: Iterable[Step]) -> Point:
    chosen = sorted(each for texts, _ in steps for each in texts)
    return Point(tuple(text for _, text in chosen), next((origin for _, origin in steps if origin), ""))
