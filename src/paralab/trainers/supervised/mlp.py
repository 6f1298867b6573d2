"""A multilayer perceptron by minibatches and AdamW, many members in one tensor program.

On one thread a member's weights are bit-identical whoever is trained beside it.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Self, final

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from paralab.core import Array, Labelled, Meaning, Member, Signature, Snapshot, State
from paralab.errors import Refused
from paralab.networks import mlp, optim, stacked
from paralab.networks.heads import HEADS, Head
from paralab.seeds import array_json, json_array
from paralab.trainers.preparation import prepare, width
from paralab.trainers.scaling import Scale, affine
from paralab.trainers.supervised.mlp_model import MLPModel, answer_of
from paralab.trainers.targets import ClassWeight, balanced, unweighted

_BLOCKS = ("parameters", "mean", "square")  # what AdamW goes on from, each (S, P)


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
        meaning, _ = answer_of(shown.task)
        fields = (self.hidden, self.batch_size, self.schedule, self.horizon, self.scale, self.class_weight, self.device)
        return (type(self), *fields, self.widths(shown), shown.targets.shape, meaning)

    @classmethod
    def train_cohort(cls, members: Sequence[Member[Self, Labelled]]) -> Generator[Sequence[Snapshot], None, None]:
        """Train members of one cohort_key together, each on its own data, at its own rates, from its own seed."""
        if len({member.trainer.cohort_key(member.shown) for member in members}) != 1:
            raise ValueError("the members of a cohort must share one cohort_key")
        first = members[0]
        count, batch_size = len(first.shown.targets), first.trainer.batch_size
        head, widths = HEADS[answer_of(first.shown.task)[0]], first.trainer.widths(first.shown)
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
        meaning, space = answer_of(shown.task)
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


def _model(member: Member[MLP, Labelled], widths: tuple[int, ...], parameters: Tensor) -> MLPModel:
    shown = member.shown
    meaning, space = answer_of(shown.task)
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
    meaning, space = answer_of(task)
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
