"""paralab: supervised, unsupervised, semi-supervised and reinforcement learning behind one trainer interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

    from paralab.run import Result

__version__ = "0.1.0"
__all__ = ["frame", "train"]


def train(
    problem: str,
    trainer: str,
    *,
    labels: int | None = None,
    seed: int = 0,
    name: str = "scratch",
    root: str | Path = "experiments",
    overrides: Sequence[str] = (),
    trust: Sequence[str] = (),
) -> Result:
    """Train as `paralab train` does, into the same folder; a finished run is returned unchanged.

    `paralab.train("digits", "supervised/mlp", labels=100, seed=0).scores["test/accuracy"]`. `overrides` are further
    ones of the command line, `trust` prefixes of your own code. Raises Refused, Failed (paralab.errors).
    """
    from json import dumps as quote

    from paralab.compose import compose, loader
    from paralab.run import run
    from paralab.sweep.plan import freeze

    labels_text = "null" if labels is None else labels
    fixed = [f"problem={problem}", f"trainer={trainer}", f"labels={labels_text}", f"seed={seed}", f"name={name}"]
    return run(freeze(compose(loader(), [*fixed, f"root={quote(str(root))}", *overrides]), trust), trust=trust)


def frame(experiment: str | None = None, *, root: str | Path = "experiments") -> DataFrame:
    """Every run of an experiment, or of all, as a pandas DataFrame: a row a run, whatever its status.

    `frame("label_efficiency").query("not tuning").groupby(["trainer", "labels"]).score.mean()`; docs/mirrors.md names
    the columns. Raises Refused (paralab.errors) where there is no such experiment.
    """
    from paralab.mirror.frame import frame as framed

    return framed(experiment, root)
