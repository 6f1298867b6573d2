"""k-means centres as radial basis features: exp(-d^2 / 2 width^2) to each (Coates and Ng 2012, with soft distances)."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, final

import gymnasium as gym
import numpy as np
from sklearn.cluster import KMeans as Lloyd
from sklearn.pipeline import Pipeline

from paralab.core import Answers, Array, Meaning, Model, Signature, Snapshot, State, Unlabelled
from paralab.trainers import skops_file
from paralab.trainers.estimators import enough, fit, once, seeded
from paralab.trainers.inputs import matrix_of
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale

# .8 on digits, the pilot's width. Probe accuracy with it, and at .8: wine .96 and .70, breast_cancer .94 and .64.
WIDTH_SHARE = 0.28


@final
@dataclass(frozen=True, eq=False)
class RadialModel(Model):
    """EMBEDDING (n, centres): nearness to each centre, 1 at the centre."""

    pipeline: Pipeline  # its transform gives the distances to the centres, (n, centres)
    width: float  # in scaled inputs
    signature: Signature

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        distances = self.pipeline.transform(matrix_of(inputs, self.signature.inputs))
        return {Meaning.EMBEDDING: np.exp(distances**2 / (-2 * self.width**2))}

    def save(self, folder: Path) -> None:
        skops_file.write(folder, self.pipeline, self.signature)
        (folder / "width.json").write_text(json.dumps(self.width))

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        pipeline, signature = skops_file.read(folder, trust)
        return cls(pipeline, json.loads((folder / "width.json").read_text()), signature)


@final
@dataclass(frozen=True)
class KMeansFeatures:
    """One fit; raises Refused where fewer rows than centres are shown."""

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    centres: int
    width: float | None  # in scaled inputs; None: WIDTH_SHARE of the median distance of a row to the centres
    n_init: int
    max_iter: int

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        enough(len(shown.inputs), self.centres, "centres")
        lloyd = seeded(Lloyd(self.centres, n_init=self.n_init, max_iter=self.max_iter), seed)
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs)
        pipeline = fit(prepared, lloyd)
        space = gym.spaces.Box(-np.inf, np.inf, (self.centres,), np.float64)
        metrics = {
            "train/neg_inertia": -float(lloyd.inertia_),  # in the scaled inputs' squared units
            "train/converged": float(lloyd.n_iter_ < self.max_iter),
        }
        width = float(WIDTH_SHARE * np.median(lloyd.transform(prepared.rows))) if self.width is None else self.width
        yield once(
            RadialModel(pipeline, width or 1.0, Signature(shown.task.inputs, {Meaning.EMBEDDING: space})), metrics
        )
