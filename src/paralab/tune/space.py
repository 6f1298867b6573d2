"""The search space: what a command line or an experiment leaves open, in Hydra's own grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from paralab.errors import Refused
from paralab.guard import parse
from paralab.schema import SWEEPS

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = float | int | str  # of a choice: its text in an override
# interval(1, 10): Hydra itself makes floats of them
WHOLE = re.compile(r"interval\(\s*(start\s*=\s*)?[+-]?\d+\s*,\s*(end\s*=\s*)?[+-]?\d+\s*\)")
TUNED = ("trainer", "budget")  # where settings lie; all else is what is asked of them


def spoken(value: Value) -> Value:
    """As it is run and shown: of six digits, as no seventh matters."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


@dataclass(frozen=True)
class Interval:
    low: float
    high: float  # included
    log: bool
    whole: bool
    step: int = 1  # of whole numbers

    @property
    def values(self) -> Sequence[Value] | None:
        """All there are, where there are finitely many."""
        return range(int(self.low), int(self.high) + 1, self.step) if self.whole else None

    def place(self, value: float) -> float:
        """In [0, 1], as a sampler of vectors sees it."""
        low, high, value = (log(each) if self.log else each for each in (self.low, self.high, value))
        return (value - low) / (high - low) if high > low else 0.5

    def at(self, place: float) -> Value:
        """The value at a place in [0, 1]."""
        value = self.low + place * (self.high - self.low)
        if self.log:
            value = self.low * (self.high / self.low) ** place
        value = min(max(value, self.low), self.high)
        if not self.whole:
            return value
        count = round((int(self.high) - int(self.low)) / self.step)
        return int(self.low) + self.step * min(round((value - self.low) / self.step), count)

    @property
    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=self.step)
        return FloatDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choice:
    values: tuple[str, ...]

    @property
    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Dimension = Interval | Choice
Space = Mapping[str, Dimension]  # by key


def axes(config: DictConfig, overrides: Sequence[str]) -> Iterator[str | tuple[str, Dimension]]:
    """What a trial is made of, in Hydra's order: overrides as they stand, and keys with what they may be.

    Raises Refused for what cannot be sampled, and for what is no setting of a trainer.
    """
    given = parse(overrides)
    keys = {override.get_key_element() for override in given}
    params: Any = OmegaConf.to_container(config.hydra.sweeper.params) or {}
    own = parse([f"{key}={'null' if value is None else value}" for key, value in params.items() if key not in keys])
    for override in (*own, *given):
        if override.is_hydra_override() or re.split("[./]", override.key_or_group)[0] in SWEEPS:
            continue
        key = override.get_key_element()
        if key == "seed":
            raise Refused("seed is the tuner's own: set hydra.sweeper.seeds (a trial's) and report_seeds beside it")
        if not override.is_sweep_override():
            yield override.input_line or ""
            continue
        dimension = _dimension(override)
        if isinstance(dimension, Choice) and len(dimension.values) == 1:
            yield f"{key}={dimension.values[0]}"
        elif re.split("[./@]", override.key_or_group)[0] not in TUNED:
            raise Refused(f"{key} says what is asked, only trainer and budget settings are tuned: tune for each value")
        else:
            yield key, dimension


def _dimension(override: Override) -> Dimension:
    sweep, said = override.value(), f"'{override.input_line}'"
    if not isinstance(sweep, ChoiceSweep | IntervalSweep | RangeSweep):
        raise Refused(f"{said} cannot be sampled: write interval(a, b), choice(a, b), range(a, b), or a,b")
    if sweep.tags - {"log"} or (sweep.tags and not isinstance(sweep, IntervalSweep)):
        raise Refused(f"{said}: the one tag there is, is log, of an interval")
    if isinstance(sweep, IntervalSweep):
        return _interval(sweep, said, override.input_line or "")
    if isinstance(sweep, RangeSweep) and all(type(each) is int for each in (sweep.start, sweep.stop, sweep.step)):
        numbers = sorted(sweep.range())
        if len(numbers) > 1:
            return Interval(numbers[0], numbers[-1], log=False, whole=True, step=abs(int(sweep.step)))
    try:
        texts = [str(each) for each in override.sweep_string_iterator()]
    except (HydraException, OmegaConfBaseException) as error:
        raise Refused(f"{said} cannot be listed: write plain values, or one range") from error
    if not texts or len(set(texts)) < len(texts):
        raise Refused(f"{said}: {'a value is there twice' if texts else 'no value is in it'}; give each one once")
    return Choice(tuple(sorted(texts) if sweep.shuffle else texts))


def _interval(sweep: IntervalSweep, said: str, text: str) -> Interval:
    if sweep.start is None or sweep.end is None or not (isfinite(sweep.start) and isfinite(sweep.end)):
        raise Refused(f"{said}: both ends are needed, as finite numbers")
    if not sweep.start < sweep.end:
        raise Refused(f"{said}: its end has to be above its start")
    logarithmic = "log" in sweep.tags
    if logarithmic and sweep.start <= 0:
        raise Refused(f"{said}: a log scale begins above 0")
    whole = type(sweep.start) is int or WHOLE.search(text) is not None
    return Interval(sweep.start, sweep.end, logarithmic, whole)
