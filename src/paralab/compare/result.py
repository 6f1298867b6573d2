"""What a comparison says, as values: for the terminal, Markdown, LaTeX, CSV, JSON, the report and decisions alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from paralab.compare.gather import Budget
from paralab.statistics.bayes import Beliefs
from paralab.statistics.interval import Interval
from paralab.statistics.summary import Summary

ALPHA = 0.05  # adjusted p below it: told apart
LEVEL = 0.95  # of every interval
FEW = 6  # seeds or data sets: below it the exact tests cannot reach ALPHA, and nothing is tested

Kind = Literal["ours", "published", "floor", "ceiling"]


@dataclass(frozen=True)
class Place:
    """One problem, split and metric: what may stand in one table."""

    problem: str
    split: str
    metric: str  # "test/accuracy"; greater is better


@dataclass(frozen=True)
class Standing:
    """A row of the table: ours with its seeds, or a value with its source, which has none of ours."""

    place: Place
    budget: Budget
    method: str
    paradigm: str
    n: int  # seeds; 0 where a source does not say
    mean: Summary
    iqm: float | None = None
    normalised: float | None = None  # (mean - floor) / (ceiling - floor), where both are declared
    costs: Mapping[str, float] = field(default_factory=dict)  # mean a run: {"seconds": .2, "feedback": 20.0}
    lost: int = 0  # runs that failed or diverged: in no mean
    kind: Kind = "ours"
    source: str | None = None  # of what is not ours
    note: str = ""  # how it was measured

    @property
    def problem(self) -> str:
        return self.place.problem


@dataclass(frozen=True)
class Pair:
    """`one` less `other`: the effect with its interval, and, from 6 seeds on, a test."""

    place: Place
    budget: Budget
    one: str
    other: str
    n: int  # seeds compared; of unmatched groups the smaller one's
    effect: Interval
    p: float | None  # None: descriptive only
    adjusted: float | None  # by Holm, across pairs and label budgets of the place
    test: str
    why: str
    about: str  # what the interval is about: "a new split"
    improvement: Interval | None = None  # the probability that a run of one beats a run of the other
    detectable: float | None = None  # the least difference that n seeds find with power .8
    more_seeds: int | None = None  # until an effect of this size is found with power .8; None: no number of them
    iqm: Interval | None = None  # difference of IQMs, of unmatched groups
    beliefs: Beliefs | None = None  # worse, practically equal, better; where a rope was given

    @property
    def problem(self) -> str:
        return self.place.problem

    @property
    def apart(self) -> bool | None:
        """Whether the two are told apart; None where nothing could be tested."""
        return None if self.adjusted is None else self.adjusted < ALPHA


@dataclass(frozen=True)
class Area:
    """Area under a method's label-efficiency curve over log n, in the metric's own unit."""

    place: Place
    method: str
    budgets: tuple[Budget, ...]
    area: Summary  # over the seeds that have every budget


@dataclass(frozen=True)
class Aggregate:
    """Normalised scores of one method over all problems together."""

    method: str
    iqm: Interval
    mean: Interval
    gap: Interval  # how far below the ceiling: less is better
    n: int  # seeds of each problem


@dataclass(frozen=True)
class Versus:
    """Two methods over the data sets: the mean difference of ranks, a signed-rank p adjusted by Holm."""

    one: str
    other: str
    wins: int  # data sets on which one is ahead
    losses: int
    adjusted: float | None  # None: descriptive only
    beliefs: Beliefs | None = None


@dataclass(frozen=True)
class Across:
    """Methods over several data sets, at one label budget; the seeds of a data set are one mean."""

    metric: str | None  # None: the problems rank by different ones, and nothing is ranked
    budget: Budget
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    ranks: tuple[float, ...]  # mean rank a method, 1 is best; empty where nothing is ranked
    friedman_p: float | None  # of three methods or more
    pairs: tuple[Versus, ...]
    cliques: tuple[tuple[int, ...], ...]  # methods not told apart, by their place in `methods`
    aggregates: tuple[Aggregate, ...]  # where every problem declares its bounds
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    experiment: str
    by: str
    metric: str | None  # as asked for; None: each problem's objective
    against: str | None
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    areas: tuple[Area, ...]
    across: Across | None
    notes: tuple[str, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(standing.place for standing in self.standings))
