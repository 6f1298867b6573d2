"""A scenario: which rows are tested on, which are shown, and which of those come with their answer.

One idea serves the random draws: a random *stratified order* of rows, of which every beginning is itself stratified.
The test rows are the beginning of one order, the labelled rows the beginning of another (so the 20 are among the 50),
the validation rows the beginning of a third.

Validation imitates the test. Where whole groups are tested on, whole groups are withheld; where the latest rows are,
the latest of the granted ones are. What would give those away, being of their groups or not before them, is shown to
nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from paralab import seeds
from paralab.core import Array
from paralab.datasets import parts
from paralab.errors import Refused

VALID_SHARE = 0.2  # of the granted labels

SplitName = Literal["holdout", "all", "cv", "official", "group", "time"]


@dataclass(frozen=True)
class Scenario:
    """One repetition of an experiment; same problem and same scenario: same rows and labels for every trainer.

    What is tested on, by `split`:
    holdout: `test_size` of the rows, at random, stratified by class.
    cv: fold number `fold` of `folds`; over all of them every row is tested on once. Of whole groups where there are.
    official: the rows that the data's publisher, or a file of their own, named.
    group: whole groups of about `test_size` of the rows, so that no patient, user or site is on both sides.
    time: the latest `test_size` of the rows, learning from what was before; nothing of the future is ever shown.
    all: the very rows it saw, without any label.
    Raises Refused for numbers out of range.
    """

    seed: int
    labels: int | None  # answers granted (labels, or pulls of a bandit); None: one a training row
    split: SplitName
    split_seed: int | None  # None: follows the seed
    test_size: float  # share of the rows tested on by holdout, group and time
    folds: int  # of split=cv
    fold: int | None  # of split=cv, from 0
    select: bool  # withhold a part of the labels as validation

    def __post_init__(self) -> None:
        if not 0 < self.test_size < 1:  # also where it is NaN
            raise Refused(f"test_size={self.test_size}: a share of the rows, above 0 and below 1, such as 0.3")
        if self.folds < 2:
            raise Refused(f"folds={self.folds}: at least 2, to train on the others")
        last = self.folds - 1
        if self.split == "cv" and self.fold is None:
            raise Refused(f"split=cv tests on one fold: add fold=0, or all of them by 'fold=range({self.folds})' -m")
        if self.split != "cv" and self.fold is not None:
            raise Refused(f"fold={self.fold} is of split=cv, not of split={self.split}: add split=cv, or set fold=null")
        if self.fold is not None and not 0 <= self.fold <= last:
            raise Refused(f"fold={self.fold}: folds={self.folds} are numbered 0 to {last}")


@dataclass(frozen=True)
class Rows:
    """Row ids of a scenario, sorted; but for split=all `train`, `test`, `valid` are disjoint, `labelled` in `train`.

    They are complete but for select under group and time, which leaves out what would give validation rows away.
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


@dataclass(frozen=True)
class Marks:
    """What else is known of every row, beside its stratum; None where it is not."""

    groups: Array | None = None  # (n,) int
    times: Array | None = None  # (n,) float
    official: Array | None = None  # (m,) row ids
    classes: Sequence[str] = ()  # what the strata are called


PLAIN = Marks()


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


def draw(strata: Array, scenario: Scenario, marks: Marks = PLAIN) -> Rows:
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
    tested = _tested(strata, scenario, marks, seeds.generator(split_seed, "split"))
    test, rest = np.flatnonzero(tested), np.flatnonzero(~tested)
    _check_rest(strata, rest, scenario, marks.classes)
    stream = seeds.generator(scenario.seed, "labels")
    granted = rest
    if scenario.labels is not None or scenario.select:  # an order of a million rows takes a second
        granted = rest[stratified_order(strata[rest], stream)[: scenario.labels]]
    valid = hidden = nothing
    if scenario.select:
        valid, hidden = _withheld(strata, granted, rest, scenario, marks, stream)
    return Rows(train=np.setdiff1d(rest, hidden), test=test, labelled=np.setdiff1d(granted, hidden), valid=valid)


def _tested(strata: Array, scenario: Scenario, marks: Marks, stream: np.random.Generator) -> Array:
    """Mark the rows to be tested on, (n,) bool."""
    count, share = len(strata), scenario.test_size
    tested = np.zeros(count, bool)
    if scenario.split == "holdout":
        tested[stratified_order(strata, stream)[: ceil(share * count)]] = True
    elif scenario.split == "cv":
        if scenario.folds > count:
            raise Refused(f"folds={scenario.folds} is more than the {count} rows: give at most {count}")
        if marks.groups is not None:
            return np.asarray(parts.group_folds(strata, marks.groups, scenario.folds, stream) == scenario.fold)
        return np.asarray(parts.folds(strata, scenario.folds, stream) == scenario.fold)
    elif scenario.split == "official":
        if marks.official is None or not len(marks.official):
            raise Refused("split=official: this data set names no rows to be tested on: set split=holdout")
        tested[marks.official] = True
    elif scenario.split == "group":
        if marks.groups is None:
            raise Refused("split=group: this data set names no groups; a table's are problem.group=COLUMN")
        tested = parts.some_groups(strata, marks.groups, share, stream)
        if not tested.any():
            raise Refused("split=group needs 2 groups, of a class at least, to show and to test on: use split=holdout")
    else:
        if marks.times is None:
            raise Refused("split=time: this data set names no times; a table's are problem.time=COLUMN")
        if lacking := np.flatnonzero(~np.isfinite(marks.times)).tolist():
            raise Refused(f"split=time: {len(lacking)} rows have no time, first row {lacking[0]}: leave them out")
        tested = parts.latest(marks.times, share)
        if not tested.any():
            raise Refused("split=time: all rows are of one time, none is later than another: use split=holdout")
    return tested


def _check_rest(strata: Array, rest: Array, scenario: Scenario, classes: Sequence[str]) -> None:
    """What is not tested on must be worth learning from; what was drawn at random must show every class."""
    split, kinds, shown = f"split={scenario.split}", np.unique(strata), np.unique(strata[rest])
    if not len(rest):
        raise Refused(
            f"{split} tests on all {len(strata)} rows and leaves none to train on: give more rows, or lower test_size"
        )
    unseen = np.setdiff1d(kinds, shown)
    if len(unseen) and (scenario.split in ("holdout", "cv", "group") or len(shown) < 2):
        name = f"'{classes[unseen[0]]}'" if len(classes) else f"number {unseen[0]}"
        remedy = "it has to have 2 rows at least, to show and to test on: leave it out, or test on fewer rows"
        raise Refused(f"{split} leaves no row of class {name} to train on; {remedy}")


def _withheld(
    strata: Array, granted: Array, rest: Array, scenario: Scenario, marks: Marks, stream: np.random.Generator
) -> tuple[Array, Array]:
    """The validation rows, and all rows that must be hidden with them; none where nothing could be left to learn from.

    `granted` and `rest` are row ids, in the order drawn and sorted.
    """
    nothing = np.arange(0)
    if scenario.split == "time":
        assert marks.times is not None
        valid = np.sort(granted[parts.latest(marks.times[granted], VALID_SHARE)])
        return valid, rest[marks.times[rest] >= marks.times[valid].min()] if len(valid) else nothing
    if not all(np.sum(strata[granted] == stratum) >= 2 for stratum in np.unique(strata[rest])):
        return nothing, nothing
    if scenario.split != "holdout" and marks.groups is not None:
        chosen = parts.some_groups(strata[granted], marks.groups[granted], VALID_SHARE, stream)
        valid = np.sort(granted[chosen])
        return valid, rest[np.isin(marks.groups[rest], marks.groups[valid])]
    valid = np.sort(granted[stratified_order(strata[granted], stream)[: ceil(VALID_SHARE * len(granted))]])
    return valid, valid


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
        also = {"group": ", in 2 groups", "time": ", of 2 times"}.get(scenario.split, "")
        few = f"2 labels (of every class{also}), {granted} give fewer"
        raise Refused(f"select=true needs {few}; raise labels, or set select=false")
