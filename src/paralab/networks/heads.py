"""What a network puts out, learns from and answers, by the meaning of the answer: the one table of loss heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from paralab.core import Answers, Array, Meaning, Space

Unit = tuple[
    Array, Array
]  # mean and spread of the outputs, each (1,) or (width,) float64: answer = output * spread + mean


@dataclass(frozen=True)
class Head:
    width: Callable[[Space], int]  # how many numbers the network puts out for a row
    unit: Callable[[Array], Unit]  # from the targets shown (n, *out)
    encode: Callable[[Array, Unit], Array]  # targets (n, *out) -> what the loss compares with (n, t)
    # Outputs (S, b, width), encoded targets (S, b, t), what each class counts (S, width) or None for all the same
    # -> each member's mean loss (S,), its gradient (S, b, width).
    loss: Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor]]
    outputs: Callable[[Space], Mapping[Meaning, Space]]  # what the model says it answers
    answers: Callable[[Array, Space], Answers]  # outputs in their unit (n, width) float64 -> answers


def _classes(space: Space) -> int:
    assert isinstance(space, gym.spaces.Discrete)
    return int(space.n)


def _cross_entropy(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    # Two and a half times faster than torch.log_softmax, which goes row by row where there are few classes.
    logits = outputs - outputs.amax(-1, keepdim=True)
    odds = logits.exp()
    total = odds.sum(-1, keepdim=True)
    losses = total.log() - logits.gather(-1, targets)
    gradient = odds.div_(total).scatter_add_(-1, targets, torch.full_like(targets, -1, dtype=odds.dtype))
    if weights is not None:
        each = weights[:, None].expand(-1, targets.shape[1], -1).gather(-1, targets)
        losses, gradient = losses * each, gradient.mul_(each)
    return losses.mean((1, 2)), gradient.div_(targets.shape[1])


def _squared_error(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    error = outputs - targets
    return error.square().mean((1, 2)), error.mul_(2 / (error.shape[1] * error.shape[2]))


def _label(outputs: Array, space: Space) -> Answers:
    odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    probability = odds / odds.sum(axis=1, keepdims=True)
    return {Meaning.LABEL: probability.argmax(axis=1), Meaning.PROBABILITY: probability}


def _spread(targets: Array) -> Unit:
    flat = targets.reshape(len(targets), -1).astype(np.float64)
    spread = flat.std(axis=0)
    return flat.mean(axis=0), np.where(spread > 0, spread, 1.0)


HEADS: Mapping[Meaning, Head] = {
    Meaning.LABEL: Head(
        width=_classes,
        unit=lambda targets: (np.zeros(1), np.ones(1)),
        encode=lambda targets, unit: targets[:, None].astype(np.int64),
        loss=_cross_entropy,
        outputs=lambda space: {
            Meaning.LABEL: space,
            Meaning.PROBABILITY: gym.spaces.Box(0.0, 1.0, (_classes(space),), np.float64),
        },
        answers=_label,
    ),
    Meaning.VALUE: Head(
        width=lambda space: prod(space.shape or ()),
        unit=_spread,
        encode=lambda targets, unit: ((targets.reshape(len(targets), -1) - unit[0]) / unit[1]).astype(np.float32),
        loss=_squared_error,
        outputs=lambda space: {Meaning.VALUE: space},
        answers=lambda outputs, space: {Meaning.VALUE: outputs.reshape(-1, *(space.shape or ()))},
    ),
}
