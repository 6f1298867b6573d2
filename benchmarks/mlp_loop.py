"""The MLP trainer against a plain torch loop on the same work: digits, 64-64-64-10, batches of 64, one thread."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
import numpy as np
import torch
from sklearn.datasets import load_digits

from paralab.core import Labelled, Meaning, Member, Signature
from paralab.trainers.supervised.mlp import MLP

TRAINER = MLP((64, 64), 1e-3, 1e-2, 64, "cosine", 20, "range")


def digits() -> Labelled:
    bunch = load_digits()
    space = gym.spaces.Box(0.0, 16.0, (64,), np.float64)
    return Labelled(bunch.data[:1257], bunch.target[:1257], Signature(space, {Meaning.LABEL: gym.spaces.Discrete(10)}))


def plain(shown: Labelled, epochs: int, seed: int = 0) -> None:
    """What one would write by hand: nn.Sequential, torch.optim.AdamW, batches by a permutation, a cosine schedule."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    inputs, targets = torch.tensor(shown.inputs / 16, dtype=torch.float32), torch.tensor(shown.targets)
    first, second = TRAINER.hidden
    network = torch.nn.Sequential(
        torch.nn.Linear(64, first),
        torch.nn.ReLU(),
        torch.nn.Linear(first, second),
        torch.nn.ReLU(),
        torch.nn.Linear(second, 10),
    )
    optimizer = torch.optim.AdamW(network.parameters(), TRAINER.learning_rate, weight_decay=TRAINER.weight_decay)
    steps = epochs * -(-len(inputs) // TRAINER.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.split(torch.from_numpy(generator.permutation(len(inputs))), TRAINER.batch_size):
            loss = torch.nn.functional.cross_entropy(network(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()


def ours(shown: Labelled, epochs: int, members: int) -> None:
    stream = MLP.train_cohort([Member(TRAINER, shown, seed) for seed in range(members)])
    while next(stream)[0].step < epochs:
        pass
    stream.close()


def seconds(work: Callable[[], None]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def measure(epochs: int = 20, rounds: int = 7) -> dict[str, float]:
    """Medians: milliseconds of an epoch and a member, each round pairing all of them."""
    torch.set_num_threads(1)
    shown = digits()
    works: dict[str, tuple[int, Callable[[], None]]] = {
        "plain torch": (1, partial(plain, shown, epochs)),
        **{f"members {s}": (s, partial(ours, shown, epochs, s)) for s in (1, 2, 8, 16)},
    }
    for _, work in works.values():
        work()
    taken = [{name: seconds(work) / members for name, (members, work) in works.items()} for _ in range(rounds)]
    return {name: median(row[name] for row in taken) * 1000 / epochs for name in works}


if __name__ == "__main__":
    figures = measure()
    for name, milliseconds in figures.items():
        print(
            f"{name:12} {milliseconds:7.2f} ms an epoch and member  {milliseconds / figures['plain torch']:.2f} x plain"
        )
    print(json.dumps(figures))
