"""Say which class a row is of; can be shown in all four views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from paralab.core import (
    Answers,
    Array,
    Bounds,
    Environment,
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
from paralab.metrics import classification
from paralab.problems import views
from paralab.problems.judging import CLUSTERS, check_objective, indices, judge, judge_clusters, must_cluster

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "neg_log_loss", "roc_auc")


@dataclass(frozen=True)
class Classification:
    """Under split=all only clusters are judged: by `ari`, unless the objective is another score of clusters.

    Raises Refused for an objective that no score is called.
    """

    data: Dataset
    objective: str
    probe: float  # inverse regularisation C of the linear probe
    bounds: Bounds | None  # of the objective under split=holdout
    scenario: Scenario

    def __post_init__(self) -> None:
        if self.scenario.split == "all":  # what the YAML says of accuracy does not hold of clusters
            object.__setattr__(self, "objective", self.objective if self.objective in CLUSTERS else "ari")
            object.__setattr__(self, "bounds", None)
        check_objective(self.objective, (*SCORES, *CLUSTERS))

    @cached_property
    def rows(self) -> Rows:
        return views.rows_of(self.data, self.data.targets, self.scenario)

    @property
    def indices(self) -> Mapping[str, Array]:
        return indices(self.data, self.rows)

    @property
    def views(self) -> Mapping[type, Callable[[], View]]:
        kinds = (Unlabelled,) if self.scenario.split == "all" else (Labelled, PartlyLabelled, Unlabelled, Environment)
        return views.of(self.data, self.rows, self.scenario, *kinds)

    def evaluate(self, model: Model, split: Split) -> Verdict:
        """Judge on the rows of `split`; raises Refused where the model's answer cannot be read as a class."""
        if self.scenario.split == "all":
            must_cluster(model)
            return judge_clusters(model, self.data, self.rows, split)
        return judge("class", model, self.data, self.rows, split, self.probe, _score)


def _score(truth: Array, read: Answers) -> Metrics:
    return classification.scores(truth, read[Meaning.LABEL], read.get(Meaning.PROBABILITY))
