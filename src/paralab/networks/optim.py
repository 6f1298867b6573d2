"""AdamW over members (Loshchilov and Hutter 2019, arXiv:1711.05101), and the schedules of its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Literal

import torch
from torch import Tensor

Schedule = Literal["constant", "cosine", "linear"]

BETAS, EPSILON = (0.9, 0.999), 1e-8  # as torch.optim.AdamW


def fraction(schedule: Schedule, progress: float) -> float:
    """The part of the learning rate in force at this progress, 0 at the start and 1 at the horizon: then 0 for good."""
    match schedule:
        case "constant":
            return 1.0
        case "linear":
            return max(0.0, 1 - progress)
        case "cosine":
            return (1 + cos(pi * min(1.0, progress))) / 2


def factors(learning_rate: float, weight_decay: float, step: int) -> tuple[float, float, float]:
    """What one member's `step`-th update, from 1, multiplies parameters by, adds to the root, and steps by."""
    bias, root = 1 - BETAS[0] ** step, sqrt(1 - BETAS[1] ** step)
    return 1 - learning_rate * weight_decay, EPSILON * root, -learning_rate * root / bias


@dataclass(frozen=True, eq=False)
class AdamW:
    """AdamW with decoupled decay over a flat buffer, updated in place, each member at its own rate, decay and step."""

    parameters: Tensor  # (S, P)
    mean: Tensor  # (S, P), of the gradients
    square: Tensor  # (S, P), mean of the squared gradients

    def step(self, gradient: Tensor, factors: Tensor) -> None:
        """One update by the gradient (S, P), which is used up; factors (3, S, 1) are those of `factors`."""
        decay, epsilon, rate = factors.unbind()
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        root = torch.sqrt(self.square, out=gradient).add_(epsilon)
        self.parameters.mul_(decay).addcmul_(torch.div(self.mean, root, out=root), rate)
