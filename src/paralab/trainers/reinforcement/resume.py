"""The exact state of a Stable-Baselines3 algorithm between two stretches, as arrays.

Its own save and load differ from going on (PPO, SAC, DQN): they lose generators, the replay buffer's place, the episode
under way. Everything that changes during training is named here or rebuilt from the configuration, and `check` reports
what is neither, so that a new version or algorithm cannot lose state silently. Valid only where a stretch has ended:
the rollout buffer is spent then, and the next stretch draws its exploration anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecMonitor, VecTransposeImage

from paralab.core import Array, State
from paralab.environments.journal import Journal, journal_of
from paralab.errors import Failed
from paralab.seeds import array_json, json_array
from paralab.trainers.reinforcement.copies import Copies
from paralab.trainers.reinforcement.generators import Generators
from paralab.trainers.reinforcement.tensors import (
    attributes,
    learning_rates,
    put_learning_rates,
    put_tensors,
    tensors,
    under,
)

COUNTERS = (
    "num_timesteps", "_episode_num", "_n_updates", "_n_calls", "_current_progress_remaining", "exploration_rate",
)  # fmt: skip
LAST = ("_last_obs", "_last_episode_starts", "_last_original_obs")
SAVED = {
    *COUNTERS, *LAST, "replay_buffer", "ep_info_buffer", "ep_success_buffer", "env", "action_space",
    "_last_lstm_states", "weights", "_logger",
}  # fmt: skip
# Follow from the configuration, from what is saved, or from the clock; other settings are constructor arguments.
DERIVED = {
    "policy_class", "observation_space", "n_envs", "lr_schedule", "exploration_schedule", "_stats_window_size",
    "_total_timesteps", "_num_timesteps_at_start", "start_time", "_custom_logger", "rollout_buffer",
    "q_net", "q_net_target", "quantile_net", "quantile_net_target", "n_quantiles", "critic_target", "actor_target",
    "batch_norm_stats", "batch_norm_stats_target", "actor_batch_norm_stats", "actor_batch_norm_stats_target",
    "critic_batch_norm_stats", "critic_batch_norm_stats_target",
    "pop_size", "n_params", "delta_std_schedule", "processes", "old_count",
}  # fmt: skip
UNSET = {"_vec_normalize_env", "log_ent_coef", "ent_coef_optimizer"}  # where None; else they have state of their own
BUFFERS = (ReplayBuffer, DictReplayBuffer, NStepReplayBuffer)


def capture(algorithm: BaseAlgorithm, generators: Generators) -> State:
    """Copies of all that changes; raises Failed naming an attribute that is not known."""
    check(algorithm)
    known = vars(algorithm)
    state: dict[str, Array] = {f"counter/{name}": np.array(known[name]) for name in COUNTERS if name in known}
    for name in LAST:
        state |= {f"last/{key}": array.copy() for key, array in _flat(name, known[name])}
    state |= {f"torch/{name}": array for name, array in tensors(algorithm).items()}
    state["learning_rates"] = learning_rates(algorithm)
    state |= {f"lstm/{place}": each.cpu().numpy().copy() for place, each in enumerate(_memory(algorithm))}
    episodes = algorithm.ep_info_buffer or ()
    state["episodes"] = np.array([(each["r"], each["l"]) for each in episodes], np.float64).reshape(-1, 2)
    state["successes"] = np.array(algorithm.ep_success_buffer or (), np.float64)
    state["logged"] = json_array(dict(_logged(algorithm)))
    if known.get("replay_buffer") is not None:
        buffer = known["replay_buffer"]
        state |= {f"replay/{name}": array[: buffer.size()].copy() for name, array in _replay(buffer).items()}
        state["replay_place"] = np.array([buffer.pos, buffer.full], np.int64)
    monitor, journals = _environments(algorithm)
    state |= {"returns": monitor.episode_returns.copy(), "lengths": monitor.episode_lengths.copy()}
    for place, journal in enumerate(journals):
        state |= {f"environment/{place}/{name}": array for name, array in journal.state().items()}
    state["generator/action_space"] = json_array(algorithm.action_space.np_random.bit_generator.state)
    return state | {f"generator/{name}": array for name, array in generators.state().items()}


def restore(algorithm: BaseAlgorithm, state: State) -> None:
    """Put everything back, after `_setup_learn` (which resets and reseeds); the generators last."""
    known = vars(algorithm)
    for name, array in under(state, "counter/"):
        known[name] = type(known[name])(array.item())
    for name in LAST:
        known[name] = _unflat(name, dict(under(state, "last/")))
    put_tensors(algorithm, dict(under(state, "torch/")))
    put_learning_rates(algorithm, state["learning_rates"])
    for (_, array), each in zip(under(state, "lstm/"), _memory(algorithm), strict=True):
        each.copy_(torch.from_numpy(array.copy()))
    if "weights" in known:  # of a random search: its policy's parameters in a row
        known["weights"] = torch.nn.utils.parameters_to_vector(algorithm.policy.parameters()).detach()
    assert algorithm.ep_info_buffer is not None
    assert algorithm.ep_success_buffer is not None
    algorithm.ep_info_buffer.extend({"r": total, "l": length, "t": 0.0} for total, length in state["episodes"].tolist())
    algorithm.ep_success_buffer.extend(state["successes"].tolist())
    algorithm.logger.name_to_value.update(array_json(state["logged"]) if "logged" in state else {})
    if "replay_place" in state:
        buffer = known["replay_buffer"]
        buffer.pos, buffer.full = int(state["replay_place"][0]), bool(state["replay_place"][1])
        for name, array in under(state, "replay/"):
            _replay(buffer)[name][: len(array)] = array
    monitor, journals = _environments(algorithm)
    monitor.episode_returns, monitor.episode_lengths = state["returns"].copy(), state["lengths"].copy()
    for place, journal in enumerate(journals):
        journal.restore(dict(under(state, f"environment/{place}/")))
    algorithm.action_space.np_random.bit_generator.state = array_json(state["generator/action_space"])
    Generators.of(dict(under(state, "generator/"))).put_back(algorithm.device)


def check(algorithm: BaseAlgorithm) -> None:
    """Raise Failed where an attribute is neither saved, derived, nor an argument of a constructor."""
    kinds = [kind for kind in type(algorithm).__mro__ if issubclass(kind, BaseAlgorithm)]
    arguments = {name for kind in kinds for name in inspect.signature(kind.__init__).parameters} - {"action_noise"}
    present = {name for name, value in vars(algorithm).items() if not (name in UNSET and value is None)}
    if _has_no_state(algorithm.action_noise):
        present.discard("action_noise")
    unknown = sorted(present - arguments - SAVED - DERIVED - attributes(algorithm))
    if unknown:
        raise Failed(f"{type(algorithm).__name__}: cannot save {', '.join(unknown)}; name them in {__name__}")


def _has_no_state(noise: object) -> bool:
    """Normal noise is drawn from the process-wide generators only."""
    noises = noise.noises if isinstance(noise, VectorizedActionNoise) else [noise]
    return all(each is None or type(each) is NormalActionNoise for each in noises)


def _logged(algorithm: BaseAlgorithm) -> Mapping[str, float]:
    """The losses last said: an update may leave some of them out."""
    return {name: float(value) for name, value in algorithm.logger.name_to_value.items() if name.endswith("loss")}


def _memory(algorithm: BaseAlgorithm) -> list[torch.Tensor]:
    """The hidden and cell states of the actor and of the critic, between two steps; empty where there are none."""
    states: Any = vars(algorithm).get("_last_lstm_states")
    return [] if states is None else [*states.pi, *states.vf]


def _flat(name: str, value: object) -> Iterator[tuple[str, Array]]:
    if isinstance(value, Mapping):
        yield from ((f"{name}/{key}", np.asarray(each)) for key, each in value.items())
    elif value is not None:
        yield name, np.asarray(value)


def _unflat(name: str, arrays: Mapping[str, Array]) -> Array | dict[str, Array] | None:
    if name in arrays:
        return arrays[name].copy()
    return {key: array.copy() for key, array in under(arrays, f"{name}/")} or None


def _replay(buffer: ReplayBuffer) -> dict[str, Array]:
    if type(buffer) not in BUFFERS:
        raise Failed(f"cannot save a {type(buffer).__name__}; name its arrays in {__name__}")
    held = ((name, value) for name, value in vars(buffer).items() if isinstance(value, np.ndarray | dict))
    return {key: array for name, value in held for key, array in _flat(name, value)}


def _environments(algorithm: BaseAlgorithm) -> tuple[VecMonitor, list[Journal]]:
    monitor = algorithm.env.venv if isinstance(algorithm.env, VecTransposeImage) else algorithm.env
    assert isinstance(monitor, VecMonitor)
    assert isinstance(monitor.venv, Copies)
    return monitor, [journal_of(env) for env in monitor.venv.envs]
