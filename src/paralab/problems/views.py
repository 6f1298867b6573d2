"""How the rows of a scenario become what a trainer is shown: a view holds copies of the granted rows and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import SyncVectorEnv

from paralab import seeds
from paralab.core import Array, Env, Environment, Labelled, Meaning, PartlyLabelled, Signature, Space, Unlabelled, View
from paralab.datasets.dataset import Dataset
from paralab.datasets.splits import Marks, Rows, Scenario, check, draw
from paralab.environments import bandit
from paralab.environments.journal import Journal
from paralab.meter import Meter
from paralab.named import Classes


def rows_of(data: Dataset, strata: Array, scenario: Scenario) -> Rows:
    """The scenario's rows, by the stratum of every row and the groups, times and test part that the data names."""
    return draw(strata, scenario, Marks(data.groups, data.times, data.official, data.classes))


def of(data: Dataset, rows: Rows, scenario: Scenario, *kinds: type) -> Mapping[type, Callable[[], View]]:
    """The views of these kinds, each made when it is asked for."""
    return {kind: partial(MAKERS[kind], data, rows, scenario) for kind in kinds}


def answer_space(data: Dataset) -> tuple[Meaning, Space]:
    """What one target is: a class index, or a number."""
    if data.classes:
        return Meaning.LABEL, Classes(data.classes)
    return Meaning.VALUE, Box(-np.inf, np.inf, (), np.float64)


def task(data: Dataset) -> Signature:
    meaning, space = answer_space(data)
    return Signature(data.space, {meaning: space})


def labelled(data: Dataset, rows: Rows, scenario: Scenario) -> Labelled:
    """The granted rows with their answers; raises Refused where the scenario cannot grant them."""
    check(rows, scenario, len(data.classes))
    return Labelled(data.inputs[rows.labelled], data.targets[rows.labelled], task(data))


def partly_labelled(data: Dataset, rows: Rows, scenario: Scenario) -> PartlyLabelled:
    """All training rows, the answers that are not granted hidden as -1 or NaN; raises Refused as `labelled`."""
    check(rows, scenario, len(data.classes))
    hidden = np.full(len(rows.train), -1 if data.classes else np.nan, data.targets.dtype)
    return PartlyLabelled(
        data.inputs[rows.train],
        np.where(np.isin(rows.train, rows.labelled), data.targets[rows.train], hidden),
        task(data),
    )


def unlabelled(data: Dataset, rows: Rows, scenario: Scenario) -> Unlabelled:
    """All training rows without answers; raises Refused where the read-out's labels cannot be granted.

    Fewer labels than classes are allowed: they only name what was found, and a class without a label is never named.
    """
    check(rows, scenario, 0)
    return Unlabelled(data.inputs[rows.train], Signature(data.space))


def environment(data: Dataset, rows: Rows, scenario: Scenario) -> Environment:
    """The training rows as a contextual bandit of `labels` pulls, or one a row; the right action earns 1.

    A bandit has no validation (its labels would tell more than its rewards), so no row is withheld from it.
    """
    shown = np.union1d(rows.train, rows.valid)
    grant = len(shown) if scenario.labels is None else scenario.labels
    meter = Meter(grant, best=1.0, bits=1.0)  # a reward is right or wrong
    contexts, right = data.inputs[shown], data.targets[shown]
    copy_by_seed = bandit.make(contexts, right, data.space, len(data.classes), meter)
    seed = scenario.seed

    def make(place: int) -> Env:
        return Journal(copy_by_seed(seeds.integers(seed, "environment", place + 1)[place]))

    def make_vec(count: int) -> SyncVectorEnv:
        return SyncVectorEnv([partial(make, place) for place in range(count)])

    return Environment(make, make_vec, Signature(data.space, {Meaning.ACTION: Discrete(len(data.classes))}), meter)


MAKERS: Mapping[type, Callable[[Dataset, Rows, Scenario], View]] = {
    Labelled: labelled,
    PartlyLabelled: partly_labelled,
    Unlabelled: unlabelled,
    Environment: environment,
}
