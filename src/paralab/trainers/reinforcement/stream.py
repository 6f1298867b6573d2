"""Stable-Baselines3 as a stream of snapshots, bit for bit what one `learn()` does.

`learn` is walked from outside, because calling it again for every stretch restarts each schedule (equal in 2 of 11
cases). One stretch is a rollout and the updates that follow it. The library's callbacks and logs are off.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial

import gymnasium as gym
import numpy as np
import torch._dynamo  # noqa: F401  torch imports it with the first optimiser: 2.4 s, which are no training
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.vec_env import VecEnv

from paralab.core import Environment, Meaning, Metrics, Snapshot, Space, State
from paralab.errors import Mismatch, Refused
from paralab.trainers.reinforcement.copies import copies
from paralab.trainers.reinforcement.policy import PolicyModel
from paralab.trainers.reinforcement.resume import Generators, capture, restore


def stream(
    build: Callable[[VecEnv], BaseAlgorithm],
    shown: Environment,
    n_envs: int,
    horizon: int,  # environment steps: what schedules take for the end
    state: State | None,
) -> Generator[Snapshot, None, None]:
    """A snapshot a stretch, until fewer answers are left than the next one needs.

    The library draws from process-wide generators: they are kept while the stream is suspended, so that nothing done
    meanwhile changes the training. Raises Refused where the grant is too small for even one stretch.
    """
    algorithm = build(copies(shown, n_envs))
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    needs, grant = stretch(algorithm), shown.meter.grant
    if grant is not None and needs > grant:
        raise Refused(
            f"one stretch takes {needs} answers ({_formula(algorithm)}), {grant} are granted; "
            "lower it under trainer., or raise labels="
        )
    _, callback = algorithm._setup_learn(horizon)
    if state is not None:
        restore(algorithm, state)
    model = PolicyModel(algorithm.policy, shown.task, algorithm.policy_kwargs)
    while shown.meter.left >= needs:
        _advance(algorithm, callback)
        generators = Generators.now()
        metrics = {**_metrics(algorithm), **shown.meter.metrics}
        yield Snapshot(algorithm.num_timesteps, model, metrics, partial(capture, algorithm, generators))
        generators.put_back()


def require(shown: Environment, trainer: str, kinds: tuple[type[Space], ...]) -> None:
    """Raise Mismatch where the trainer cannot act so: another kind of space, unbounded, or not counted from 0."""
    space = shown.task.outputs[Meaning.ACTION]
    bounded = not isinstance(space, gym.spaces.Box) or space.is_bounded()
    if not isinstance(space, kinds) or not bounded or getattr(space, "start", 0) != 0:
        can = ", ".join(kind.__name__ for kind in kinds)
        raise Mismatch(f"{trainer} acts in bounded {can} spaces counted from 0; this problem's actions are {space}")


def stretch(algorithm: BaseAlgorithm) -> int:
    """Answers that one stretch asks for; 1 where it ends with an episode."""
    if isinstance(algorithm, OnPolicyAlgorithm):
        return algorithm.n_steps * algorithm.n_envs
    frequency = _frequency(algorithm)
    return frequency.frequency * algorithm.n_envs if frequency.unit is TrainFrequencyUnit.STEP else 1


def _formula(algorithm: BaseAlgorithm) -> str:
    if isinstance(algorithm, OnPolicyAlgorithm):
        return f"n_steps * n_envs = {algorithm.n_steps} * {algorithm.n_envs}"
    return f"train_freq * n_envs = {_frequency(algorithm).frequency} * {algorithm.n_envs}"


def _frequency(algorithm: BaseAlgorithm) -> TrainFreq:
    assert isinstance(algorithm, OffPolicyAlgorithm)
    assert isinstance(algorithm.train_freq, TrainFreq)
    return algorithm.train_freq


def _advance(algorithm: BaseAlgorithm, callback: BaseCallback) -> None:
    """The body of `learn`'s loop."""
    assert algorithm.env is not None
    if isinstance(algorithm, OnPolicyAlgorithm):
        algorithm.collect_rollouts(algorithm.env, callback, algorithm.rollout_buffer, algorithm.n_steps)
        algorithm._update_current_progress_remaining(algorithm.num_timesteps, algorithm._total_timesteps)
        algorithm.train()
        return
    assert isinstance(algorithm, OffPolicyAlgorithm)
    assert algorithm.replay_buffer is not None
    rollout = algorithm.collect_rollouts(
        algorithm.env,
        callback,
        _frequency(algorithm),
        algorithm.replay_buffer,
        algorithm.action_noise,
        algorithm.learning_starts,
    )
    if algorithm.num_timesteps > algorithm.learning_starts:
        steps = algorithm.gradient_steps if algorithm.gradient_steps >= 0 else rollout.episode_timesteps
        if steps > 0:
            algorithm.train(batch_size=algorithm.batch_size, gradient_steps=steps)


def _metrics(algorithm: BaseAlgorithm) -> Metrics:
    """Mean return and length of the last 100 training episodes, and the loss, where there are any."""
    metrics: dict[str, float] = {}
    for name, key in (("train/return", "r"), ("train/length", "l")):
        if algorithm.ep_info_buffer:
            metrics[name] = float(np.mean([episode[key] for episode in algorithm.ep_info_buffer], dtype=np.float64))
    if "train/loss" in algorithm.logger.name_to_value:
        metrics["train/loss"] = float(algorithm.logger.name_to_value["train/loss"])
    return metrics
