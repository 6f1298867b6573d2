"""An experiment as a table: one row a run, with the settings in which runs differ, and every score and cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paralab.compare.gather import of_tuning
from paralab.compare.variants import COPIES, config
from paralab.record.identity import KEYS
from paralab.record.read import Run, demand, runs

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Value = str | int | float | bool | None
SAID = ("trainer._target_", "problem._target_")  # what the columns `trainer` and `problem` say
ORDER = ("test/", "test_last/", "valid/", "train/")  # of the scores; others after them, costs last


def frame(experiment: str | None, root: str | Path = "experiments") -> DataFrame:
    """All runs of an experiment, or of every one (None), as a pandas DataFrame in the fixed order of `read.runs`.

    Columns: what a run is, `tuning` (a tuner chose by it: its seed is none to report), `score` (the objective on
    test, of finished runs), one a setting that differs, named as on the command line (`trainer.C`), one a score and
    cost, named as in scores.json. What a run has not is missing; so is a setting that is null. Raises Refused.
    """
    place = Path(root)
    return table(runs(place) if experiment is None else demand(place, experiment))


def table(found: Sequence[Run]) -> DataFrame:
    """The same of runs that were read; a column's type follows from what is in it."""
    from pandas import DataFrame

    settings = differing(found)
    names = sorted({name for run in found for name in run.scores}, key=_rank)
    columns: dict[str, list[Value]] = {
        "experiment": [run.experiment for run in found],
        "problem": [run.problem for run in found],
        "paradigm": [run.paradigm for run in found],
        "trainer": [run.trainer for run in found],
        "config_id": [run.config_id for run in found],
        "seed": [run.seed for run in found],
        "tuning": [of_tuning(run) for run in found],
        "status": [run.status for run in found],
        "labels": [run.labels for run in found],
        "split": [run.split or None for run in found],
        "objective": [run.objective or None for run in found],
        "score": [run.score for run in found],
    }
    keys = {key for held in settings for key in held}
    columns |= {key: [held.get(key) for held in settings] for key in sorted(keys - columns.keys())}
    columns |= {name: [run.scores.get(name) for run in found] for name in names}
    columns |= {"error": [run.error for run in found], "folder": [run.folder.as_posix() for run in found]}
    measured = {"score", *names}
    return DataFrame({name: _column(name, values, measured) for name, values in columns.items()})


def differing(found: Sequence[Run]) -> list[dict[str, Value]]:
    """For each run the settings in which some two runs differ that both have them; a trainer's own are its alone."""
    by_config: dict[tuple[str, str], dict[str, Value]] = {}
    for run in found:  # runs of one config id differ in their seed only
        if (run.experiment, run.config_id) not in by_config:
            by_config[run.experiment, run.config_id] = settings(config(run.folder))
    values: dict[str, set[tuple[type, Value]]] = {}
    for held in by_config.values():
        for key, value in held.items():
            values.setdefault(key, set()).add((type(value), value))
    wanted = {key for key, seen in values.items() if len(seen) > 1 and key not in SAID}
    if all(held.get("trainer.horizon", steps) == steps for held in by_config.values() for steps in _steps(held)):
        wanted.discard("trainer.horizon")
    each = [by_config[run.experiment, run.config_id] for run in found]
    return [{key: value for key, value in held.items() if key in wanted} for held in each]


def settings(said: Mapping[str, object]) -> dict[str, Value]:
    """A config's settings that decide a run's outcome, by dotted names, `seed` apart; a list is its JSON."""
    return {key: value for key, value in flat(said) if key.split(".")[0] in KEYS and not key.startswith(COPIES)}


def flat(said: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Nested settings by dotted names: {"trainer": {"C": 1}} as ("trainer.C", 1)."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float):
            yield f"{prefix}{name}", value
        else:
            yield f"{prefix}{name}", json.dumps(value, default=str)


def _steps(held: Mapping[str, Value]) -> list[Value]:
    return [held["budget.steps"]] if "budget.steps" in held else []


def _rank(name: str) -> tuple[int, str]:
    if name.startswith("cost/"):
        return len(ORDER) + 1, name
    return next((place for place, start in enumerate(ORDER) if name.startswith(start)), len(ORDER)), name


def _column(name: str, values: Sequence[Value], measured: set[str]) -> Series:
    """Bools, whole numbers or fractions where all are, else text: files take no column of mixed kinds."""
    from pandas import Series

    kinds = {type(value) for value in values if value is not None}
    if name in measured or (kinds and kinds <= {int, float} and float in kinds):
        return Series([float("nan") if value is None else value for value in values], dtype="float64")
    if kinds == {bool}:
        return Series(values, dtype="bool" if None not in values else "boolean")
    if kinds == {int}:
        return Series(values, dtype="Int64")
    return Series([None if value is None else _text(value) for value in values], dtype="str")


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
