"""Against scipy's bootstrap, and against every resample there is where they can be counted."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paralab.statistics.aggregate import iqm, optimality_gap
from paralab.statistics.bootstrap import Statistic, _with_error, profile_band, stratified, studentised
from paralab.statistics.interval import NO_SPREAD
from paralab.statistics.resample import _sorted_iqms, iqms, means

SCORES = np.random.default_rng(3).beta(4, 3, size=(10, 6))
FEW = settings(max_examples=10, deadline=None)
EITHER = st.sampled_from(["mean", "iqm"])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def of_scipy(columns: np.ndarray, statistic: Statistic, resamples: int) -> tuple[float, float]:
    one = {"mean": np.mean, "iqm": lambda x, axis: stats.trim_mean(x, 0.25, axis=axis), "optimality_gap": None}
    figure = one[statistic] or (lambda x, axis: np.maximum(1 - x, 0).mean(axis=axis))
    found = stats.bootstrap(
        tuple(columns.T),
        lambda *drawn, axis: figure(np.concatenate(drawn, axis=-1), axis=-1),
        n_resamples=resamples,
        method="percentile",
        vectorized=True,
        random_state=rng(8),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


@pytest.mark.parametrize("statistic", ["mean", "iqm", "optimality_gap"])
@pytest.mark.parametrize("tasks", [1, 6])
def test_against_scipy(statistic: Statistic, tasks: int) -> None:
    mine = stratified(SCORES[:, :tasks], statistic, resamples=20_000, rng=rng())
    low, high = of_scipy(SCORES[:, :tasks], statistic, 20_000)
    error = 0.03 * (high - low)  # an end of 20,000 resamples strays by .005 of the width, and there are two sides
    assert (mine.low, mine.high) == (pytest.approx(low, abs=error), pytest.approx(high, abs=error))
    assert mine.low < mine.value < mine.high


@pytest.mark.parametrize("statistic", ["mean", "iqm", "optimality_gap"])
def test_against_every_resample(statistic: Statistic) -> None:
    scores = np.array([[0.1, 0.9], [0.35, 1.4], [0.8, 1.05]])
    figure = {"mean": np.mean, "iqm": iqm, "optimality_gap": optimality_gap}[statistic]
    every = np.sort([
        figure(np.concatenate([scores[list(one), 0], scores[list(two), 1]]))
        for one in product(range(3), repeat=3) for two in product(range(3), repeat=3)
    ])  # fmt: skip
    found = stratified(scores, statistic, level=0.8, rng=rng())
    assert found.value == pytest.approx(figure(scores))
    for end, share in ((found.low, 0.1), (found.high, 0.9)):
        near = np.quantile(every, [share - 0.006, share + 0.006], method="inverted_cdf")
        assert near[0] - 1e-9 <= end <= near[1] + 1e-9


@FEW
@given(EITHER, st.floats(0.1, 100), st.floats(-10, 10))
def test_moves_with_its_scores(statistic: Literal["mean", "iqm"], scale: float, shift: float) -> None:
    base = stratified(SCORES, statistic, resamples=500, rng=rng())
    moved = stratified(scale * SCORES + shift, statistic, resamples=500, rng=rng())
    assert (moved.value, moved.low, moved.high) == pytest.approx(
        [scale * end + shift for end in (base.value, base.low, base.high)], rel=1e-9, abs=1e-9
    )
    one, two = SCORES[:, 0], SCORES[:, 1]
    base = studentised(one, two, statistic, resamples=500, rng=rng())
    moved = studentised(scale * one + shift, scale * two + shift, statistic, resamples=500, rng=rng())
    assert (moved.value, moved.low, moved.high) == pytest.approx(
        [scale * end for end in (base.value, base.low, base.high)], rel=1e-6, abs=1e-9
    )


def test_order_of_runs_and_of_tasks_matters_only_to_the_draw() -> None:
    base = stratified(SCORES, "iqm", rng=rng())
    turned = stratified(rng(1).permuted(SCORES, axis=0)[:, ::-1], "iqm", rng=rng())
    assert turned.value == pytest.approx(base.value)
    assert [turned.low, turned.high] == pytest.approx([base.low, base.high], abs=0.02 * (base.high - base.low))
    assert stratified(SCORES, "iqm", rng=rng()) == base


def test_runs_are_drawn_within_their_task() -> None:
    levels = np.array([[0.0, 10.0], [0.0, 10.0], [1.0, 11.0]])
    found = stratified(levels, "mean", level=0.99, rng=rng())
    assert 5 <= found.low < found.high <= 6  # a bootstrap over all six values would spread over 0..11


@pytest.mark.parametrize("shape", [(2, 1), (3, 1), (4, 5), (10, 6), (30, 10), (128, 2), (129, 1)])
def test_iqms_counted_are_iqms_sorted(shape: tuple[int, int]) -> None:
    scores = rng(5).exponential(size=shape)
    counted, slowly = iqms(scores, 10_000, rng(1)), _sorted_iqms(scores, 10_000, rng(2))
    assert counted.mean() == pytest.approx(slowly.mean(), abs=0.06 * slowly.std())
    shares = [0.025, 0.25, 0.5, 0.75, 0.975]
    near = [np.quantile(slowly, np.clip(np.add(shares, by), 0, 1)) for by in (-0.02, 0.02)]
    found = np.quantile(counted, shares)
    assert (near[0] - 1e-9 <= found).all()
    assert (found <= near[1] + 1e-9).all()


@pytest.mark.parametrize("shape", [(2, 1), (7, 3), (10, 6), (200, 5)])
def test_every_run_is_drawn_as_often_as_any_other(shape: tuple[int, int]) -> None:
    runs, tasks = shape
    one = np.zeros(shape)
    one[runs // 2, tasks // 2] = 1
    times = np.rint(means(one, 10_000, rng()) * one.size)
    for many in range(4):
        assert (times == many).mean() == pytest.approx(stats.binom.pmf(many, runs, 1 / runs), abs=0.02)
    one[0, 0] = 1  # of the same task: drawn instead of the other; of another: whatever that one is
    both = np.rint(means(one, 10_000, rng()) * one.size)
    assert both.var() == pytest.approx(2 * (1 - 1 / runs) - 2 / runs * (tasks == 1), abs=0.1)


@pytest.mark.parametrize("sizes", [(8, 8), (5, 12), (9, 7)])
def test_errors_are_yuen_s(sizes: tuple[int, int]) -> None:
    one, two = rng().normal(size=sizes[0]), rng(1).exponential(size=sizes[1])
    for statistic, trim in (("iqm", 0.25), ("mean", 0)):
        (mine, left), (other, right) = (_with_error(group[None], statistic) for group in (one, two))
        theirs = stats.ttest_ind(one, two, equal_var=False, trim=trim).statistic
        assert float(((mine - other) / np.hypot(left, right))[0]) == pytest.approx(theirs)


def test_studentised_against_every_resample() -> None:
    one, two = np.array([0.1, 0.5, 0.7, 1.3]), np.array([0.2, 0.25, 0.9, 1.0])
    rows = [np.array([group[list(draw)] for draw in product(range(4), repeat=4)]) for group in (one, two)]
    means = [row.mean(axis=1) for row in rows]
    squares = [row.var(axis=1, ddof=1) / 4 for row in rows]
    value, error = one.mean() - two.mean(), np.sqrt(one.var(ddof=1) / 4 + two.var(ddof=1) / 4)
    strayed, errors = np.subtract.outer(*means) - value, np.sqrt(np.add.outer(*squares))
    roots = np.divide(strayed, errors, where=errors > 1e-12, out=np.copysign(np.inf, strayed)).ravel()
    found = studentised(one, two, "mean", level=0.9, resamples=100_000, rng=rng())
    assert found.value == pytest.approx(value)
    for end, share in ((found.high, 0.05), (found.low, 0.95)):
        near = np.quantile(roots, [share - 0.003, share + 0.003], method="inverted_cdf")
        assert near[0] - 1e-9 <= (value - end) / error <= near[1] + 1e-9


def test_one_and_two_change_places() -> None:
    one, two = SCORES[:, 0], SCORES[:, 1]
    there, back = (studentised(*pair, "iqm", rng=rng()) for pair in ((one, two), (two, one)))
    assert back.value == pytest.approx(-there.value)
    width = there.high - there.low
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high), abs=0.03 * width)


def test_no_spread_and_too_few() -> None:
    flat = stratified([[0.5, 0.7]] * 3, "iqm", rng=rng())
    assert (flat.low, flat.high, flat.method) == (pytest.approx(0.6), flat.low, NO_SPREAD)
    level = studentised([0.9] * 5, [0.8] * 5, "mean", rng=rng())
    assert (level.low, level.high, level.method) == (pytest.approx(0.1), level.low, NO_SPREAD)
    with pytest.raises(ValueError, match=r"3 and 3 runs are too few.*t interval"):
        studentised([0.1, 0.2, 0.3], [0.1, 0.3, 0.35], "mean", level=0.999, rng=rng())
    with pytest.raises(ValueError, match="at least 2"):
        stratified([[0.1, 0.2]], "mean", rng=rng())
    with pytest.raises(ValueError, match="at least 2"):
        studentised([0.1], [0.2, 0.3], "mean", rng=rng())
    with pytest.raises(ValueError, match="not finite"):
        stratified([[0.1], [np.nan]], "mean", rng=rng())
    with pytest.raises(ValueError, match="resamples"):
        stratified(SCORES, "mean", resamples=10, rng=rng())
    with pytest.raises(ValueError, match="level"):
        profile_band(SCORES, [0.5], level=95)


def test_two_runs_have_an_interval() -> None:
    gap = stratified([[1.2, 1.1], [1.5, 1.0]], "optimality_gap", rng=rng())
    assert (gap.value, gap.low, gap.high, gap.method) == (0, 0, 0, NO_SPREAD)
    found = stratified([0.2, 0.6], "mean", rng=rng())
    assert (found.low, found.high) == (0.2, 0.6)


def test_the_band_is_the_bootstrap_of_the_shares() -> None:
    thresholds = np.linspace(0, 1, 11)
    band = profile_band(SCORES, thresholds)
    for at, threshold in enumerate(thresholds):
        drawn = stratified((threshold < SCORES).astype(float), "mean", rng=rng())
        assert band.values[at] == pytest.approx(drawn.value)
        assert (band.low[at], band.high[at]) == pytest.approx((drawn.low, drawn.high), abs=1.01 / SCORES.size)
    turned = profile_band(rng().permuted(SCORES, axis=0)[:, ::-1], thresholds)
    assert (band.low == turned.low).all()
    assert (band.high == turned.high).all()
    assert (band.low <= band.values).all()
    assert (band.values <= band.high).all()
    assert (band.low[0], band.high[-1]) == (1, 0)  # every run above 0, none above 1


def test_the_band_against_every_resample() -> None:
    above = np.array([[1, 0], [1, 1], [0, 0]])
    every = [above[list(one), 0].mean() / 2 + above[list(two), 1].mean() / 2
             for one in product(range(3), repeat=3) for two in product(range(3), repeat=3)]  # fmt: skip
    band = profile_band(above, [0.5], level=0.8)
    assert (band.low[0], band.high[0]) == pytest.approx(np.quantile(every, [0.1, 0.9], method="inverted_cdf"))
