"""A multilayer perceptron as a model: its layers, its scaling, and what a table's columns become, in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import gymnasium as gym
import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.compose import ColumnTransformer
from torch import Tensor

from paralab.core import Answers, Array, Meaning, Model, Signature, Space
from paralab.errors import Mismatch
from paralab.networks import mlp, stacked
from paralab.networks.heads import HEADS, Unit
from paralab.record import spaces
from paralab.trainers.inputs import matrix_of

COLUMNS = "columns.skops"  # beside a table's model


def answer_of(task: Signature) -> tuple[Meaning, Space]:
    """What a perceptron answers in this task; raises Mismatch where it is neither label nor value."""
    for meaning, space in task.outputs.items():
        if meaning in HEADS:
            return meaning, space
    asked = " and ".join(task.outputs) or "nothing"
    raise Mismatch(f"supervised/mlp learns a label or a value, this problem asks for {asked}: pick a trainer of those")


@final
@dataclass(frozen=True, eq=False)
class MLPModel(Model):
    """A perceptron with its scaling inside: LABEL and PROBABILITY (float64), or VALUE in the unit of the targets."""

    signature: Signature
    widths: tuple[int, ...]  # inputs, hidden layers, outputs
    parameters: Tensor  # (1, P) float32: while it trains, a view of what is trained
    shift: Array  # (*in) float64; of a table (widths[0],)
    factor: Array  # as shift
    unit: Unit
    columns: ColumnTransformer | None  # of a table: makes (n, widths[0]) of its columns

    @torch.inference_mode()
    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        rows = torch.from_numpy(self.scaled(inputs))
        outputs = mlp.forward(stacked.layers(self.parameters.cpu(), self.widths), rows[None])[-1][0]
        meaning, space = answer_of(self.signature)
        mean, spread = self.unit
        return HEADS[meaning].answers(outputs.numpy().astype(np.float64) * spread + mean, space)

    def scaled(self, inputs: Array) -> Array:
        """Inputs (n, *in) as the network takes them: (n, widths[0]) float32; raises Refused for other inputs."""
        rows = matrix_of(inputs, self.signature.inputs)
        if self.columns is not None:
            rows = self.columns.transform(rows)
        else:
            rows = (rows - self.shift.ravel()) * self.factor.ravel()
        return rows.astype(np.float32, order="C")

    def save(self, folder: Path) -> None:
        arrays = {"shift": self.shift, "factor": self.factor, "mean": self.unit[0], "spread": self.unit[1]}
        for place, (weights, biases) in enumerate(stacked.layers(self.parameters.cpu(), self.widths)):
            arrays |= {f"{place}.weights": weights[0].numpy(), f"{place}.biases": biases[0, 0].numpy()}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "mlp.safetensors")
        about = {"signature": spaces.encode(self.signature), "widths": self.widths}
        (folder / "mlp.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
        if self.columns is not None:
            from paralab.trainers.skops_file import pack  # a third of a second, and for tables only

            (folder / COLUMNS).write_bytes(pack(self.columns).tobytes())

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        about = json.loads((folder / "mlp.json").read_text(encoding="utf-8"))
        arrays: dict[str, Array] = load_file(folder / "mlp.safetensors")
        widths = tuple(about["widths"])
        parts = [arrays[f"{place}.{kind}"] for place in range(len(widths) - 1) for kind in ("weights", "biases")]
        parameters = torch.from_numpy(np.concatenate([part.reshape(1, -1) for part in parts], axis=1))
        unit = (arrays["mean"], arrays["spread"])
        signature, columns = spaces.decode(about["signature"]), None
        if isinstance(signature.inputs, gym.spaces.Dict):
            from paralab.trainers.skops_file import unpack

            columns = unpack(np.frombuffer((folder / COLUMNS).read_bytes(), np.uint8), trust)
        return cls(signature, widths, parameters, arrays["shift"], arrays["factor"], unit, columns)
