"""What a data set is: rows as they were published, before any split or scaling."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
from gymnasium.spaces import Box, Dict

from paralab.core import Array
from paralab.spaces import encode_space


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw rows and their whole answer; a problem withholds what a trainer may not see."""

    inputs: Array  # (n, d) float64, raw: scaling is the trainer's; of a table (n,) structured, one field a column
    targets: Array  # (n,) int64 class indices, or float64 values
    space: Box | Dict  # one input: (d,) float64 of the declared range, infinite where none is; or a table's columns
    classes: tuple[str, ...]  # names by class index; empty for regression
    source: str  # where the rows come from
    groups: Array | None = None  # (n,) int64: rows of one group belong on one side of split=group
    times: Array | None = None  # (n,) float64: split=time tests on the latest
    official: Array | None = None  # (m,) int64: the rows that split=official tests on
    notices: tuple[str, ...] = ()  # what reading supposed or left out, a line each

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a score depends on: inputs, targets, their types, declared range, split marks."""
        said = sha256("\n".join(self.classes).encode())
        marks = [each for each in (self.groups, self.times, self.official) if each is not None]
        sides = [self.space.low, self.space.high] if isinstance(self.space, Box) else []
        if not sides:
            said.update(json.dumps(encode_space(self.space)).encode())
        for array in (self.inputs, self.targets, *sides, *marks):
            said.update(f"{array.dtype.str}{array.shape}".encode())
            said.update(np.ascontiguousarray(array).data)
        return said.hexdigest()
