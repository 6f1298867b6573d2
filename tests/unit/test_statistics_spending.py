"""Alpha spent over declared looks: the published levels, their sum, and what simulation makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtr

from paralab.statistics.spending import crossed, nominal, spent

# Critical values at equally spaced looks, two-sided alpha .05, spending like O'Brien and Fleming's: as in the tables of
# Reboussin, DeMets, Kim and Lan, Controlled Clinical Trials 21 (2000), and gsDesign's sfLDOF (one-sided .025).
PUBLISHED = {
    1: [1.9600],
    2: [2.9626, 1.9686],
    3: [3.7103, 2.5114, 1.9930],
    4: [4.3326, 2.9631, 2.3590, 2.0141],
    5: [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
}


@pytest.mark.parametrize("looks", PUBLISHED)
def test_equal_looks_have_the_published_levels(looks: int) -> None:
    levels = nominal(0.05, np.arange(1, looks + 1) / looks)
    assert -ndtri(levels / 2) == pytest.approx(PUBLISHED[looks], abs=1.5e-4)


def test_what_was_spent_by_halves() -> None:
    assert spent(0.05, [0.5, 1.0]) == pytest.approx([0.00305, 0.05], abs=1e-5)
    assert nominal(0.05, [0.5, 1.0])[0] == pytest.approx(0.00305, abs=1e-5)
    assert nominal(0.05, [0.5])[0] == pytest.approx(0.00305, abs=1e-5)


FRACTIONS = st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(
    lambda at: [i / 40 for i in sorted(at)]
)


@settings(max_examples=20, deadline=None)
@given(fractions=FRACTIONS, alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_a_level_lies_between_what_its_look_may_spend_and_what_all_so_far_may(
    fractions: list[float], alpha: float
) -> None:
    levels = nominal(alpha, fractions)
    so_far = spent(alpha, fractions)
    assert (levels >= np.diff(so_far, prepend=0.0) * (1 - 1e-9)).all()
    assert (levels <= so_far * (1 + 1e-9) + 1e-18).all()
    assert nominal(alpha, fractions[:-1] or fractions) == pytest.approx(
        levels[: max(1, len(levels) - 1)], rel=1e-6, abs=1e-18
    )


@pytest.mark.parametrize("fractions", [[0.5, 1.0], [0.2, 0.25, 0.9, 1.0], [i / 6 for i in range(1, 7)]])
def test_all_looks_together_spend_alpha(fractions: list[float]) -> None:
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(200_000, len(fractions))) * np.sqrt(np.diff([0.0, *fractions]))
    z = steps.cumsum(axis=1) / np.sqrt(fractions)
    found = (np.abs(z) > -ndtri(nominal(0.05, fractions) / 2)).any(axis=1).mean()
    assert found == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 200_000) ** 0.5)


def paired_p(d: np.ndarray) -> np.ndarray:  # over the last axis
    n = d.shape[-1]
    return 2 * stdtr(n - 1, -np.abs(d.mean(axis=-1) / d.std(axis=-1, ddof=1) * n**0.5))


def test_two_equal_learners_looked_at_six_times() -> None:
    d = np.random.default_rng(7).normal(size=(2_000, 30))
    looks = [5, 10, 15, 20, 25, 30]
    p = np.stack([paired_p(d[:, :n]) for n in looks], axis=1)
    fractions = [n / 30 for n in looks]
    once, naive = (p[:, -1] < 0.05).mean(), (p < 0.05).any(axis=1).mean()
    levels = nominal(0.05, fractions)
    found = (p <= levels).any(axis=1)
    assert 0.035 < once < 0.065
    assert naive > 0.12  # what six looks cost that spend nothing
    assert found.mean() <= 0.06
    assert [crossed(row, 0.05, fractions) is not None for row in p[:20]] == found[:20].tolist()


def test_the_first_look_that_crosses_is_told() -> None:
    halves = [0.5, 1.0]
    assert crossed([], 0.05, halves) is None
    assert crossed([0.004], 0.05, halves) is None
    assert crossed([0.003], 0.05, halves) == 0
    assert crossed([0.004, 0.048], 0.05, halves) == 1
    assert crossed([0.004, 0.0499], 0.05, halves) is None


@pytest.mark.parametrize("fractions", [[], [0.0, 1.0], [0.5, 0.5], [0.9, 0.5], [0.5, 1.1], [float("nan")]])
def test_looks_that_are_none_are_refused(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="rising fractions"):
        nominal(0.05, fractions)


def test_more_looks_than_declared_are_refused() -> None:
    with pytest.raises(ValueError, match="3 looks were taken, but 2 declared"):
        crossed([0.1, 0.1, 0.1], 0.05, [0.5, 1.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        nominal(1.5, [1.0])
