"""The exact state of a Stable-Baselines3 algorithm between two stretches, as arrays.

Its own save and load differ from going on (PPO, SAC, DQN): they lose generators, the replay buffer's place, the episode
under way. Everything that changes during training is named here or rebuilt from the configuration, and `check` reports
what is neither, so that a new version or algorithm cannot lose state silently. Valid only where a stretch has ended:
the rollout buffer is spent then.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import cast

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecMonitor

from paralab.core import Array, State
from paralab.environments.journal import Journal, journal_of
from paralab.errors import Failed
from paralab.seeds import array_json, json_array
from paralab.trainers.reinforcement.copies import Copies

COUNTERS = (
    "num_timesteps", "_episode_num", "_n_updates", "_n_calls", "_current_progress_remaining", "exploration_rate",
)  # fmt: skip
LAST = ("_last_obs", "_last_episode_starts", "_last_original_obs")
SAVED = {*COUNTERS, *LAST, "policy", "replay_buffer", "ep_info_buffer", "ep_success_buffer", "env", "action_space"}
# Follow from the configuration, from what is saved, or from the clock; other settings are constructor arguments.
DERIVED = {
    "policy_class", "observation_space", "n_envs", "lr_schedule", "exploration_schedule", "_stats_window_size",
    "_total_timesteps", "_num_timesteps_at_start", "start_time", "_logger", "_custom_logger", "rollout_buffer",
    "q_net", "q_net_target", "batch_norm_stats", "batch_norm_stats_target",
}  # fmt: skip
ABSENT = {"action_noise", "_vec_normalize_env"}  # have state of their own, which nothing here saves


@dataclass(frozen=True)
class Generators:
    """The process-wide generators that the library draws from."""

    python: tuple[int, tuple[int, ...], float | None]
    numpy: dict[str, object]
    torch: torch.Tensor

    @classmethod
    def now(cls) -> Generators:
        python = cast("tuple[int, tuple[int, ...], float | None]", random.getstate())
        return cls(python, cast("dict[str, object]", np.random.get_state(legacy=False)), torch.get_rng_state())

    def put_back(self) -> None:
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)


def capture(algorithm: BaseAlgorithm, generators: Generators) -> State:
    """Copies of all that changes; raises Failed naming an attribute that is not known."""
    check(algorithm)
    known = vars(algorithm)
    state: dict[str, Array] = {f"counter/{name}": np.array(known[name]) for name in COUNTERS if name in known}
    state |= {f"last/{name}": np.array(known[name]) for name in LAST if known[name] is not None}
    state |= {f"torch/{name}": tensor.detach().cpu().numpy().copy() for name, tensor in _tensors(algorithm)}
    state["learning_rates"] = np.array([group["lr"] for each in _optimisers(algorithm) for group in each.param_groups])
    episodes = algorithm.ep_info_buffer or ()
    state["episodes"] = np.array([(each["r"], each["l"]) for each in episodes], np.float64).reshape(-1, 2)
    state["successes"] = np.array(algorithm.ep_success_buffer or (), np.float64)
    if "replay_buffer" in known:
        buffer = known["replay_buffer"]
        state |= {f"replay/{name}": array[: buffer.size()].copy() for name, array in _replay(buffer).items()}
        state["replay_place"] = np.array([buffer.pos, buffer.full], np.int64)
    monitor, journals = _environments(algorithm)
    state |= {"returns": monitor.episode_returns.copy(), "lengths": monitor.episode_lengths.copy()}
    for place, journal in enumerate(journals):
        state |= {f"environment/{place}/{name}": array for name, array in journal.state().items()}
    state["generator/action_space"] = json_array(algorithm.action_space.np_random.bit_generator.state)
    state["generator/python"] = json_array(generators.python)
    numpy = cast("dict[str, dict[str, Array]]", generators.numpy)
    state["generator/numpy"] = json_array(
        numpy | {"state": {k: np.asarray(v).tolist() for k, v in numpy["state"].items()}}
    )
    state["generator/torch"] = generators.torch.numpy().copy()
    return state


def restore(algorithm: BaseAlgorithm, state: State) -> None:
    """Put everything back, after `_setup_learn` (which resets and reseeds); the generators last."""
    known = vars(algorithm)
    for name, array in _under(state, "counter/"):
        known[name] = type(known[name])(array.item())
    for name, array in _under(state, "last/"):
        known[name] = array.copy()
    _put_tensors(algorithm, dict(_under(state, "torch/")))
    rates = iter(state["learning_rates"].tolist())
    for optimiser in _optimisers(algorithm):
        for group in optimiser.param_groups:
            group["lr"] = next(rates)
    assert algorithm.ep_info_buffer is not None
    assert algorithm.ep_success_buffer is not None
    algorithm.ep_info_buffer.extend({"r": total, "l": length, "t": 0.0} for total, length in state["episodes"].tolist())
    algorithm.ep_success_buffer.extend(state["successes"].tolist())
    if "replay_place" in state:
        buffer = known["replay_buffer"]
        buffer.pos, buffer.full = int(state["replay_place"][0]), bool(state["replay_place"][1])
        for name, array in _under(state, "replay/"):
            _replay(buffer)[name][: len(array)] = array
    monitor, journals = _environments(algorithm)
    monitor.episode_returns, monitor.episode_lengths = state["returns"].copy(), state["lengths"].copy()
    for place, journal in enumerate(journals):
        journal.restore(dict(_under(state, f"environment/{place}/")))
    algorithm.action_space.np_random.bit_generator.state = array_json(state["generator/action_space"])
    version, words, gauss = array_json(state["generator/python"])
    numpy = array_json(state["generator/numpy"])
    numpy["state"]["key"] = np.array(numpy["state"]["key"], np.uint32)
    Generators((version, tuple(words), gauss), numpy, torch.from_numpy(state["generator/torch"].copy())).put_back()


def check(algorithm: BaseAlgorithm) -> None:
    """Raise Failed where an attribute is neither saved, derived, nor an argument of a constructor."""
    kinds = [kind for kind in type(algorithm).__mro__ if issubclass(kind, BaseAlgorithm)]
    arguments = {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}
    present = {name for name, value in vars(algorithm).items() if not (name in ABSENT and value is None)}
    unknown = sorted(present - (arguments - ABSENT) - SAVED - DERIVED)
    if unknown:
        raise Failed(f"{type(algorithm).__name__}: cannot save {', '.join(unknown)}; name them in {__name__}")


def _optimisers(algorithm: BaseAlgorithm) -> list[torch.optim.Optimizer]:
    return [each for _, each in _named(algorithm) if isinstance(each, torch.optim.Optimizer)]


def _named(algorithm: BaseAlgorithm) -> Iterator[tuple[str, object]]:
    """Modules and optimisers, as the library itself lists them; raises Failed for loose variables."""
    names, variables = algorithm._get_torch_save_params()
    if variables:
        raise Failed(f"{type(algorithm).__name__}: cannot save {', '.join(variables)}; name them in {__name__}")
    for name in names:
        yield name, reduce(getattr, name.split("."), algorithm)


def _tensors(algorithm: BaseAlgorithm) -> Iterator[tuple[str, torch.Tensor]]:
    for name, each in _named(algorithm):
        if isinstance(each, torch.nn.Module):
            yield from ((f"{name}/{key}", tensor) for key, tensor in each.state_dict().items())
        elif isinstance(each, torch.optim.Optimizer):
            for place, moments in each.state_dict()["state"].items():
                yield from ((f"{name}/{place}/{key}", tensor) for key, tensor in moments.items())


def _put_tensors(algorithm: BaseAlgorithm, arrays: Mapping[str, Array]) -> None:
    for name, each in _named(algorithm):
        tensors = {key: torch.from_numpy(array.copy()) for key, array in _under(arrays, f"{name}/")}
        if isinstance(each, torch.nn.Module):
            each.load_state_dict(tensors)
        elif isinstance(each, torch.optim.Optimizer):
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, tensor in tensors.items():
                place, _, moment = key.partition("/")
                moments.setdefault(int(place), {})[moment] = tensor
            each.load_state_dict({"state": moments, "param_groups": each.state_dict()["param_groups"]})


def _replay(buffer: ReplayBuffer) -> dict[str, Array]:
    if type(buffer) is not ReplayBuffer:
        raise Failed(f"cannot save a {type(buffer).__name__}; name its arrays in {__name__}")
    return {name: value for name, value in vars(buffer).items() if isinstance(value, np.ndarray)}


def _environments(algorithm: BaseAlgorithm) -> tuple[VecMonitor, list[Journal]]:
    monitor = algorithm.env
    assert isinstance(monitor, VecMonitor)
    assert isinstance(monitor.venv, Copies)
    return monitor, [journal_of(env) for env in monitor.venv.envs]


def _under(state: Mapping[str, Array], prefix: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(prefix), array) for name, array in state.items() if name.startswith(prefix))
