"""k-means (Lloyd 1982), started by k-means++ (Arthur and Vassilvitskii 2007)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.cluster import KMeans as Lloyd

from paralab.core import Snapshot, State, Unlabelled
from paralab.trainers.estimators import enough, fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import ClusterModel


@final
@dataclass(frozen=True)
class KMeans:
    """One fit; raises Refused where fewer rows than clusters are shown."""

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    clusters: int
    n_init: int
    max_iter: int

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        enough(len(shown.inputs), self.clusters, "clusters")
        lloyd = seeded(Lloyd(self.clusters, n_init=self.n_init, max_iter=self.max_iter), seed)
        pipeline = fit(prepare(self.scale, shown.task.inputs, shown.inputs), lloyd)
        metrics = {
            "train/neg_inertia": -float(lloyd.inertia_),  # in the scaled inputs' squared units
            "train/converged": float(lloyd.n_iter_ < self.max_iter),
        }
        yield once(ClusterModel.of(pipeline, shown.task.inputs, self.clusters), metrics)
