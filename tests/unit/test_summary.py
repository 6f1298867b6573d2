from __future__ import annotations

import math

import pytest

from paralab.statistics.summary import Summary, summary


def test_by_hand() -> None:
    found = summary([0.90, 0.92, 0.94, 0.96, 0.98])
    assert found.n == 5
    assert found.mean == pytest.approx(0.94)
    assert found.sd == pytest.approx(math.sqrt(0.001))  # squares .0016 + .0004 + 0 + .0004 + .0016, over 4
    half = 2.7764451 * math.sqrt(0.001 / 5)  # t of .975 with 4 degrees of freedom, from a printed table
    assert found.low == pytest.approx(0.94 - half)
    assert found.high == pytest.approx(0.94 + half)


def test_what_too_few_cannot_say() -> None:
    assert summary([0.5]) == Summary(1, 0.5, None, None, None)
    with pytest.raises(ValueError, match="no value"):
        summary([])
