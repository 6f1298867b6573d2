"""Two equal learners on real resampled data sets: what random splits of few rows do to a test.

A data set has 150 rows, two classes and twice five inputs, all alike given the class. One learner sees the first five
inputs, its equal the other five, so over all data sets and splits neither is better: the true difference is exactly 0.
Each of n seeds draws 70 % of the rows to train on, the rest to test on, the same for both, as the lab's splits do; or
it has five folds, of which each is a difference of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paralab.statistics.defaults import fold_ratio, split_ratio

Array = NDArray[np.float64]
ROWS, TRAIN, INPUTS, APART = 150, 105, 5, 0.4  # APART: of the class means from 0, in standard deviations an input
NEAR = 24  # neighbours looked at for one in the training rows: none is there with chance .3**24
LABELS, FOLDS, MORE = 20, 5, 135  # MORE: rows to train on where nine tenths are shown
RATIO = (ROWS - TRAIN) / TRAIN  # .43, test rows over rows not tested on
WIDER = split_ratio(ROWS - TRAIN, TRAIN)  # .61, the default
WIDER_OF_MORE = split_ratio(ROWS - MORE, MORE)  # .12
OF_FOLDS = fold_ratio(FOLDS)  # .31, the default; .25 is test rows over rows not tested on


def differences(learner: str, datasets: int, splits: int, rng: np.random.Generator) -> Array:
    """Test accuracy of one less that of its equal: (datasets, splits), or (datasets, splits * FOLDS), fold by fold."""
    return np.concatenate([_some(learner, min(200, datasets - at), splits, rng) for at in range(0, datasets, 200)])


def _some(learner: str, datasets: int, splits: int, rng: np.random.Generator) -> Array:
    y = np.where(rng.random((datasets, ROWS)) < 0.5, -1.0, 1.0)
    x = rng.normal(size=(datasets, ROWS, 2 * INPUTS)) + APART * y[..., None]
    place = rng.random((datasets, splits, ROWS)).argsort(axis=2)  # a row's place in a random order is as random
    answer = _neighbour if learner.startswith("nearest neighbour") else _centroids
    if "folds" in learner:
        blocks = [(place // (ROWS // FOLDS) != fold, place // (ROWS // FOLDS) == fold) for fold in range(FOLDS)]
    else:
        train = MORE if "90 %" in learner else TRAIN
        blocks = [(place < (LABELS if "labels" in learner else train), place >= train)]
    found = np.empty((datasets, splits, len(blocks)))
    for block, (shown, test) in enumerate(blocks):
        right = [answer(x[:, :, half], y, shown) == y[:, None] for half in (slice(INPUTS), slice(INPUTS, None))]
        found[:, :, block] = ((right[0].astype(np.float64) - right[1]) * test).sum(axis=2) / test[0, 0].sum()
    return np.round(found.reshape(datasets, -1), 12)


def _centroids(x: Array, y: Array, shown: NDArray[np.bool_]) -> Array:
    """The class whose mean is nearer: (datasets, splits, rows)."""
    means = []
    for label in (-1, 1):
        rows = (shown & (y == label)[:, None]).astype(np.float64)
        means.append(rows @ x / np.maximum(rows.sum(axis=2, keepdims=True), 1))
    across, between = means[1] - means[0], (means[0] + means[1]) / 2
    return np.where(across @ x.transpose(0, 2, 1) > (across * between).sum(axis=2, keepdims=True), 1.0, -1.0)


def _neighbour(x: Array, y: Array, shown: NDArray[np.bool_]) -> Array:
    squares = (x**2).sum(axis=2)
    far = squares[:, :, None] + squares[:, None] - 2 * x @ x.transpose(0, 2, 1)
    far[:, np.arange(ROWS), np.arange(ROWS)] = np.inf
    near = np.argpartition(far, NEAR, axis=2)[:, :, :NEAR]
    near = np.take_along_axis(near, np.take_along_axis(far, near, axis=2).argsort(axis=2), axis=2)
    each = np.arange(len(x))[:, None]
    first = np.empty(shown.shape, dtype=np.int64)
    for split in range(shown.shape[1]):
        first[:, split] = shown[each[..., None], split, near].argmax(axis=2)
    chosen = np.take_along_axis(near[:, None], first[..., None], axis=3)[..., 0]
    return np.asarray(y[each[..., None], chosen])
