"""Label efficiency as one figure: the area under a method's scores over the logarithm of the labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def area(budgets: Sequence[float] | NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean height of the curve through scores (..., k) at rising label budgets (k,), over log n: (...).

    Straight lines in log n, divided by the width, so it is in the score's own unit: a constant score is its own area.
    A NaN among the scores of a curve makes its area NaN. ValueError where the budgets span no width.
    """
    labels = np.asarray(budgets, dtype=np.float64)
    if labels.ndim != 1 or len(labels) < 2 or not (labels > 0).all() or not (np.diff(labels) > 0).all():
        raise ValueError(f"a curve needs two or more rising label budgets, not {list(budgets)}")
    if scores.shape[-1:] != labels.shape:
        raise ValueError(f"{len(labels)} label budgets, but scores of shape {scores.shape}")
    at = np.log(labels)
    share = np.diff(at) / (at[-1] - at[0])
    height = (scores[..., 1:] + scores[..., :-1]) / 2
    return np.asarray(height @ share, dtype=np.float64)
