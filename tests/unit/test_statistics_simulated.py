"""What benchmarks/simulate.py simulates is what is shipped, and the default tests keep to their level."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import simulate

    yield simulate
    for name in [name for name in sys.modules if name == "simulate" or name.startswith("simulate_")]:
        monkeypatch.delitem(sys.modules, name)


def test_the_twins_give_the_shipped_figures(simulate: ModuleType) -> None:
    assert simulate.methods.disagreements(np.random.default_rng(5), resampling=False) == []


@pytest.mark.slow
def test_the_twins_by_resampling_too(simulate: ModuleType) -> None:
    assert simulate.methods.disagreements(np.random.default_rng(5)) == []


def test_a_twin_that_strays_is_found(simulate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate.methods, "wilcoxon", lambda d: np.ones(len(d)) * 0.123)
    found = simulate.methods.disagreements(np.random.default_rng(5), resampling=False)
    assert {line.split(":")[0] for line in found} == {"wilcoxon", "wilcoxon holm"}


def test_equal_learners_on_shared_rows(simulate: ModuleType) -> None:
    """The uncorrected t calls a third of them different at n = 10, the corrected one does not."""
    d = simulate.learners.differences("centroids", 800, 10, np.random.default_rng(1))
    assert d.shape == (800, 10)
    assert abs(d.mean()) < 0.01
    assert (simulate.p_of(d, 0.0) < 0.05).mean() > 0.2
    assert (simulate.p_of(d, simulate.learners.WIDER) < 0.05).mean() <= 0.06
    folds = simulate.learners.differences("centroids, folds", 400, 6, np.random.default_rng(2))
    assert folds.shape == (400, 30)
    assert (simulate.p_of(folds, simulate.learners.OF_FOLDS) < 0.05).mean() <= 0.06
    means = folds.reshape(400, 6, 5).mean(axis=2)
    assert (simulate.p_of(means, 1.25) < 0.05).mean() > 0.2


def test_the_page_shows_every_figure_and_names_what_is_missed(simulate: ModuleType) -> None:
    entries = [
        simulate.Entry("false", "permutation", "normal", 6, 0.0612),
        simulate.Entry("looks", "paired t at .05 each time", "normal; 10, 20", 2, 0.08),
        simulate.Entry("looks", "paired t, alpha spent", "normal; 10, 20", 2, 0.05),
        simulate.Entry("resampled", "corrected t, .61", "centroids", 6, 0.04),
        *(
            simulate.Entry("coverage", "Welch t", "normal", n, c)
            for n, c in ((3, 0.95), (5, 0.92), (6, 0.94), (8, 0.93))
        ),
        *(simulate.Entry("coverage", "Welch t", "two humps", n, 0.9) for n in (3, 5, 6, 8)),
    ]
    text, missed = simulate.page(entries, 10_000)
    assert missed == ["permutation, normal, n = 6: 0.061 called different, must be at most 0.06"]
    assert "| permutation | normal | **6.1** |" in text
    assert "| paired t | normal; 10, 20 | **8.0** | 5.0 |" in text
    assert "| Welch t | normal | 95.0 | *92.0* | 94.0 | 93.0 |" in text
    assert "| Welch t | 6 | none |" in text
    assert "| corrected t | 6 | none |" in text
    assert "{" not in text


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "skewed", "two humps"])
def test_default_tests_call_at_most_six_per_cent_of_equal_learners_different(simulate: ModuleType, shape: str) -> None:
    rng = np.random.default_rng(11)
    for n in (6, 10):
        for entry in simulate.false_positives(shape, n, 10_000, rng):
            if entry.name in sys.modules["simulate_page"].DEFAULTS:
                assert entry.value <= 0.06, entry
    for looks in simulate.LOOKS:
        _, spent = simulate.sequential(shape, looks, 10_000, rng)
        assert spent.value <= 0.06, spent


@pytest.mark.slow
def test_t_intervals_cover_from_where_they_are_defaults(simulate: ModuleType) -> None:
    from paralab.statistics.defaults import least_n

    rng = np.random.default_rng(12)
    for method in ("t", "Welch t", "Newcombe"):
        n = least_n(method)
        assert n is not None
        found = [e for e in simulate.coverage_of_one_task("normal", n, 10_000, rng) if e.name.split(",")[0] == method]
        assert found[0].value >= 0.925, found  # 93 % less two standard errors
