"""Ridge regression: least squares with a squared penalty (Hoerl and Kennard 1970, Technometrics 12)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.linear_model import Ridge as RidgeRegression

from paralab.core import Labelled, Snapshot, State
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import RegressorModel
from paralab.trainers.targets import value


@final
@dataclass(frozen=True)
class Ridge:
    """One fit; raises Mismatch where the answer is no value."""

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    alpha: float

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        value(shown.task, "ridge")
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs)
        pipeline = fit(prepared, seeded(RidgeRegression(alpha=self.alpha), seed), shown.targets)
        yield once(RegressorModel.of(pipeline, shown.task.inputs), {})
