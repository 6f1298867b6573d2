"""What kind of answer a trainer is asked to learn, and whether it was shown enough of it."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from paralab.core import Array, Meaning, Signature
from paralab.errors import Mismatch, Refused


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


def asked(task: Signature) -> str:
    """The kinds of answer a task asks for, in words."""
    return " and ".join(f"a {meaning}" for meaning in task.outputs) or "nothing"
