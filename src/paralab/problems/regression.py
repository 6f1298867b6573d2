"""Say what number belongs to a row; can be shown with all, some or none of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from paralab.errors import Refused
from paralab.metrics import regression
from paralab.problems import views
from paralab.problems.judging import COMPACTNESS, check_objective, indices, judge

SCORES = ("r2", "neg_rmse", "neg_mae")


@dataclass(frozen=True)
class Regression:
    """Rows and labels are drawn without strata; raises Refused under split=all and for an unknown objective."""

    data: Dataset
    objective: str
    probe: float  # inverse regularisation C of the linear probe: its ridge penalty is 1 / C
    bounds: Bounds | None  # of the objective
    scenario: Scenario

    def __post_init__(self) -> None:
        if self.scenario.split == "all":
            raise Refused("split=all compares clusters with classes, and a regression has none: set split=holdout")
        check_objective(self.objective, (*SCORES, *COMPACTNESS))

    @cached_property
    def rows(self) -> Rows:
        return views.rows_of(self.data, np.zeros(len(self.data.targets), np.int64), self.scenario)

    @property
    def indices(self) -> Mapping[str, Array]:
        return indices(self.data, self.rows)

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        return views.of(self.data, self.rows, self.scenario, Labelled, PartlyLabelled, Unlabelled)

    def evaluate(self, model: Model, split: Split) -> Verdict:
        """Judge on the rows of `split`; raises Refused where the model's answer cannot be read as a value."""
        return judge("value", model, self.data, self.rows, split, self.probe, _score)


def _score(truth: Array, read: Answers) -> Metrics:
    return regression.scores(truth, read[Meaning.VALUE])
