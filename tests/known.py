"""Data sets whose best score is known, and the scenario of conf/config.yaml."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np

from paralab.datasets.dataset import Dataset
from paralab.datasets.splits import Scenario

PLAIN = Scenario(seed=0, labels=None, split="holdout", split_seed=None, test_size=0.3, folds=5, fold=None, select=False)
NEEDS = {  # what the YAML of a problem or trainer leaves open: name -> overrides that any test of it adds
    "gym": ["problem.id=Acrobot-v1"],
    "table": ["problem.path=rows.csv", "problem.target=kind"],
    "images": ["problem.path=pictures", "problem.size=4"],
    "supervised/sklearn": ["trainer.estimator._target_=sklearn.neighbors.KNeighborsClassifier"],
    "semi_supervised/sklearn": ["trainer.estimator._target_=sklearn.semi_supervised.LabelPropagation"],
    "unsupervised/sklearn": ["trainer.estimator._target_=sklearn.mixture.GaussianMixture"],
}
OFF = ["learning_starts=30", "batch_size=16", "gradient_steps=3"]
NARROW = "policy_kwargs.net_arch=[16]"
BRIEF: dict[str, list[str]] = {  # of each algorithm of trainer/reinforcement: settings that make it quick
    "sb3": ["+n_steps=32", "+batch_size=32", "+n_epochs=2"],
    "a2c": [],
    "sac": [*OFF, "train_freq=8", f"+{NARROW}"],
    "td3": [*OFF[:2], "train_freq=4", NARROW],
    "ddpg": [*OFF, "train_freq=[1,episode]", NARROW],
    "tqc": [*OFF, "train_freq=16", "buffer_size=100", NARROW],
    "crossq": [*OFF, "train_freq=8", NARROW],
    "trpo": ["n_steps=32", "batch_size=32", "n_critic_updates=2"],
    "qrdqn": [*OFF, "train_freq=16", NARROW],
    "ars": [],
    "recurrent_ppo": ["n_steps=16", "batch_size=32", "n_epochs=2", "policy_kwargs.lstm_hidden_size=8"],
}
UNIT = gym.spaces.Box(0.0, 1.0, (4,), np.float64)


def brief(trainer: str) -> list[str]:
    """The overrides that make an algorithm quick; none where the trainer is none of them."""
    settings = BRIEF.get(trainer.removeprefix("reinforcement/"), [])
    return [f"{'+' * each.startswith('+')}trainer.algorithm.{each.lstrip('+')}" for each in settings]


def blobs(rows: int) -> Dataset:
    """Three blobs in the unit cube, 10 standard deviations apart: the optimum is 1."""
    rng = np.random.default_rng(0)
    targets = np.arange(rows) % 3
    centres = np.array([[0.2, 0.2, 0.8, 0.5], [0.8, 0.2, 0.2, 0.5], [0.5, 0.8, 0.5, 0.1]])
    inputs = np.clip(centres[targets] + 0.05 * rng.standard_normal((rows, 4)), 0, 1)
    return Dataset(inputs, targets, UNIT, ("a", "b", "c"), "tests")


def strange(rows: int) -> Dataset:
    """One tight blob and a tenth of the rows far from it: ranked perfectly by distance."""
    rng = np.random.default_rng(0)
    targets = (np.arange(rows) % 10 == 0).astype(np.int64)
    spread = np.where(
        targets[:, None] == 1, 0.49 * np.sign(rng.standard_normal((rows, 4))), 0.03 * rng.standard_normal((rows, 4))
    )
    return Dataset(np.clip(0.5 + spread, 0, 1), targets, UNIT, ("usual", "strange"), "tests")


def line(rows: int) -> Dataset:
    """A plane with a hundredth of noise: the optimum of r2 is above .99."""
    rng = np.random.default_rng(0)
    inputs = rng.random((rows, 4))
    targets = inputs @ np.array([1.0, -2.0, 3.0, 0.5]) + 0.01 * rng.standard_normal(rows)
    return Dataset(inputs, targets, UNIT, (), "tests")


def write_files(folder: Path) -> None:
    """The files that NEEDS names: a table of every kind of column with gaps, and pictures of three classes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    lines = ["size,weight,colour,bought,kind"]
    for row in range(150):
        kind = row % 3
        size = f"{rng.normal(5 * kind):.3f}" if row % 11 else ""
        colour = ["red", "green", "blue"][kind if rng.random() < 0.7 else row % 2] if row % 13 else ""
        weight, day = rng.integers(10), 1 + row % 28
        lines.append(f"{size},{weight},{colour},2024-{1 + kind:02d}-{day:02d},{'abc'[kind]}")
    (folder / "rows.csv").write_text("\n".join(lines))
    for row in range(150):
        place = folder / "pictures" / "abc"[row % 3]
        place.mkdir(parents=True, exist_ok=True)
        grey = rng.normal([40, 120, 200][row % 3], 10, (6, 6))
        Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(place / f"{row}.png")
