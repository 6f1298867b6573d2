"""LinUCB with disjoint linear models (Li et al. 2010, algorithm 1, doi:10.1145/1772690.1772758).

Each action's reward is a ridge regression on the context and a constant 1; the action with the highest upper confidence
bound is taken. The inverse of each action's Gram matrix is kept by Sherman-Morrison updates: O(K d^2) a pull.
A table's row is encoded as `datasets.encoding` says: categories as 0 and 1; what is missing is 0 after scaling, which
is the mean where numbers are standardised.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import ClassVar, Self, final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.core import Answers, Array, Env, Environment, Meaning, Model, Signature, Snapshot, Space, State
from paralab.datasets import encoding
from paralab.environments.declared import said
from paralab.environments.journal import journal_of
from paralab.errors import Mismatch, Refused
from paralab.record.spaces import decode, encode
from paralab.trainers.scaling import Scale, affine, resolve

Floats = NDArray[np.float64]
PREFIX = "environment/"
MOST = 2**31  # bytes of the inverses: a column more for each value of each category adds up


@final
@dataclass(frozen=True, eq=False)
class LinearPolicy(Model):
    """Acts greedily by linear reward models: ACTION (n,) of contexts (n, ...); of equal rewards the first."""

    weights: Floats  # (K, d + 1), the constant's last
    shift: Floats  # (d,) of encoded contexts
    factor: Floats  # (d,)
    signature: Signature

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        space = self.signature.inputs
        scaled = _scaled(encoding.encode(inputs, space), self.shift, self.factor, space)
        rewards = scaled @ self.weights[:, :-1].T + self.weights[:, -1]
        actions = self.signature.outputs[Meaning.ACTION]
        assert isinstance(actions, gym.spaces.Discrete)
        return {Meaning.ACTION: rewards.argmax(axis=1) + actions.start}

    def save(self, folder: Path) -> None:
        np.savez(folder / "policy.npz", weights=self.weights, shift=self.shift, factor=self.factor)
        (folder / "signature.json").write_text(json.dumps(encode(self.signature), indent=1))

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        with np.load(folder / "policy.npz", allow_pickle=False) as arrays:
            weights, shift, factor = (arrays[name] for name in ("weights", "shift", "factor"))
        return cls(weights, shift, factor, decode(json.loads((folder / "signature.json").read_text())))


@dataclass
class _Learner:
    """All that changes while it learns, but the environment."""

    pulls: NDArray[np.int64]  # ()
    context: Floats  # (d,), not answered yet; NaN where it is missing
    weights: Floats  # (K, d + 1)
    inverse: Floats  # (K, d + 1, d + 1), of ridge * I + the sum of x x' over an action's pulls
    seen: Floats  # (d,), how often it was not missing
    mean: Floats  # (d,), running, of all contexts seen
    squares: Floats  # (d,), running, the sum of squared distances from the mean (Welford 1962)

    def see(self, context: Array) -> None:
        self.context = np.array(context, np.float64)
        known = ~np.isnan(self.context)
        self.seen += known
        distance = np.where(known, self.context - self.mean, 0.0)
        self.mean += distance / np.maximum(self.seen, 1)
        self.squares += distance * np.where(known, self.context - self.mean, 0.0)


@dataclass(frozen=True)
class LinUCB:
    """One environment copy; a snapshot every `stride` pulls, at the horizon, and where the grant ends.

    Where inputs are to be standardised, by the mean and deviation of the contexts seen so far. Nothing in it is random
    (of equal bounds the first action is taken), so `seed` is not used: contexts are the problem's to draw.
    """

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "pulls"

    scale: Scale
    alpha: float
    ridge: float
    stride: int
    horizon: int

    def __post_init__(self) -> None:
        if self.ridge <= 0 or self.stride < 1:
            raise Refused(f"linucb: ridge={self.ridge} must be above 0 and stride={self.stride} at least 1")

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        """Raises Mismatch where contexts are no row or actions not Discrete, Refused as `scaling.resolve`."""
        inputs, actions = encoding.flat(shown.task.inputs), shown.task.outputs[Meaning.ACTION]
        if not isinstance(inputs, gym.spaces.Box) or len(inputs.shape) != 1:
            raise Mismatch(f"linucb needs one flat Box; the problem's contexts are {said(inputs)}: pick another")
        if not isinstance(actions, gym.spaces.Discrete):
            raise Mismatch(f"linucb needs Discrete actions, this problem's are {said(actions)}: pick another trainer")
        running = resolve(self.scale, inputs) == "standard"
        fixed = None if running else affine(self.scale, inputs, np.empty((0, *inputs.shape)))
        env, space = shown.make(0), shown.task.inputs
        learner, scales = _new(int(actions.n), inputs.shape[0], self.ridge), encoding.numbers(space)
        if state is None:
            learner.see(_row(env.reset()[0], space))
        else:
            _restore(learner, env, state)
        while shown.meter.left >= 1:
            shift, factor = fixed or _standard(learner, scales)
            scaled = np.append(_scaled(learner.context, shift, factor, space), 1.0)
            self._pull(learner, env, scaled, int(actions.start), space)
            pulls = int(learner.pulls)
            if pulls % self.stride == 0 or pulls == self.horizon or shown.meter.left < 1:
                shift, factor = fixed or _standard(learner, scales)
                model = LinearPolicy(learner.weights.copy(), shift, factor, shown.task)
                yield Snapshot(pulls, model, shown.meter.metrics, partial(_capture, learner, env))

    def _pull(self, learner: _Learner, env: Env, scaled: Floats, start: int, space: Space) -> None:
        leverage = learner.inverse @ scaled  # (K, d + 1)
        bounds = learner.weights @ scaled + self.alpha * np.sqrt(np.maximum(leverage @ scaled, 0.0))
        action = int(bounds.argmax())
        context, reward, terminated, truncated, _ = env.step(np.int64(action + start))
        gain = leverage[action] / (1.0 + leverage[action] @ scaled)
        learner.weights[action] += gain * (float(reward) - learner.weights[action] @ scaled)
        learner.inverse[action] -= np.outer(gain, leverage[action])
        learner.pulls += 1
        learner.see(_row(env.reset()[0] if terminated or truncated else context, space))


def _new(actions: int, width: int, ridge: float) -> _Learner:
    if (size := 8 * actions * (width + 1) ** 2) > MOST:
        needed = f"{actions} x {width + 1} x {width + 1} numbers, {size / 2**30:.1f} GB, {MOST >> 30} are allowed"
        raise Refused(f"linucb would keep {needed}: leave out columns of many categories, or pick another trainer")
    inverse = np.tile(np.eye(width + 1) / ridge, (actions, 1, 1))
    weights = np.zeros((actions, width + 1))
    context, seen, mean, squares = np.zeros((4, width))
    return _Learner(np.zeros((), np.int64), context, weights, inverse, seen, mean, squares)


def _row(context: Array | Mapping[str, Array], space: Space) -> Floats:
    """A context as the numbers it is learned from, (d,)."""
    if isinstance(context, Mapping):
        return np.asarray(encoding.encode({name: np.reshape(value, 1) for name, value in context.items()}, space)[0])
    return np.asarray(context, np.float64)


def _scaled(encoded: Array, shift: Floats, factor: Floats, space: Space) -> Array:
    """What is missing of a table's row becomes 0."""
    scaled = (encoded - shift) * factor
    return np.nan_to_num(scaled, nan=0.0) if isinstance(space, gym.spaces.Dict) else scaled


def _standard(learner: _Learner, scales: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """By what was seen so far; the 0 and 1 of categories have a scale already."""
    deviation = np.sqrt(learner.squares / np.maximum(learner.seen, 1))
    factor = 1 / np.where(deviation > 0, deviation, 1.0)
    return np.where(scales, learner.mean, 0.0), np.where(scales, factor, 1.0)


def _capture(learner: _Learner, env: Env) -> State:
    journal = {PREFIX + name: array for name, array in journal_of(env).state().items()}
    return {**{each.name: getattr(learner, each.name).copy() for each in fields(learner)}, **journal}


def _restore(learner: _Learner, env: Env, state: State) -> None:
    for each in fields(learner):
        setattr(learner, each.name, np.array(state[each.name]))
    journal_of(env).restore({name.removeprefix(PREFIX): state[name] for name in state if name.startswith(PREFIX)})
