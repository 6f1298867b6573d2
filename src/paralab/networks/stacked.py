"""Members side by side: everything of member i is row i, so that no member's numbers depend on who its neighbours are.

Parameters of S members lie in one flat buffer (S, P), so that one optimiser step is a handful of operations whatever
the number of layers, and one member's state is one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Layer = tuple[Tensor, Tensor]  # weights (S, in, out) and biases (S, 1, out), views of the flat buffer


def layers(flat: Tensor, widths: Sequence[int]) -> list[Layer]:
    """The layers in a flat buffer (S, P), as views; widths are those of the inputs, each hidden layer, the outputs."""
    views, start = [], 0
    for before, after in pairwise(widths):
        middle, end = start + before * after, start + (before + 1) * after
        views.append((flat[:, start:middle].view(-1, before, after), flat[:, middle:end].view(-1, 1, after)))
        start = end
    return views


def initial(widths: Sequence[int], generator: np.random.Generator) -> NDArray[np.float32]:
    """One member's first parameters (P,): uniform within 1 / sqrt(in), weights and biases, as torch.nn.Linear does."""
    return np.concatenate([
        generator.uniform(-(before**-0.5), before**-0.5, (before + 1) * after).astype(np.float32)
        for before, after in pairwise(widths)
    ])  # fmt: skip


def product(left: Tensor, right: Tensor) -> Tensor:
    """Each member's matrix product, (S, a, b) by (S, b, c), the same to the bit in a block of any size on one thread.

    MKL goes two ways about a single row or column, one for a lone member and one for several, and they differ in the
    last bit: so single ones are computed as two. Of 24,000 random shapes up to 1,024 none other differed.
    """
    if right.shape[2] == 1:
        return product(left, right.repeat(1, 1, 2))[:, :, :1]
    if left.shape[1] == 1:
        return product(left.repeat(1, 2, 1), right)[:, :1]
    return torch.bmm(left, right)


def batches(inputs: Tensor, targets: Tensor, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Minibatches (S, b, ...) of rows (S * n, ...) in the order (S, n): every row once, the last is what remains."""
    for rows in torch.split(order, size, dim=1):
        chosen = rows.reshape(-1)
        yield (
            inputs.index_select(0, chosen).view(*rows.shape, -1),
            targets.index_select(0, chosen).view(*rows.shape, -1),
        )
