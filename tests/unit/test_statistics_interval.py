from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from paralab.statistics.interval import NO_SPREAD, checked, settled, student, two_sided


def test_against_scipy() -> None:
    found = student(0.3, 0.1, 7.4, 0.9, "t")
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.9, 7.4, 0.3, 0.1))
    assert two_sided(-2.1, 4.5) == pytest.approx(2 * stats.t.sf(2.1, 4.5))
    assert two_sided(0.0, 3) == 1


def test_no_spread_is_said() -> None:
    found = student(0.3, 0.0, 4, 0.95, "t")
    assert (found.low, found.high, found.method) == (0.3, 0.3, NO_SPREAD)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        student(0.3, 0.1, 4, level, "t")


def test_values_without_a_figure_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        checked([0.5], "differences", 2)
    with pytest.raises(ValueError, match="1 of 2 differences are not finite"):
        checked([0.5, np.nan], "differences", 2)
    with pytest.raises(ValueError, match="2 axes"):
        checked([0.5, 0.6], "runs x tasks", 2, 2)
    with pytest.raises(ValueError, match="at least 2"):
        checked(np.empty((3, 0)), "runs x tasks", 2, 2)


def test_rounding_is_no_difference() -> None:
    assert 0.9 - 0.85 != 0.85 - 0.8
    assert len(set(settled(np.array([0.9 - 0.85, 0.85 - 0.8, 0.1 + 0.2 - 0.3, 0.0])))) == 2
    apart = np.array([0.5, 0.5 + 1e-10, -0.5, 0.0, 1e-9])
    assert (settled(apart) == apart).all()
