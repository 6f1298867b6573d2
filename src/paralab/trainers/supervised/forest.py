"""Random forest, of labels or of values (Breiman 2001, Machine Learning 45)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, final

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from paralab.core import Labelled, Snapshot, State
from paralab.trainers.estimators import fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.supervised.answers import asks_value, model
from paralab.trainers.targets import ClassWeight


@final
@dataclass(frozen=True)
class Forest:
    """One fit; each split looks at sqrt(d) columns for a label, at all for a value. Raises as `answers.asks_value`."""

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    trees: int
    max_depth: int | None
    min_leaf: int  # rows
    class_weight: ClassWeight

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        kind = RandomForestRegressor if asks_value(shown, "forest", self.class_weight) else RandomForestClassifier
        forest = kind(n_estimators=self.trees, max_depth=self.max_depth, min_samples_leaf=self.min_leaf, n_jobs=1)
        if self.class_weight is not None:
            forest.set_params(class_weight=self.class_weight)
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs)
        pipeline = fit(prepared, seeded(forest, seed), shown.targets)
        yield once(model(pipeline, shown), {})
