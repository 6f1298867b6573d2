"""The data sets that come with scikit-learn, raw; each function reads files of the installed package only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array
from paralab.datasets.dataset import Dataset


def iris() -> Dataset:
    """150 flowers, 4 lengths in cm, 3 species (Fisher 1936)."""
    raw = _raw("iris")
    return _classes(raw.data, raw.target, raw.target_names, unbounded(4), "scikit-learn load_iris")


def digits() -> Dataset:
    """1,797 handwritten digits, 8x8 counts of 0..16; it *is* the test part of optdigits (Alpaydin & Kaynak 1998)."""
    raw = _raw("digits")
    space = Box(0.0, 16.0, (64,), np.float64)
    return _classes(raw.data, raw.target, raw.target_names, space, "scikit-learn load_digits")


def wine() -> Dataset:
    """178 wines, 13 chemical measurements, 3 cultivars (Aeberhard et al. 1992)."""
    raw = _raw("wine")
    return _classes(raw.data, raw.target, raw.target_names, unbounded(13), "scikit-learn load_wine")


def breast_cancer() -> Dataset:
    """569 tumours, 30 measurements of cell nuclei, malignant (212) or benign (357) (Street et al. 1993)."""
    raw = _raw("breast_cancer")
    return _classes(raw.data, raw.target, raw.target_names, unbounded(30), "scikit-learn load_breast_cancer")


def diabetes() -> Dataset:
    """442 patients, 10 measurements in their own units, disease progression after a year (Efron et al. 2004)."""
    raw = _raw("diabetes", scaled=False)
    inputs, targets = np.asarray(raw.data, np.float64), np.asarray(raw.target, np.float64)
    return Dataset(inputs, targets, unbounded(10), (), "scikit-learn load_diabetes, unscaled")


@cache  # they lie on disk as text: 4 to 13 ms, which every run of a sweep would pay
def _raw(name: str, **options: bool) -> Any:
    return getattr(import_module("sklearn.datasets"), f"load_{name}")(**options)


def unbounded(width: int) -> Box:
    """Inputs for which no range is declared."""
    return Box(-np.inf, np.inf, (width,), np.float64)


def _classes(inputs: Array, targets: Array, names: Sequence[object], space: Box, source: str) -> Dataset:
    labels = np.array(targets, np.int64)
    return Dataset(np.array(inputs, np.float64), labels, space, tuple(str(name) for name in names), source)
