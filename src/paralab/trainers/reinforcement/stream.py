"""Stable-Baselines3 as a stream of snapshots, bit for bit what one `learn()` does.

`learn` is walked from outside, because calling it again for every stretch restarts each schedule (equal in 2 of 11
cases). One stretch is a rollout and the updates that follow it. The library's callbacks and logs are off.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch._dynamo  # noqa: F401  torch imports it with the first optimiser: 2.4 s, which are no training
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.vec_env import VecEnv

from paralab.core import Environment, Metrics, Snapshot, State
from paralab.errors import Refused
from paralab.trainers.reinforcement.copies import copies
from paralab.trainers.reinforcement.generators import Generators
from paralab.trainers.reinforcement.policy import PolicyModel
from paralab.trainers.reinforcement.policy_settings import encoded
from paralab.trainers.reinforcement.resume import capture, check, restore


@runtime_checkable
class Search(Protocol):
    """An algorithm that tries whole policies for whole episodes: sb3_contrib.ARS."""

    def _do_one_update(self, callback: BaseCallback, async_eval: None) -> None: ...


def stream(
    build: Callable[[VecEnv], BaseAlgorithm],
    shown: Environment,
    n_envs: int,
    horizon: int,  # environment steps: what schedules take for the end
    state: State | None,
    every: int = 1,  # environment steps between two snapshots, at least
) -> Generator[Snapshot, None, None]:
    """A snapshot a stretch, or every so many steps, until fewer answers are left than the next one needs.

    The library draws from process-wide generators: they are kept while the stream is suspended, so that nothing done
    meanwhile changes the training. There is a snapshot at the horizon, and where the grant ends. Raises Refused where
    the grant is too small for even one stretch, Failed where an algorithm's state cannot be saved.
    """
    with closing(copies(shown, n_envs)) as environments:
        algorithm = build(environments)
        algorithm.set_logger(Logger(folder=None, output_formats=[]))
        needs, grant, meter = stretch(algorithm), shown.meter.grant, shown.meter
        if grant is not None and needs > grant:
            raise Refused(
                f"one stretch takes {needs} answers ({_formula(algorithm)}), {grant} are granted; "
                "lower it under trainer., or raise labels="
            )
        if needs == 1 and grant is not None:
            every = 1  # a grant may end amid an episode: what was learned until then stands in a snapshot
        _, callback = algorithm._setup_learn(horizon)
        check(algorithm)
        if state is not None:
            restore(algorithm, state)
        model, due = PolicyModel(algorithm.policy, shown.task, _settings(algorithm)), algorithm.num_timesteps + every
        while meter.left >= needs:
            _advance(algorithm, callback)
            step = algorithm.num_timesteps
            if due <= step or horizon <= step or meter.left < needs:
                due = step + every
                generators = Generators.now(algorithm.device)
                metrics = {**_metrics(algorithm), **meter.metrics}
                yield Snapshot(step, model, metrics, partial(capture, algorithm, generators))
                generators.put_back(algorithm.device)


def stretch(algorithm: BaseAlgorithm) -> int:
    """Answers that one stretch asks for; 1 where it ends with an episode."""
    if isinstance(algorithm, OnPolicyAlgorithm):
        return algorithm.n_steps * algorithm.n_envs
    if isinstance(algorithm, Search):
        return 1
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


def _settings(algorithm: BaseAlgorithm) -> dict[str, object]:
    """What the policy was built with; on-policy algorithms hand it one setting beside the others."""
    sde = {"use_sde": True} if isinstance(algorithm, OnPolicyAlgorithm) and algorithm.use_sde else {}
    return encoded({**algorithm.policy_kwargs, **sde})


def _advance(algorithm: BaseAlgorithm, callback: BaseCallback) -> None:
    """The body of `learn`'s loop."""
    assert algorithm.env is not None
    if isinstance(algorithm, OnPolicyAlgorithm):
        algorithm.collect_rollouts(algorithm.env, callback, algorithm.rollout_buffer, algorithm.n_steps)
        algorithm._update_current_progress_remaining(algorithm.num_timesteps, algorithm._total_timesteps)
        algorithm.train()
        return
    if isinstance(algorithm, Search):
        algorithm._update_current_progress_remaining(algorithm.num_timesteps, algorithm._total_timesteps)
        algorithm._do_one_update(callback, None)
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
    """Mean return and length of the last 100 training episodes, and the loss or its parts, where there are any."""
    metrics: dict[str, float] = {}
    for name, key in (("train/return", "r"), ("train/length", "l")):
        if algorithm.ep_info_buffer:
            metrics[name] = float(np.mean([episode[key] for episode in algorithm.ep_info_buffer], dtype=np.float64))
    said = algorithm.logger.name_to_value
    losses = ["train/loss"] if "train/loss" in said else [name for name in said if name.endswith("_loss")]
    return metrics | {name: float(said[name]) for name in losses}
