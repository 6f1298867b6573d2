"""Judging a policy: one batch of environments, every one plays one episode.

100 episodes over one batch are 24 times (CartPole) as fast as one after the other. A policy's answer to a row depends
on the size of its batch in the last bits, so the batch keeps its size: a finished row repeats its last observation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from paralab.core import Array, Env, Meaning, Model
from paralab.environments.observations import batch, fault, put
from paralab.errors import Failed


@dataclass(frozen=True)
class Episodes:
    """What happened in n episodes."""

    seeds: NDArray[np.int64]  # (n,)
    returns: NDArray[np.float64]  # (n,)
    lengths: NDArray[np.int64]  # (n,) steps
    terminated: NDArray[np.bool_]  # (n,) the task ended
    truncated: NDArray[np.bool_]  # (n,) the clock did


def rollout(model: Model, make: Callable[[], Env], seeds: Sequence[int]) -> Episodes:
    """Play one episode a seed with the model's own (deterministic) actions, each in a fresh environment.

    Box actions are clipped to their space; a recurrent model starts each episode afresh and is told what it answered as
    STATE. Raises Failed where an observation or a reward is not a finite number.
    """
    envs = [make() for _ in seeds]
    try:
        return _play(model, envs, seeds)
    finally:
        for env in envs:
            env.close()


def _play(model: Model, envs: Sequence[Env], seeds: Sequence[int]) -> Episodes:
    count, space, seen = len(envs), envs[0].action_space, envs[0].observation_space
    inputs = batch([env.reset(seed=int(seed))[0] for env, seed in zip(envs, seeds, strict=True)], seen)
    done = Episodes(
        np.array(seeds), np.zeros(count), np.zeros(count, int), np.zeros(count, bool), np.zeros(count, bool)
    )
    step, running, state = 0, list(range(count)), None
    _check(inputs, "observation", step, envs[0])
    while running:
        step += 1
        answers = model.predict(inputs.copy(), state)
        actions, state = _legal(answers[Meaning.ACTION], space), answers.get(Meaning.STATE)
        rewards = np.zeros(count)
        for row in running:
            observation, rewards[row], done.terminated[row], done.truncated[row], _ = envs[row].step(actions[row])
            put(inputs, row, observation, seen)
        _check(inputs, "observation", step, envs[0])
        _check(rewards, "reward", step, envs[0])
        done.returns[running] += rewards[running]
        done.lengths[running] += 1
        running = [row for row in running if not (done.terminated[row] or done.truncated[row])]
    return done


def _legal(actions: Array, space: gym.Space[Array]) -> Array:
    return np.clip(actions, space.low, space.high) if isinstance(space, gym.spaces.Box) else actions


def _check(values: Array, field: str, step: int, env: Env) -> None:
    if found := fault(values, field):
        raise Failed(f"{env.unwrapped}: {found[0]} at step {step} of evaluation episode {found[1]}")
