"""Principal components (Pearson 1901; Hotelling 1933)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.decomposition import PCA

from paralab.core import Snapshot, State, Unlabelled
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import EmbeddingModel


@final
@dataclass(frozen=True)
class PrincipalComponents:
    """One fit, of as many components as there are rows and columns for, `components` at most."""

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    components: int
    whiten: bool

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs)
        width = min(self.components, *prepared.rows.shape)
        pca = seeded(PCA(width, whiten=self.whiten), seed)
        pipeline = fit(prepared, pca)
        metrics = {"train/explained_variance": float(pca.explained_variance_ratio_.sum())}  # a share of 1
        yield once(EmbeddingModel.of(pipeline, shown.task.inputs, width), metrics)
