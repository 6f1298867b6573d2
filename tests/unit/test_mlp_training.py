"""The MLP's training: the same to the bit alone, among others, stopped and resumed, and right against torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import islice, pairwise

import gymnasium as gym
import numpy as np
import pytest
import torch

from paralab.core import Labelled, Meaning, Member, Signature, Snapshot, State
from paralab.errors import Mismatch, Refused
from paralab.networks.optim import Schedule
from paralab.trainers.supervised.mlp import MLP

TRAINER = MLP((16, 7), 1e-2, 0.1, 16, "cosine", 4, "standard", None, "cpu")


def rows(count: int, width: int, classes: int | None, seed: int = 0) -> Labelled:
    """Random rows (count, width), with labels of so many classes, or values."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(count, width))
    space = gym.spaces.Box(-np.inf, np.inf, (width,), np.float64)
    if classes is None:
        task = Signature(space, {Meaning.VALUE: gym.spaces.Box(-np.inf, np.inf, (), np.float64)})
        return Labelled(inputs, 100 + 20 * inputs[:, 0], task)
    task = Signature(space, {Meaning.LABEL: gym.spaces.Discrete(classes)})
    return Labelled(inputs, generator.integers(classes, size=count), task)


def after(epochs: int, members: Sequence[Member[MLP, Labelled]]) -> list[tuple[int, float, dict[str, bytes]]]:
    """Each member's step, loss and whole state as bytes."""
    snapshots = next(islice(MLP.train_cohort(members), epochs - 1, None))
    return [
        (snapshot.step, snapshot.metrics["train/loss"], {name: a.tobytes() for name, a in snapshot.state().items()})
        for snapshot in snapshots
    ]


def on_disk(snapshot: Snapshot) -> State:
    file = BytesIO()
    np.savez(file, allow_pickle=False, **snapshot.state())
    file.seek(0)
    return dict(np.load(file, allow_pickle=False))


# One class of output, one input, one unit and one row left over are where MKL treats a lone member differently.
@pytest.mark.parametrize(
    ("count", "width", "classes", "hidden"),
    [
        (50, 64, 10, (64, 64)),
        (33, 13, None, (16, 7)),
        (17, 1, 3, (5,)),
        (20, 36, None, (114, 117, 112)),
        (40, 3, 2, (1, 9)),
    ],
)
def test_a_member_is_the_same_whoever_is_beside_it(
    count: int, width: int, classes: int | None, hidden: tuple[int, ...]
) -> None:
    members = [
        Member(
            replace(TRAINER, hidden=hidden, learning_rate=10.0 ** -(seed % 3 + 1), weight_decay=seed / 10),
            rows(count, width, classes, seed),
            seed,
        )
        for seed in range(5)
    ]
    alone = [after(2, [member])[0] for member in members]
    assert after(2, members) == alone
    assert after(2, members[1:3]) == alone[1:3]


@pytest.mark.parametrize("classes", [3, None])
def test_a_resumed_member_goes_on_to_the_bit_among_members_of_other_epochs(classes: int | None) -> None:
    shown = rows(40, 5, classes)
    whole = list(islice(TRAINER.train(shown, seed=7), 4))
    at_two = next(islice(TRAINER.train(shown, seed=7), 1, None))
    resumed = Member(TRAINER, shown, 7, on_disk(at_two))
    assert after(2, [resumed]) == after(4, [Member(TRAINER, shown, 7)])
    assert after(2, [Member(TRAINER, shown, 1), resumed])[1] == after(4, [Member(TRAINER, shown, 7)])[0]
    assert [snapshot.step for snapshot in whole] == [1, 2, 3, 4]


def test_a_state_is_a_copy_and_a_closed_stream_leaves_its_model() -> None:
    stream = TRAINER.train(rows(40, 5, 3), seed=0)
    first = next(stream)
    state = first.state()
    kept = {name: array.copy() for name, array in state.items()}
    model = next(stream).model
    assert all(np.array_equal(state[name], kept[name]) for name in kept)
    stream.close()
    assert np.isfinite(model.predict(np.ones((2, 5)))[Meaning.PROBABILITY]).all()


def test_the_seed_is_all_that_is_random() -> None:
    shown = rows(40, 5, 3)
    assert after(2, [Member(TRAINER, shown, 3)]) == after(2, [Member(TRAINER, shown, 3)])
    assert after(2, [Member(TRAINER, shown, 3)]) != after(2, [Member(TRAINER, shown, 4)])


@pytest.mark.parametrize("classes", [3, None])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_it_agrees_with_autograd_and_torch_adamw(classes: int | None, schedule: Schedule) -> None:
    shown, epochs = rows(37, 5, classes), 3  # batches of 16, 16 and 5
    trainer = replace(TRAINER, schedule=schedule, horizon=epochs)
    ours = next(islice(trainer.train(shown, seed=2), epochs - 1, None))

    inputs = torch.tensor((shown.inputs - shown.inputs.mean(0)) / shown.inputs.std(0), dtype=torch.float32)
    targets = torch.tensor(shown.targets)
    if classes is None:
        targets = ((targets - targets.mean()) / targets.std(correction=0)).float()[:, None]
    generator = np.random.default_rng(2)
    widths = [5, 16, 7, classes or 1]
    layers = [torch.nn.Linear(before, behind) for before, behind in pairwise(widths)]
    for layer in layers:
        edge = layer.in_features**-0.5
        flat = generator.uniform(-edge, edge, (layer.in_features + 1) * layer.out_features)
        weights, bias = np.split(flat, [layer.weight.numel()])
        layer.weight.data = torch.tensor(weights.reshape(layer.in_features, -1).T, dtype=torch.float32)
        layer.bias.data = torch.tensor(bias, dtype=torch.float32)
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    criterion = torch.nn.MSELoss() if classes is None else torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(network.parameters(), trainer.learning_rate, weight_decay=trainer.weight_decay)
    parts = {"constant": lambda p: 1, "cosine": lambda p: (1 + np.cos(np.pi * p)) / 2, "linear": lambda p: 1 - p}
    total = 0.0
    for epoch in range(epochs):
        total = 0.0
        order = torch.from_numpy(generator.permutation(37))
        for batch, chosen in enumerate(torch.split(order, 16)):
            optimizer.param_groups[0]["lr"] = trainer.learning_rate * parts[schedule]((epoch + batch / 3) / epochs)
            loss = criterion(network(inputs[chosen]), targets[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            total += loss.item() * len(chosen)

    theirs = torch.cat([part.flatten() for layer in layers for part in (layer.weight.T, layer.bias)]).detach().numpy()
    np.testing.assert_allclose(ours.state()["parameters"], theirs, atol=2e-5)
    assert ours.metrics["train/loss"] == pytest.approx(total / 37, rel=1e-4)


def test_fewer_rows_than_a_batch_are_one_batch() -> None:
    shown = rows(5, 3, 2)
    few, exact = (after(2, [Member(replace(TRAINER, batch_size=size), shown, 0)]) for size in (64, 5))
    assert few == exact


def test_what_cannot_be_is_refused() -> None:
    shown = rows(20, 3, 2)
    action = Labelled(
        shown.inputs, shown.targets, Signature(shown.task.inputs, {Meaning.ACTION: gym.spaces.Discrete(2)})
    )
    with pytest.raises(Mismatch, match="learns a label or a value, this problem asks for action"):
        next(TRAINER.train(action, seed=0))
    with pytest.raises(Refused, match=r"trainer\.batch_size holds 0"):
        replace(TRAINER, batch_size=0)
    with pytest.raises(ValueError, match="cohort_key"):
        next(MLP.train_cohort([Member(TRAINER, shown, 0), Member(replace(TRAINER, hidden=(3,)), shown, 0)]))


def test_a_cohort_shares_all_but_what_is_a_float() -> None:
    shown = rows(20, 3, 2)
    key = TRAINER.cohort_key(shown)
    assert replace(TRAINER, learning_rate=1.0, weight_decay=0.0).cohort_key(rows(20, 3, 2, seed=1)) == key
    others = [replace(TRAINER, hidden=(3,)), replace(TRAINER, batch_size=1), replace(TRAINER, horizon=9)]
    assert key not in {other.cohort_key(shown) for other in others}
    assert key not in {TRAINER.cohort_key(other) for other in (rows(21, 3, 2), rows(20, 4, 2), rows(20, 3, 3))}
