"""The process-wide generators that Stable-Baselines3 draws from, as arrays."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch as th  # a field below is called torch

from paralab.core import Array, State
from paralab.seeds import array_json, json_array


@dataclass(frozen=True)
class Generators:
    """A moment of all of them."""

    python: tuple[int, tuple[int, ...], float | None]
    numpy: Mapping[str, Any]
    torch: th.Tensor
    cuda: th.Tensor | None  # of the current device; None on the CPU

    @classmethod
    def now(cls, device: th.device) -> Generators:
        python = cast("tuple[int, tuple[int, ...], float | None]", random.getstate())
        numpy = cast("Mapping[str, Any]", np.random.get_state(legacy=False))
        cuda = th.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(python, numpy, th.get_rng_state(), cuda)

    def put_back(self, device: th.device) -> None:
        random.setstate(self.python)
        np.random.set_state(cast("dict[str, Any]", self.numpy))
        th.set_rng_state(self.torch)
        if self.cuda is not None:
            th.cuda.set_rng_state(self.cuda, device)

    def state(self) -> State:
        words = {name: np.asarray(value).tolist() for name, value in self.numpy["state"].items()}
        arrays: dict[str, Array] = {
            "python": json_array(self.python),
            "numpy": json_array({**self.numpy, "state": words}),
            "torch": self.torch.numpy().copy(),
        }
        return arrays if self.cuda is None else {**arrays, "cuda": self.cuda.numpy().copy()}

    @classmethod
    def of(cls, state: State) -> Generators:
        version, words, gauss = array_json(state["python"])
        numpy = array_json(state["numpy"])
        numpy["state"]["key"] = np.array(numpy["state"]["key"], np.uint32)
        cuda = th.from_numpy(state["cuda"].copy()) if "cuda" in state else None
        return cls((version, tuple(words), gauss), numpy, th.from_numpy(state["torch"].copy()), cuda)
