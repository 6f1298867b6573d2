"""What a data set is: rows as they were published, before any split or scaling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw rows and their whole answer; a problem withholds what a trainer may not see."""

    inputs: Array  # (n, d) float64, raw: scaling is the trainer's
    targets: Array  # (n,) int64 class indices, or float64 values
    space: Box  # one input, (d,) float64: the declared range, infinite where none is
    classes: tuple[str, ...]  # names by class index; empty for regression
    source: str  # where the rows come from

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a score depends on: inputs, targets, their types and shapes, declared range."""
        said = sha256("\n".join(self.classes).encode())
        for array in (self.inputs, self.targets, self.space.low, self.space.high):
            said.update(f"{array.dtype.str}{array.shape}".encode())
            said.update(np.ascontiguousarray(array).tobytes())
        return said.hexdigest()
