from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paralab.core import Array
from paralab.errors import Refused
from paralab.trainers.preparation import prepare
from paralab.trainers.scaling import Scale, affine

PIXELS = gym.spaces.Box(0, 16, (3,), np.float64)
UNBOUNDED = gym.spaces.Box(-np.inf, np.inf, (3,), np.float64)
ROWS = np.random.default_rng(0).integers(0, 17, (20, 3)).astype(np.float64)


def scaled(scale: Scale, space: gym.Space[Array], inputs: Array) -> Array:
    shift, factor = affine(scale, space, inputs)
    return (inputs - shift) * factor


def test_pixels_by_range_are_exactly_sixteenths() -> None:
    for scale in ("auto", "range"):
        [(_, step)] = prepare(scale, PIXELS, ROWS).steps
        assert np.array_equal(scaled(scale, PIXELS, ROWS), ROWS / 16)
        assert np.array_equal(step.transform(ROWS), ROWS / 16)


def test_auto_is_standard_on_unbounded_inputs_and_none_leaves_them() -> None:
    standard = scaled("auto", UNBOUNDED, ROWS)
    np.testing.assert_allclose([standard.mean(0), standard.std(0)], [[0] * 3, [1] * 3], atol=1e-12)
    assert np.array_equal(scaled("none", UNBOUNDED, ROWS), ROWS)
    assert prepare("none", UNBOUNDED, ROWS).steps == []


@given(arrays(np.float64, (7, 3), elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3))))
def test_affine_is_what_the_pipeline_does(inputs: Array) -> None:
    [(_, step)] = prepare("standard", UNBOUNDED, inputs).steps
    np.testing.assert_allclose(scaled("standard", UNBOUNDED, inputs), step.transform(inputs), rtol=1e-6, atol=1e-6)


def test_constant_columns_keep_factor_one() -> None:
    constant = np.full((9, 3), 0.1)
    assert np.array_equal(affine("standard", UNBOUNDED, constant)[1], np.ones(3))
    assert np.array_equal(affine("range", gym.spaces.Box(2, 2, (3,), np.float64), constant)[1], np.ones(3))


def test_range_of_unbounded_inputs_is_refused_in_one_line() -> None:
    half = gym.spaces.Box(np.array([0.0, -np.inf]), np.array([1.0, 1.0]), dtype=np.float64)
    for space in (UNBOUNDED, half):
        with pytest.raises(Refused, match=r"^.*trainer\.scale=standard$"):
            affine("range", space, ROWS)
