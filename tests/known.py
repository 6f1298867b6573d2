"""Data sets whose best score is known."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from paralab.datasets.dataset import Dataset

UNIT = gym.spaces.Box(0.0, 1.0, (4,), np.float64)


def blobs(rows: int) -> Dataset:
    """Three blobs in the unit cube, 10 standard deviations apart: the optimum is 1."""
    rng = np.random.default_rng(0)
    targets = np.arange(rows) % 3
    centres = np.array([[0.2, 0.2, 0.8, 0.5], [0.8, 0.2, 0.2, 0.5], [0.5, 0.8, 0.5, 0.1]])
    inputs = np.clip(centres[targets] + 0.05 * rng.standard_normal((rows, 4)), 0, 1)
    return Dataset(inputs, targets, UNIT, ("a", "b", "c"), "tests")


def strange(rows: int) -> Dataset:
    """One tight blob and a tenth of the rows far from it: ranked perfectly by distance."""
    rng = np.random.default_rng(0)
    targets = (np.arange(rows) % 10 == 0).astype(np.int64)
    spread = np.where(
        targets[:, None] == 1, 0.49 * np.sign(rng.standard_normal((rows, 4))), 0.03 * rng.standard_normal((rows, 4))
    )
    return Dataset(np.clip(0.5 + spread, 0, 1), targets, UNIT, ("usual", "strange"), "tests")


def line(rows: int) -> Dataset:
    """A plane with a hundredth of noise: the optimum of r2 is above .99."""
    rng = np.random.default_rng(0)
    inputs = rng.random((rows, 4))
    targets = inputs @ np.array([1.0, -2.0, 3.0, 0.5]) + 0.01 * rng.standard_normal(rows)
    return Dataset(inputs, targets, UNIT, (), "tests")
