"""Label spreading over a graph of neighbours (Zhou et al. 2004, Learning with local and global consistency)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading as Spreading

from paralab.core import PartlyLabelled, Snapshot, State
from paralab.errors import Refused
from paralab.trainers.estimators import enough, fit, once
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import ClassifierModel
from paralab.trainers.targets import classes, varied

RBF_ROWS = 10_000  # a dense kernel of so many rows takes .8 GB, and 8 GB at 32,000


@final
@dataclass(frozen=True)
class LabelSpreading:
    """One fit; a row in a part of the graph that no label reaches is answered uniformly.

    Raises Mismatch where the answer is no label; Refused where one class only is shown, where kernel=rbf meets more
    than `RBF_ROWS` rows, or where there are fewer rows than neighbours.
    """

    view: ClassVar[type[PartlyLabelled]] = PartlyLabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    kernel: Literal["knn", "rbf"]
    neighbours: int
    gamma: float
    alpha: float
    max_iter: int

    def train(self, shown: PartlyLabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        classes(shown.task, "label_spreading")
        varied(shown.targets[shown.known], "label_spreading")
        self._admit(len(shown.inputs))
        targets = np.where(shown.known, shown.targets, -1)
        spreading = Spreading(
            kernel=self.kernel,
            n_neighbors=self.neighbours,
            gamma=self.gamma,
            alpha=self.alpha,
            max_iter=self.max_iter,
            n_jobs=1,
        )
        pipeline = fit(prepare(self.scale, shown.task.inputs, shown.inputs), spreading, targets)
        if self.kernel == "knn":  # in few columns it keeps a k-d tree, which the trusted list of files leaves out
            nearest = NearestNeighbors(n_neighbors=self.neighbours, algorithm="brute", n_jobs=1)
            spreading.nn_fit = nearest.fit(spreading.X_)
        done = spreading.n_iter_
        metrics = {"train/iterations": float(done), "train/converged": float(done < self.max_iter)}
        yield once(ClassifierModel.of(pipeline, shown.task), metrics)

    def _admit(self, rows: int) -> None:
        if self.kernel == "knn":
            enough(rows, self.neighbours, "neighbours")
        elif rows > RBF_ROWS:
            raise Refused(
                f"label_spreading with kernel=rbf keeps {rows:,} x {rows:,} x 8 bytes = {rows * rows * 8e-9:.1f} GB, "
                f"the limit is {RBF_ROWS:,} rows ({RBF_ROWS**2 * 8e-9:.1f} GB): set trainer.kernel=knn"
            )
