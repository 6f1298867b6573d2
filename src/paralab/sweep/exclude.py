"""Points of a grid, and those that are left out: `sweep.exclude=["trainer=supervised/mlp labels=20,50", ...]`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from paralab.errors import Refused, closest
from paralab.guard import parse


@dataclass(frozen=True)
class Point:
    """One run of a grid, as it would stand on the command line."""

    said: tuple[str, ...]  # overrides
    origin: str = ""  # "points.csv, line 3" where a file says some of them


def without(
    every: Sequence[Point], exclusions: Sequence[str], names: AbstractSet[str]
) -> tuple[list[Point], list[str]]:
    """The points that no exclusion matches in all its words, and a notice for each exclusion that matches none.

    `names` are the keys that words may name. Raises Refused for another, and where no point is left.
    """
    texts = list(dict.fromkeys(text for point in every for text in point.said)) if exclusions else []
    said = dict(zip(texts, parse(texts), strict=True))
    left, unmet = list(every), []
    for text in exclusions:
        met = [(name, _meeting(values, name, said)) for name, values in _words(text, names)]
        out = {point.said for point in every if all(_last(point, name, said) in of_word for name, of_word in met)}
        left = [point for point in left if point.said not in out]
        if not out:
            unmet.append(f"sweep.exclude: no point of this grid is '{text}'")
    if not left:
        raise Refused("sweep.exclude leaves no point of this grid; take an exclusion out")
    return left, unmet


def _words(text: str, names: AbstractSet[str]) -> Iterator[tuple[str, list[Override]]]:
    """Each word's key, and the values any of which it takes."""
    words = re.split(r"\s+(?=[+~]*[\w./@]+=)", text.strip())
    if bad := next((word for word in words if "=" not in word), None):
        raise Refused(f"sweep.exclude: '{bad}' is no key=value: an exclusion is written \"labels=20 seed=1,2\"")
    for override in parse(words):
        if _name(override) not in names:
            raise Refused(
                f"sweep.exclude: '{_name(override)}' is no axis of this grid. {closest(_name(override), names)}"
            )
        yield _name(override), parse(list(values_of(override)))


def _meeting(values: Sequence[Override], name: str, said: dict[str, Override]) -> set[str]:
    wanted = {repr(_number(override)) for override in values}
    return {text for text, each in said.items() if _name(each) == name and repr(_number(each)) in wanted}


def _last(point: Point, name: str, said: dict[str, Override]) -> str | None:
    """What a point says of a key: the last word counts."""
    return next((text for text in reversed(point.said) if _name(said[text]) == name), None)


def _name(override: Override) -> str:
    return override.get_key_element().lstrip("+~")


def _number(override: Override) -> object:
    """A value such that 1 and 1.0 are the same, but 1 and true are not."""
    value = override.value()
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def values_of(override: Override, offered: Callable[[str], Sequence[str]] = lambda group: ()) -> Iterator[str]:
    """An axis as an override a value; `offered` says what a group has, for glob(*). Raises Refused."""
    value = override.value()
    if not override.is_sweep_override():
        yield override.input_line or ""
    elif isinstance(value, Glob):
        found = value.filter(list(offered(override.key_or_group)))
        if not found:
            raise Refused(f"'{override.input_line}' matches no choice of {override.key_or_group}")
        yield from (f"{override.get_key_element()}={name}" for name in found)
    elif override.is_discrete_sweep():
        try:
            values = list(override.sweep_string_iterator())
        except (HydraException, OmegaConfBaseException) as error:  # seed=range(3),x
            raise Refused(f"'{override.input_line}' cannot be listed: write plain values, or one range") from error
        if not values:
            raise Refused(f"'{override.input_line}' holds no value")
        yield from (f"{override.get_key_element()}={value}" for value in values)
    else:
        raise Refused(f"'{override.input_line}' is an interval, which only a tuner can sample; list the values instead")
