"""A scenario: which rows are tested on, which are shown, and which of those come with their answer.

One idea serves all three draws: a random *stratified order* of rows, of which every beginning is itself stratified. The
test rows are the beginning of one order, the labelled rows the beginning of another (so the 20 are among the 50), the
validation rows the beginning of a third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from paralab import seeds
from paralab.core import Array
from paralab.errors import Refused

TEST_SHARE = 0.3  # of all rows
VALID_SHARE = 0.2  # of the granted labels


@dataclass(frozen=True)
class Scenario:
    """One repetition of an experiment; same problem and same scenario: same rows and labels for every trainer."""

    seed: int
    labels: int | None  # answers granted (labels, or pulls of a bandit); None: one a training row
    split: Literal["holdout", "all"]  # all: judged on the very rows it saw, without any label
    split_seed: int | None  # None: follows the seed
    select: bool  # withhold a part of the labels as validation


@dataclass(frozen=True)
class Rows:
    """Row ids of a scenario, sorted; under holdout `train`, `test`, `valid` are disjoint, `labelled` lies in `train`.

    Between scenarios that differ in `labels` only, the granted rows (`labelled` and `valid` together) are nested and
    `test` is the same. Under select, which of the granted rows are withheld is drawn anew for every number of labels,
    so `labelled` and `valid` by themselves are not nested.
    """

    train: Array  # (n,) shown in every view, most without their answer
    test: Array  # (m,)
    labelled: Array  # (l,) shown with their answer
    valid: Array  # (v,) granted, but withheld from every view

    @property
    def named(self) -> Mapping[str, Array]:
        return {"train": self.train, "test": self.test, "labelled": self.labelled, "valid": self.valid}


def stratified_order(strata: Array, stream: np.random.Generator) -> Array:
    """A random order of the rows of `strata` (n,) int, every beginning of which is stratified.

    First one row of each stratum, then the strata by proportion (within one row or so). One stratum: a permutation.
    """
    shuffled = stream.permutation(len(strata))
    values = strata[shuffled]
    rank, share = np.zeros(len(values), int), np.zeros(len(values))
    for stratum in np.unique(values):
        members = np.flatnonzero(values == stratum)
        rank[members] = np.arange(len(members))
        share[members] = (rank[members] + 0.5) / len(members)
    return np.asarray(shuffled[np.lexsort((share, rank > 0))])


def draw(strata: Array, scenario: Scenario) -> Rows:
    """Draw the rows of a scenario from the stratum of every row, (n,) int; regression has one stratum.

    Lenient where only the view decides (a bandit's pulls may exceed the rows; it has no validation): see `check`.
    Raises Refused where no view could make sense of the scenario.
    """
    if scenario.labels is not None and scenario.labels < 1:
        raise Refused(
            f"labels={scenario.labels} grants no answer at all; give 1 or more, or null for every training row"
        )
    everything, nothing = np.arange(len(strata)), np.arange(0)
    if scenario.split == "all":
        if scenario.labels is not None or scenario.select:
            raise Refused("split=all judges without labels: set labels=null and select=false, or use split=holdout")
        return Rows(train=everything, test=everything, labelled=nothing, valid=nothing)
    split_seed = scenario.seed if scenario.split_seed is None else scenario.split_seed
    order = stratified_order(strata, seeds.generator(split_seed, "split"))
    size = ceil(TEST_SHARE * len(strata))
    test, rest = np.sort(order[:size]), np.sort(order[size:])
    if len(np.unique(strata[rest])) < len(np.unique(strata)):
        raise Refused("split=holdout needs 2 rows of every class, to show and to test on: leave out classes of one row")
    stream = seeds.generator(scenario.seed, "labels")
    granted = rest[stratified_order(strata[rest], stream)[: scenario.labels]]
    valid = nothing
    if scenario.select and all(np.sum(strata[granted] == stratum) >= 2 for stratum in np.unique(strata)):
        valid = np.sort(granted[stratified_order(strata[granted], stream)[: ceil(VALID_SHARE * len(granted))]])
    return Rows(train=np.setdiff1d(rest, valid), test=test, labelled=np.setdiff1d(granted, valid), valid=valid)


def check(rows: Rows, scenario: Scenario, classes: int) -> None:
    """Raise Refused where a view that lives on labels cannot have the ones asked for; `classes` is 0 for regression.

    Rows without labels need `classes` 0 too: a read-out works, worse, with fewer labels than classes.
    """
    if scenario.split == "all":
        return
    asked, available = scenario.labels, len(rows.train) + len(rows.valid)
    if asked is not None and asked > available:
        raise Refused(f"labels={asked} is more than the {available} training rows; give at most {available}, or null")
    granted = available if asked is None else asked
    if granted < classes:
        raise Refused(f"labels={granted} is fewer than the {classes} classes; give at least {classes}, or null")
    if scenario.select and not len(rows.valid):
        raise Refused(
            f"select=true needs 2 labels (of every class), {granted} give fewer; raise labels, or set select=false"
        )
