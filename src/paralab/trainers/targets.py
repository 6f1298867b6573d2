"""What kind of answer a trainer is asked to learn, and whether it was shown enough of it."""

from __future__ import annotations

from typing import Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.core import Array, Meaning, Signature
from paralab.errors import Mismatch, Refused

ClassWeight = Literal["balanced"] | None


def classes(task: Signature, trainer: str) -> int:
    """The number of classes K; raises Mismatch where the answer is no label."""
    space = task.outputs.get(Meaning.LABEL)
    if not isinstance(space, gym.spaces.Discrete):
        raise Mismatch(
            f"{trainer} learns labels, this problem asks for {asked(task)}: pick another, see paralab list trainers"
        )
    return int(space.n)


def value(task: Signature, trainer: str) -> None:
    """Raise Mismatch where the answer is no value."""
    if Meaning.VALUE not in task.outputs:
        raise Mismatch(
            f"{trainer} learns values, this problem asks for {asked(task)}: pick another, see paralab list trainers"
        )


def varied(labels: Array, trainer: str) -> None:
    """Raise Refused where the labels shown (n,) are not of two classes at least."""
    if len(seen := np.unique(labels)) < 2:
        only = f"only class {seen[0]}" if len(seen) else "no label"
        raise Refused(f"{trainer} was shown {only}: it needs labels of two classes at least, grant more by labels=")


def unweighted(class_weight: ClassWeight, trainer: str) -> None:
    """Raise Refused where classes are to be weighted of an answer that is no label."""
    if class_weight is not None:
        raise Refused(f"{trainer} was asked for class_weight={class_weight}, and values have no classes: leave it null")


def balanced(labels: Array, count: int) -> NDArray[np.float32]:
    """What each of `count` classes counts, (count,): rows / (classes shown * rows of it), as scikit-learn has it."""
    rows = np.bincount(labels, minlength=count)
    weights = len(labels) / (np.count_nonzero(rows) * np.maximum(rows, 1))
    return np.where(rows > 0, weights, 0.0).astype(np.float32)


def asked(task: Signature) -> str:
    """The kinds of answer a task asks for, in words."""
    return " and ".join(f"a {meaning}" for meaning in task.outputs) or "nothing"
