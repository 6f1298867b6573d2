"""The contract: a problem shows a view of the answer, a trainer yields ever later models, the problem judges them.

A paradigm is how much of the answer the trainer is shown, so it is a *type of data*, never a branch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.errors import Mismatch
from paralab.meter import Meter

Array = NDArray[Any]
Space = gym.Space[Any]
Env = gym.Env[Any, Any]
Metrics = Mapping[str, float]
State = Mapping[str, Array]  # everything needed to go on, as named arrays; run.py alone writes it to disk
Split = Literal["valid", "test"]


class Meaning(StrEnum):
    """What an output says."""

    LABEL = "label"
    PROBABILITY = "probability"
    VALUE = "value"
    CLUSTER = "cluster"
    EMBEDDING = "embedding"
    ANOMALY = "anomaly"  # greater is stranger
    ACTION = "action"
    STATE = "state"


Answers = Mapping[Meaning, Array]  # each (n, *out)


@dataclass(frozen=True)
class Signature:
    """What goes in and what comes out: also the serving schema."""

    inputs: Space  # one input
    outputs: Mapping[Meaning, Space] = field(default_factory=dict)  # one answer of each kind; the first is the answer

    @property
    def bits(self) -> float | None:
        """The most one answer can tell: log2 of the number of classes; None where it is not bounded."""
        classes = self.outputs.get(Meaning.LABEL)
        return math.log2(int(classes.n)) if isinstance(classes, gym.spaces.Discrete) else None


def times(bits: float | None, count: int) -> float | None:
    return None if bits is None else bits * count


@dataclass(frozen=True)
class Labelled:
    """The whole answer."""

    inputs: Array  # (n, *in)
    targets: Array  # (n, *out)
    task: Signature

    @property
    def feedback(self) -> int:
        return len(self.targets)

    @property
    def bits(self) -> float | None:
        return times(self.task.bits, self.feedback)


@dataclass(frozen=True)
class PartlyLabelled:
    """Some of the answer: a hidden target is an integer < 0, or NaN."""

    inputs: Array  # (n, *in)
    targets: Array  # (n, *out)
    task: Signature

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self.targets) if self.targets.dtype.kind == "f" else self.targets >= 0)

    @property
    def feedback(self) -> int:
        return int(self.known.sum())

    @property
    def bits(self) -> float | None:
        return times(self.task.bits, self.feedback)


@dataclass(frozen=True)
class Unlabelled:
    """None of the answer: task.outputs is empty, not even the number of classes is told."""

    inputs: Array  # (n, *in)
    task: Signature

    @property
    def feedback(self) -> int:
        return 0

    @property
    def bits(self) -> float | None:
        return 0.0


@dataclass(frozen=True)
class Environment:
    """Only a reward for what is done; every copy charges the one meter, which raises Spent."""

    make: Callable[[int], Env]  # the n-th training copy
    make_vec: Callable[[int], gym.vector.VectorEnv[Any, Any, Any]]  # the first n copies, in step
    task: Signature  # observation -> {ACTION: action space}
    meter: Meter

    @property
    def feedback(self) -> int:
        return self.meter.used

    @property
    def bits(self) -> float | None:
        return times(self.meter.bits, self.feedback)


View = Labelled | PartlyLabelled | Unlabelled | Environment
V = TypeVar("V", bound=View)  # invariant: it stands both in and out


class Model(ABC):
    """What was learned: a pure batched function that knows its signature."""

    signature: Signature

    @abstractmethod
    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        """Answer n inputs at once; state is for recurrent policies only."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing, empty folder: no pickle."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        """What `save` wrote; types of other packages are rebuilt only below the prefixes in `trust`."""


@dataclass(frozen=True)
class Snapshot:
    """Training as seen from outside; model and state() are live until the next one is yielded."""

    step: int  # in the trainer's own unit
    model: Model
    metrics: Metrics  # {"train/loss": ...}
    state: Callable[[], State]


@dataclass(frozen=True)
class Bound:
    value: float
    source: str


@dataclass(frozen=True)
class Bounds:
    """Declared floor and ceiling of the objective: what a normalised score needs."""

    floor: Bound
    ceiling: Bound


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a model."""

    scores: Metrics  # {"accuracy": .97}; greater is always better; empty where there is nothing to judge on
    evidence: Mapping[str, Array]  # rows or episodes, truth, answers: from it any metric can be computed later
    feedback: int  # answers the judge itself spent: read-out and validation labels
    bits: float | None = None  # the most that those can tell; None: not bounded


class Problem(Protocol):
    """Knows the answer and judges."""

    @property
    def objective(self) -> str: ...  # the metric that ranks models
    @property
    def bounds(self) -> Bounds | None: ...
    @property
    def views(self) -> Mapping[type, Callable[[], View]]: ...
    @property
    def indices(self) -> Mapping[str, Array]: ...  # the scenario's rows or episode seeds, stored beside the run
    def evaluate(self, model: Model, split: Split) -> Verdict: ...


class Trainer(Protocol[V]):
    """Learns from one view; training is a stream of ever later models."""

    @property
    def view(self) -> type[V]: ...  # plugins write  view: ClassVar[type[Labelled]] = Labelled
    @property
    def unit(self) -> str: ...  # "epochs", "environment steps", "trees", "fits"
    def train(self, shown: V, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]: ...


T = TypeVar("T")


@dataclass(frozen=True)
class Member(Generic[T, V]):
    trainer: T
    shown: V
    seed: int
    state: State | None = None


class Stackable(Trainer[V], Protocol[V]):
    """Optional: many members as one tensor program."""

    def cohort_key(self, shown: V) -> Hashable: ...  # class, non-float fields, shapes
    @classmethod
    def train_cohort(cls, members: Sequence[Member[Self, V]]) -> Generator[Sequence[Snapshot], None, None]: ...


def show(problem: Problem, view: type[V]) -> V:
    """Show the problem in one view, and nothing more; raises Mismatch where it cannot be shown so."""
    shows = problem.views
    if view not in shows:
        can = ", ".join(kind.__name__ for kind in shows)
        raise Mismatch(f"a {view.__name__} view is needed, the problem can only be shown as {can}")
    shown = shows[view]()
    assert isinstance(shown, view)
    return shown


def meter_of(shown: View) -> Meter | None:
    """The meter that counts a view's answers while training asks for them; rows are given all at once and have none."""
    return shown.meter if isinstance(shown, Environment) else None
