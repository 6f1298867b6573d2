"""Find groups among rows whose answer nobody knows; can only be shown without answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from paralab.core import Array, Bounds, Environment, Labelled, Model, PartlyLabelled, Split, Unlabelled, Verdict, View
from paralab.datasets.dataset import Dataset
from paralab.datasets.splits import Rows, Scenario
from paralab.errors import Mismatch, Refused
from paralab.problems import views
from paralab.problems.judging import CLUSTERS, COMPACTNESS, check_objective, indices, judge_clusters


@dataclass(frozen=True)
class Clustering:
    """Clusters are judged by how compact and apart they are, on rows held out or, under split=all, on those it saw.

    Where the data name classes, which no trainer is shown, also by the agreement with them. An embedding or a ranking
    has no score without labels, but is made and saved. Every other view is refused, with the remedy. Raises Refused for
    labels, for select, and for an objective that is no score.
    """

    data: Dataset
    objective: str
    bounds: Bounds | None  # of the objective
    remedy: str  # what to do where a trainer needs answers
    scenario: Scenario

    def __post_init__(self) -> None:
        check_objective(self.objective, CLUSTERS if self.data.classes else COMPACTNESS)
        if self.scenario.labels is not None:
            raise Refused(f"labels={self.scenario.labels}: a clustering has no labels to grant; leave labels=null")
        if self.scenario.select:
            raise Refused("select=true chooses by validation labels, and a clustering has none; leave select=false")

    @cached_property
    def rows(self) -> Rows:
        drawn = views.rows_of(self.data, np.zeros(len(self.data.inputs), np.int64), self.scenario)
        return replace(drawn, labelled=np.arange(0))

    @property
    def indices(self) -> Mapping[str, Array]:
        return indices(self.data, self.rows)

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        answers = dict.fromkeys((Labelled, PartlyLabelled, Environment), self._refuse)
        return {**answers, **views.of(self.data, self.rows, self.scenario, Unlabelled)}

    def _refuse(self) -> View:
        raise Mismatch(self.remedy)

    def evaluate(self, model: Model, split: Split) -> Verdict:
        return judge_clusters(model, self.data, self.rows, split)
