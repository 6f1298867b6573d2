"""Each trainer learns a problem of known optimum past a threshold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paralab.catalog import folders, names
from paralab.errors import Mismatch
from paralab.record.plan import Plan
from paralab.run import run
from tests.conftest import TRUST
from tests.known import BRIEF

# problem -> objective, and what must be reached (the optimum is 1, and .92 in the corridor)
OPTIMA = {
    "blobs": ("accuracy", 0.95),
    "line": ("r2", 0.95),
    "strange": ("average_precision", 0.95),
    "corridor": ("return", 0.91),
}
ORDER = {"reinforcement": ("corridor", "blobs")}  # the first that a trainer accepts; elsewhere as above
OVERRIDES = {
    "supervised/mlp": ["budget.steps=60"],
    "semi_supervised": ["labels=30"],
    "unsupervised/sklearn": ["+trainer.estimator.n_components=3"],
    "reinforcement/ppo": ["budget.steps=8000"],
    "reinforcement/q_table": ["budget.steps=8000"],
    "reinforcement/dqn": [  # a small network: the shipped one, for CartPole, takes minutes
        "budget.steps=3000", "trainer.learning_starts=500", "trainer.train_freq=16", "trainer.gradient_steps=8",
        "trainer.net_arch=[32,32]",
    ],
}  # fmt: skip
PREFERS = {"unsupervised/isolation_forest": ("strange",)}  # what is strange is no class


# The algorithms of one generic class are held to what they learn in tests/unit/test_rl_learning.py, which is slow.
TRAINERS = [name for name in names("trainer", folders()[:1]) if name.removeprefix("reinforcement/") not in BRIEF]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_it_learns(trainer: str, plan: Callable[..., Plan]) -> None:
    paradigm = trainer.split("/")[0]
    overrides = OVERRIDES.get(trainer, OVERRIDES.get(paradigm, []))
    for problem in PREFERS.get(trainer, ORDER.get(paradigm, tuple(OPTIMA))):
        try:
            result = run(plan(problem, trainer, *overrides), trust=TRUST)
        except Mismatch:
            continue
        objective, least = OPTIMA[problem]
        assert result.scores[f"test/{objective}"] >= least
        return
    pytest.fail("it accepts no problem of known optimum")


@pytest.mark.parametrize("trainer", ["supervised/forest", "supervised/hist_gradient_boosting", "supervised/mlp"])
def test_it_learns_values_too(trainer: str, plan: Callable[..., Plan]) -> None:
    assert run(plan("line", trainer), trust=TRUST).scores["test/r2"] >= 0.9
