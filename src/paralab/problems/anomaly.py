"""Rank rows by how strange they are; can be shown with all, some or none of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from paralab.core import (
    Answers,
    Array,
    Bounds,
    Labelled,
    Meaning,
    Metrics,
    Model,
    PartlyLabelled,
    Split,
    Unlabelled,
    Verdict,
    View,
)
from paralab.datasets.dataset import Dataset
from paralab.datasets.splits import Rows, Scenario
from paralab.errors import Refused, closest
from paralab.metrics import ranking
from paralab.problems import views
from paralab.problems.judging import CLUSTERS, check_objective, indices, judge

SCORES = ("average_precision", "roc_auc")


@dataclass(frozen=True)
class Anomaly:
    """One class of a data set is the anomaly (answer 1), all others are normal (answer 0).

    A ranking needs no label, so under split=all outlier detectors are judged on the very rows they saw, by the same
    objective. Raises Refused for a class that does not exist, or an objective that is no score.
    """

    data: Dataset
    anomaly: str  # name of the class
    objective: str
    probe: float  # inverse regularisation C of the linear probe
    bounds: Bounds | None  # of the objective
    scenario: Scenario

    def __post_init__(self) -> None:
        if self.anomaly not in self.data.classes:
            hint = closest(self.anomaly, self.data.classes)
            raise Refused(f"problem.anomaly: there is no class '{self.anomaly}'. {hint}")
        check_objective(self.objective, (*SCORES, *CLUSTERS))

    @cached_property
    def marked(self) -> Dataset:
        strange = (self.data.targets == self.data.classes.index(self.anomaly)).astype(np.int64)
        usual = "normal" if self.anomaly != "normal" else "other"
        return replace(self.data, targets=strange, classes=(usual, self.anomaly))

    @cached_property
    def rows(self) -> Rows:
        return views.rows_of(self.marked, self.marked.targets, self.scenario)

    @property
    def indices(self) -> Mapping[str, Array]:
        return indices(self.data, self.rows)

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        kinds = (Unlabelled,) if self.scenario.split == "all" else (Labelled, PartlyLabelled, Unlabelled)
        return views.of(self.marked, self.rows, self.scenario, *kinds)

    def evaluate(self, model: Model, split: Split) -> Verdict:
        """Judge on the rows of `split`; raises Refused where the model's answer cannot be read as a ranking."""
        return judge("ranking", model, self.marked, self.rows, split, self.probe, _score)


def _score(truth: Array, read: Answers) -> Metrics:
    return ranking.scores(truth == 1, read[Meaning.ANOMALY])
