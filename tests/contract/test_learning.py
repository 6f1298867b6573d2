"""Each trainer learns a problem of known optimum past a threshold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paralab.catalog import folders, names
from paralab.record.plan import Plan
from paralab.run import run
from tests.conftest import TRUST

# problem, objective, what must be reached (the optimum is 1, and .92 in the corridor), what else it takes
DEFAULT = {
    "supervised": ("blobs", "accuracy", 0.95, []),
    "semi_supervised": ("blobs", "accuracy", 0.95, ["labels=30"]),
    "unsupervised": ("blobs", "accuracy", 0.95, []),
    "reinforcement": ("corridor", "return", 0.91, ["budget.steps=8000"]),
}
OTHER = {
    "supervised/ridge": ("line", "r2", 0.99, []),
    "unsupervised/isolation_forest": ("strange", "average_precision", 0.95, []),
    "reinforcement/dqn": (
        "corridor",
        "return",
        0.91,
        [
            "budget.steps=3000",
            "trainer.learning_starts=500",
            "trainer.train_freq=16",
            "trainer.gradient_steps=8",
            "trainer.net_arch=[32,32]",
        ],
    ),  # a small network: the shipped one, for CartPole, takes minutes
    "reinforcement/linucb": ("blobs", "accuracy", 0.95, []),
}


@pytest.mark.parametrize("trainer", names("trainer", folders()[:1]))
def test_it_learns(trainer: str, plan: Callable[..., Plan]) -> None:
    problem, objective, least, overrides = OTHER.get(trainer, DEFAULT[trainer.split("/")[0]])
    result = run(plan(problem, trainer, *overrides), trust=TRUST)
    assert result.scores[f"test/{objective}"] >= least


@pytest.mark.parametrize("trainer", ["supervised/forest", "supervised/hist_gradient_boosting", "supervised/mlp"])
def test_it_learns_values_too(trainer: str, plan: Callable[..., Plan]) -> None:
    assert run(plan("line", trainer), trust=TRUST).scores["test/r2"] >= 0.9
