"""Which point is tried next: of the study's seed and the trial's number alone, so that a restart changes no draw.

TPE (Bergstra 2011, multivariate: Falkner 2018) and random search are Optuna's; CMA-ES (Hansen 2016) is of the package
`cmaes`, which Optuna wraps too, but keeping its state as a pickle; here it is told again what is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from paralab import seeds
from paralab.errors import Refused
from paralab.tune.options import Tuning
from paralab.tune.space import Choice, Interval, Space, Value
from paralab.tune.study import counted

MOST = 1_000_000  # points of a grid
WIDTH = 1 / 6  # of CMA-ES's first cloud, in units of each interval: Optuna's
GENERATION = "generation"


def total(space: Space, tuning: Tuning) -> int:
    """How many trials there will be; raises Refused where the sampler cannot sample the space."""
    if tuning.sampler == "cmaes":
        if sum(isinstance(each, Interval) for each in space.values()) < 2:
            raise Refused("hydra.sweeper.sampler=cmaes needs two intervals at least: use sampler=tpe")
    elif tuning.sampler == "grid":
        return min(tuning.n_trials, math.prod(_shape(space)))
    return tuning.n_trials


def ask(study: optuna.Study, space: Space, tuning: Tuning) -> Trial:
    """The next trial: one that a killed driver left, or the sampler's next."""
    number = len(counted(study))
    seed = seeds.integers(tuning.study_seed, "tuning", number + 1)[number]
    distributions = {key: dimension.distribution for key, dimension in space.items()}
    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if tuning.sampler == "grid":
            study.enqueue_trial(_grid_point(space, tuning.study_seed, number))
        elif tuning.sampler == "cmaes":
            params, generation = _evolved(study, space, seed)
            study.enqueue_trial(dict(params), user_attrs={GENERATION: generation})
        elif tuning.sampler == "random":
            study.sampler = optuna.samplers.RandomSampler(seed)
        else:
            study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True)
    return study.ask(distributions)


def _shape(space: Space) -> list[int]:
    open_ = [key for key, dimension in space.items() if dimension.values is None]
    if open_:
        raise Refused(f"hydra.sweeper.sampler=grid: {open_[0]} has no end of values; list them, or use sampler=random")
    shape = [len(dimension.values or ()) for dimension in space.values()]
    if math.prod(shape) > MOST:
        raise Refused(f"hydra.sweeper.sampler=grid: {math.prod(shape)} points are too many, at most {MOST}")
    return shape


def _grid_point(space: Space, study_seed: int, number: int) -> dict[str, Any]:
    """The grid in an order of its own, so that a part of it is spread over all."""
    shape = _shape(space)
    order = seeds.generator(study_seed, "tuning").permutation(math.prod(shape))
    places = np.unravel_index(int(order[number]), shape)
    return {
        key: (dimension.values or ())[int(place)]
        for (key, dimension), place in zip(space.items(), places, strict=True)
    }  # fmt: skip


def _evolved(study: optuna.Study, space: Space, seed: int) -> tuple[Mapping[str, Value], int]:
    """CMA-ES over the intervals, told every whole generation again; choices are drawn at random."""
    from cmaes import CMA

    inner = {key: each for key, each in space.items() if isinstance(each, Interval)}
    bounds = np.tile([0.0, 1.0], (len(inner), 1))
    cma = CMA(mean=np.full(len(inner), 0.5), sigma=WIDTH, bounds=bounds, seed=seed)
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    while len(born := [trial for trial in complete if trial.user_attrs[GENERATION] == cma.generation]) >= (
        cma.population_size
    ):
        cma.tell([_told(trial, inner) for trial in born[: cma.population_size]])
    drawn = zip(inner, cma.ask(), strict=True)
    stream = np.random.default_rng(seed)
    chosen = {
        key: each.values[int(stream.integers(len(each.values)))]
        for key, each in space.items()
        if isinstance(each, Choice)
    }
    return {**{key: inner[key].at(float(place)) for key, place in drawn}, **chosen}, cma.generation


def _told(trial: FrozenTrial, inner: Mapping[str, Interval]) -> tuple[Any, float]:
    assert trial.value is not None
    return np.array([each.place(float(trial.params[key])) for key, each in inner.items()]), -trial.value
