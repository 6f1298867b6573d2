"""The n from which an interval is a default are those that docs/statistics.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from paralab.statistics.defaults import LEAST, fold_ratio, least_n, split_ratio

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_they_are_what_was_simulated() -> None:
    section = PAGE.read_text(encoding="utf-8").split("### From which n an interval is a default")[1]
    rows = re.findall(r"^\| ([^|]+) \| (\d+|none) \| (\d+|none) \|$", section, re.MULTILINE)
    shown = {name: tuple(None if n == "none" else int(n) for n in ns) for name, *ns in rows}
    assert shown == LEAST


def test_percentile_bootstraps_are_no_default_where_seeds_are_few() -> None:
    """The pilot of protocol.md: 73 % at n = 3, 84 % at 5, 90 % at 10."""
    assert least_n("percentile bootstrap") is None or least_n("percentile bootstrap") >= 20
    assert least_n("t") <= 6


def test_a_method_never_simulated_has_none() -> None:
    with pytest.raises(ValueError, match="no method jackknife"):
        least_n("jackknife")


def test_the_ratios_count_shared_rows() -> None:
    rng = np.random.default_rng(0)
    shown = np.argsort(rng.random((2_000, 150)), axis=1) < 105
    common = (shown[::2] & shown[1::2]).sum(axis=1).mean()
    assert split_ratio(45, 105) == pytest.approx(45 / common, rel=0.01)
    assert fold_ratio(5) == pytest.approx(0.2 / 0.8**2)
    with pytest.raises(ValueError, match="a split has both"):
        split_ratio(0, 10)
    with pytest.raises(ValueError, match="two or more"):
        fold_ratio(1)
