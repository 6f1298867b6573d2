"""A multilayer perceptron by minibatches and AdamW, many members in one tensor program.

On one thread a member's weights are bit-identical whoever is trained beside it.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import ClassVar, Self, final

import gymnasium as gym
import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.compose import ColumnTransformer
from torch import Tensor

from paralab.core import Answers, Array, Labelled, Meaning, Member, Model, Signature, Snapshot, Space, State
from paralab.errors import Mismatch, Refused
from paralab.networks import mlp, optim, stacked
from paralab.networks.heads import HEADS, Head, Unit
from paralab.record import spaces
from paralab.seeds import array_json, json_array
from paralab.trainers.inputs import matrix_of
from paralab.trainers.preparation import prepare, width
from paralab.trainers.scaling import Scale, affine
from paralab.trainers.targets import ClassWeight, balanced, unweighted

COLUMNS = "columns.skops"  # beside a table's model
_BLOCKS = ("parameters", "mean", "square")  # what AdamW goes on from, each (S, P)


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
        meaning, space = _answer(self.signature)
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


@final
@dataclass(frozen=True)
class MLP:
    """Fully connected ReLU layers by AdamW, for labels (cross-entropy) or values (squared error, targets standardised).

    An epoch takes every row once, in a fresh order, batch_size at a time; the last batch is what remains, and the only
    one where fewer rows are shown. One snapshot an epoch: train/loss is the mean over its rows, each before its step.
    Balanced class weights make every class shown count the same: a row's loss is weighted by rows / (classes * rows of
    its class). Raises Mismatch where the answer is neither label nor value, Refused as `scaling.affine`, and for class
    weights of values.
    """

    view: ClassVar[type[Labelled]] = Labelled
    unit: ClassVar[str] = "epochs"

    hidden: tuple[int, ...]  # units of each hidden layer
    learning_rate: float
    weight_decay: float  # decoupled: a step multiplies parameters by 1 - learning_rate * weight_decay
    batch_size: int  # rows
    schedule: optim.Schedule
    horizon: int  # epochs
    scale: Scale
    class_weight: ClassWeight
    device: str  # of torch; what is saved is always read on the CPU

    def __post_init__(self) -> None:
        least = {"hidden": min(self.hidden, default=1), "batch_size": self.batch_size, "horizon": self.horizon}
        for name, value in least.items():
            if value < 1:
                raise Refused(f"trainer.{name} holds {value}: set it to 1 or more")

    def train(self, shown: Labelled, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        for (snapshot,) in self.train_cohort([Member(self, shown, seed, state)]):
            yield snapshot

    def cohort_key(self, shown: Labelled) -> Hashable:
        meaning, _ = _answer(shown.task)
        fields = (self.hidden, self.batch_size, self.schedule, self.horizon, self.scale, self.class_weight, self.device)
        return (type(self), *fields, self.widths(shown), shown.targets.shape, meaning)

    @classmethod
    def train_cohort(cls, members: Sequence[Member[Self, Labelled]]) -> Generator[Sequence[Snapshot], None, None]:
        """Train members of one cohort_key together, each on its own data, at its own rates, from its own seed."""
        if len({member.trainer.cohort_key(member.shown) for member in members}) != 1:
            raise ValueError("the members of a cohort must share one cohort_key")
        first = members[0]
        count, batch_size = len(first.shown.targets), first.trainer.batch_size
        head, widths = HEADS[_answer(first.shown.task)[0]], first.trainer.widths(first.shown)
        states = [_beginning(widths, member.seed) if member.state is None else member.state for member in members]
        device = torch.device(first.trainer.device)
        blocks = {name: torch.from_numpy(np.stack([state[name] for state in states])).to(device) for name in _BLOCKS}
        layers, optimizer = stacked.layers(blocks["parameters"], widths), optim.AdamW(**blocks)
        seats = [
            _Seat(
                member.trainer,
                _model(member, widths, blocks["parameters"][place : place + 1]),
                {name: block[place] for name, block in blocks.items()},
                _unpacked(state["generator"]),
                int(state["epoch"]),
            )
            for place, (member, state) in enumerate(zip(members, states, strict=True))
        ]
        views = [(seat.model, member.shown) for seat, member in zip(seats, members, strict=True)]
        inputs = torch.from_numpy(np.concatenate([model.scaled(view.inputs) for model, view in views])).to(device)
        targets = np.concatenate([head.encode(view.targets, model.unit) for model, view in views])
        answers, weights = torch.from_numpy(targets).to(device), _weights(members)
        if weights is not None:
            weights = weights.to(device)
        while True:
            order = np.stack([seat.generator.permutation(count) + place * count for place, seat in enumerate(seats)])
            plans = [seat.trainer.plan(seat.epoch, ceil(count / batch_size)) for seat in seats]
            seated = torch.from_numpy(order).to(device)
            losses = _epoch(layers, optimizer, head, inputs, answers, weights, seated, batch_size, plans)
            for seat in seats:
                seat.epoch += 1
            yield [
                Snapshot(seat.epoch, seat.model, {"train/loss": loss}, seat.state)
                for seat, loss in zip(seats, losses, strict=True)
            ]

    def widths(self, shown: Labelled) -> tuple[int, ...]:
        """How wide each layer is for this task, inputs and outputs included."""
        meaning, space = _answer(shown.task)
        return (width(shown.task.inputs, shown.inputs), *self.hidden, HEADS[meaning].width(space))

    def plan(self, epoch: int, batches: int) -> list[tuple[float, float, float]]:
        """The optimiser's factors at each batch of an epoch, counted from 0."""
        places = [epoch * batches + batch for batch in range(batches)]
        parts = [optim.fraction(self.schedule, place / batches / self.horizon) for place in places]
        return [
            optim.factors(self.learning_rate * part, self.weight_decay, place + 1)
            for place, part in zip(places, parts, strict=True)
        ]


@dataclass(eq=False)
class _Seat:
    """What is one member's own: the rest of its training is its row of every block."""

    trainer: MLP
    model: MLPModel
    rows: dict[str, Tensor]  # each (P,), views
    generator: np.random.Generator
    epoch: int

    def state(self) -> State:
        rows = {name: row.cpu().numpy().copy() for name, row in self.rows.items()}
        return {**rows, "epoch": np.array(self.epoch), "generator": json_array(self.generator.bit_generator.state)}


@torch.inference_mode()  # around the epoch, never around a yield: the mode would leak to whoever pulls
def _epoch(
    layers: Sequence[stacked.Layer],
    optimizer: optim.AdamW,
    head: Head,
    inputs: Tensor,  # (S * n, in)
    targets: Tensor,  # (S * n, t)
    weights: Tensor | None,  # (S, out)
    order: Tensor,  # (S, n), places in the rows above
    batch_size: int,
    plans: Sequence[Sequence[tuple[float, float, float]]],  # (S, batches, 3)
) -> list[float]:
    """One pass over every member's rows; each member's mean loss."""
    total = torch.zeros(len(order), device=inputs.device)
    factors = torch.tensor(plans, device=inputs.device).permute(1, 2, 0).unsqueeze(-1)  # (batches, 3, S, 1)
    for (rows, answers), now in zip(stacked.batches(inputs, targets, order, batch_size), factors, strict=True):
        values = mlp.forward(layers, rows)
        loss, gradient = head.loss(values[-1], answers, weights)
        optimizer.step(mlp.backward(layers, values, gradient), now)
        total.add_(loss, alpha=rows.shape[1])
    losses: list[float] = total.div_(order.shape[1]).tolist()
    return losses


def _answer(task: Signature) -> tuple[Meaning, Space]:
    for meaning, space in task.outputs.items():
        if meaning in HEADS:
            return meaning, space
    asked = " and ".join(task.outputs) or "nothing"
    raise Mismatch(f"supervised/mlp learns a label or a value, this problem asks for {asked}: pick a trainer of those")


def _model(member: Member[MLP, Labelled], widths: tuple[int, ...], parameters: Tensor) -> MLPModel:
    shown = member.shown
    meaning, space = _answer(shown.task)
    signature, scale = Signature(shown.task.inputs, HEADS[meaning].outputs(space)), member.trainer.scale
    columns, unit = None, HEADS[meaning].unit(shown.targets)
    if isinstance(signature.inputs, gym.spaces.Dict):
        [(_, columns)] = prepare(scale, signature.inputs, shown.inputs).steps
        shift, factor = np.zeros(widths[0]), np.ones(widths[0])
    else:
        shift, factor = affine(scale, signature.inputs, shown.inputs)
    return MLPModel(signature, widths, parameters, shift, factor, unit, columns)


def _weights(members: Sequence[Member[MLP, Labelled]]) -> Tensor | None:
    """What each class counts for each member, (S, out); None where all count the same, and for values."""
    trainer, task = members[0].trainer, members[0].shown.task
    meaning, space = _answer(task)
    if trainer.class_weight is None:
        return None
    if meaning is not Meaning.LABEL:
        unweighted(trainer.class_weight, "supervised/mlp")
    count = HEADS[meaning].width(space)
    return torch.from_numpy(np.stack([balanced(each.shown.targets, count) for each in members]))


def _beginning(widths: Sequence[int], seed: int) -> State:
    """The state before the first epoch: to begin is to resume from it."""
    generator = np.random.default_rng(seed)
    parameters = stacked.initial(widths, generator)
    zeros = np.zeros_like(parameters)
    blocks = dict(zip(_BLOCKS, (parameters, zeros, zeros), strict=True))
    return {**blocks, "epoch": np.array(0), "generator": json_array(generator.bit_generator.state)}


def _unpacked(packed: Array) -> np.random.Generator:
    generator = np.random.default_rng()
    generator.bit_generator.state = array_json(packed)
    return generator
