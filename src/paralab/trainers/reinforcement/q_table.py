"""Tabular Q-learning (Watkins & Dayan 1992, doi:10.1007/BF00992698) with a falling epsilon."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.core import Answers, Array, Env, Environment, Meaning, Model, Signature, Snapshot, State
from paralab.environments.declared import said
from paralab.environments.journal import journal_of
from paralab.errors import Mismatch
from paralab.record.spaces import decode, encode
from paralab.seeds import array_json, json_array

WINDOW = 100  # episodes of the rolling means, as the library of the other trainers has it


class QTable(Model):
    """Acts greedily by a table: ACTION (n,) of observations (n,); of equal values the first."""

    def __init__(self, values: NDArray[np.float64], signature: Signature) -> None:
        self.values = values  # (observations, actions)
        self.signature = signature

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {Meaning.ACTION: self.values[inputs].argmax(axis=1)}

    def save(self, folder: Path) -> None:
        np.savez(folder / "values.npz", values=self.values)
        (folder / "signature.json").write_text(json.dumps(encode(self.signature), indent=1))

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        with np.load(folder / "values.npz", allow_pickle=False) as arrays:
            values = arrays["values"]
        return cls(values, decode(json.loads((folder / "signature.json").read_text())))


@dataclass
class _Learner:
    """All that changes while it learns."""

    values: NDArray[np.float64]  # (observations, actions)
    random: np.random.Generator
    observation: int
    step: int
    progress: NDArray[np.float64]  # (2,) return and length of the episode under way
    finished: deque[tuple[float, float]]  # return and length of the last episodes


@dataclass(frozen=True)
class QLearning:
    """One environment copy; an update a step; a snapshot every `every` steps, and where the grant ends."""

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "environment steps"

    learning_rate: float
    gamma: float
    initial: float
    epsilon_start: float
    epsilon_end: float
    exploration_steps: int
    every: int

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        """Raises Mismatch where observations or actions are not Discrete, counted from 0."""
        inputs, actions = shown.task.inputs, shown.task.outputs[Meaning.ACTION]
        for name, space in (("observations", inputs), ("actions", actions)):
            if not isinstance(space, gym.spaces.Discrete) or space.start != 0:
                raise Mismatch(f"q_table needs Discrete {name} counted from 0; this problem's are {said(space)}")
        assert isinstance(inputs, gym.spaces.Discrete)
        assert isinstance(actions, gym.spaces.Discrete)
        env = shown.make(0)
        table = np.full((int(inputs.n), int(actions.n)), self.initial)
        learner = _Learner(table, np.random.default_rng(seed), 0, 0, np.zeros(2), deque(maxlen=WINDOW))
        if state is None:
            learner.observation = int(env.reset()[0])
        else:
            _restore(learner, env, state)
        while shown.meter.left >= 1:
            self._step(learner, env)
            if learner.step % self.every == 0 or shown.meter.left < 1:
                metrics = dict(shown.meter.metrics)
                if learner.finished:
                    returns, lengths = np.mean(learner.finished, axis=0)
                    metrics |= {"train/return": float(returns), "train/length": float(lengths)}
                yield Snapshot(
                    learner.step, QTable(learner.values, shown.task), metrics, partial(_capture, learner, env)
                )

    def _step(self, learner: _Learner, env: Env) -> None:
        values, here = learner.values, learner.observation
        faded = min(learner.step / max(self.exploration_steps, 1), 1.0)
        epsilon = self.epsilon_start + faded * (self.epsilon_end - self.epsilon_start)
        if learner.random.random() < epsilon:
            action = int(learner.random.integers(values.shape[1]))
        else:  # ties at random: the first would be a habit, not a choice
            best = np.flatnonzero(values[here] == values[here].max())
            action = int(best[learner.random.integers(len(best))])
        there, reward, terminated, truncated, _ = env.step(action)
        target = float(reward) + (0.0 if terminated else self.gamma * values[int(there)].max())
        values[here, action] += self.learning_rate * (target - values[here, action])
        learner.step += 1
        learner.progress += float(reward), 1.0
        if terminated or truncated:
            learner.finished.append((float(learner.progress[0]), float(learner.progress[1])))
            learner.progress[:] = 0.0
            there, _ = env.reset()
        learner.observation = int(there)


def _capture(learner: _Learner, env: Env) -> State:
    return {
        "values": learner.values.copy(),
        "random": json_array(learner.random.bit_generator.state),
        "place": np.array([learner.observation, learner.step]),
        "progress": learner.progress.copy(),
        "finished": np.array(learner.finished, np.float64).reshape(-1, 2),
        **{f"environment/{name}": array for name, array in journal_of(env).state().items()},
    }


def _restore(learner: _Learner, env: Env, state: State) -> None:
    learner.values[:] = state["values"]
    learner.random.bit_generator.state = array_json(state["random"])
    learner.observation, learner.step = (int(number) for number in state["place"])
    learner.progress[:] = state["progress"]
    learner.finished.extend((total, length) for total, length in state["finished"].tolist())
    prefix = "environment/"
    journal_of(env).restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})
