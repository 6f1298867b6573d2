"""A mixture of Gaussians by expectation maximisation (Dempster, Laird and Rubin 1977), as clusters."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from sklearn.mixture import GaussianMixture as Mixture

from paralab.core import Snapshot, State, Unlabelled
from paralab.trainers.estimators import enough, fit, once, seeded
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale
from paralab.trainers.skops_models import ClusterModel


@final
@dataclass(frozen=True)
class GaussianMixture:
    """One fit, a row's cluster being its likeliest component; raises Refused where there are fewer rows than those."""

    view: ClassVar[type[Unlabelled]] = Unlabelled
    unit: ClassVar[str] = "fits"

    scale: Scale
    components: int
    covariance: Literal["full", "tied", "diag", "spherical"]
    reg_covar: float  # added to each variance, in the scaled inputs' squared units
    n_init: int
    max_iter: int

    def train(self, shown: Unlabelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        enough(len(shown.inputs), self.components, "components")
        mixture = Mixture(
            self.components,
            covariance_type=self.covariance,
            reg_covar=self.reg_covar,
            n_init=self.n_init,
            max_iter=self.max_iter,
        )
        prepared = prepare(self.scale, shown.task.inputs, shown.inputs)
        pipeline = fit(prepared, seeded(mixture, seed))
        metrics = {
            "train/log_likelihood": float(mixture.lower_bound_),  # nats a row, of the scaled inputs
            "train/converged": float(mixture.converged_),
        }
        yield once(ClusterModel.of(pipeline, shown.task.inputs, self.components), metrics)
