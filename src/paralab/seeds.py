"""One named stream of randomness an axis, so that paired comparisons are paired by construction."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paralab.errors import Refused

Stream = Literal["split", "labels", "trainer", "environment", "valid episodes", "test episodes", "tuning"]
# The place in this tuple is the stream's key: append only.
STREAMS: tuple[Stream, ...] = (
    "split", "labels", "trainer", "environment", "valid episodes", "test episodes", "tuning",
)  # fmt: skip

TUNING = 2**31  # seeds from here on are a tuner's: what is chosen on them is never reported on them


def check_reported(seed: int) -> None:
    """Raise Refused for a seed that only a tuner may use."""
    if seed >= TUNING:
        raise Refused(f"seed={seed}: seeds from {TUNING} on are kept for tuning; give a smaller one")


def sequence(seed: int, stream: Stream) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=(STREAMS.index(stream),))


def generator(seed: int, stream: Stream) -> np.random.Generator:
    return np.random.default_rng(sequence(seed, stream))


def integers(seed: int, stream: Stream, count: int) -> list[int]:
    """`count` plain ints for libraries that take no generator; streams of episodes never share a value with another.

    Training streams lie below 2**29, validation episodes in [2**29, 2**30), test episodes in [2**30, 2**31).
    """
    low, high = {"valid episodes": (2**29, 2**30), "test episodes": (2**30, 2**31)}.get(stream, (0, 2**29))
    return [low + int(word) % (high - low) for word in sequence(seed, stream).generate_state(count, np.uint64)]


def integer(seed: int, stream: Stream) -> int:
    return integers(seed, stream, 1)[0]


def json_array(value: object) -> NDArray[np.uint8]:
    """JSON text as bytes, (n,): how the exact state of a generator stands among the arrays of a State."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8).copy()


def array_json(array: NDArray[np.uint8]) -> Any:
    return json.loads(array.tobytes())
