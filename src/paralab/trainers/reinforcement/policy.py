"""A Stable-Baselines3 policy as a model: weights in safetensors, the rest in JSON, never its zip (which runs code)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

import gymnasium as gym
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecTransposeImage

from paralab.core import Answers, Array, Meaning, Model, Signature, Space
from paralab.environments.observations import parts
from paralab.errors import Refused
from paralab.record.spaces import decode, encode
from paralab.trainers.reinforcement.policy_settings import Json, decoded

HOMES = ("stable_baselines3.", "sb3_contrib.")
FIRST = {  # how the two were named when there were no more
    "ActorCriticPolicy": "stable_baselines3.common.policies.ActorCriticPolicy",
    "DQNPolicy": "stable_baselines3.dqn.policies.DQNPolicy",
}


class PolicyModel(Model):
    """Acts greedily: ACTION, (n, *action), of observations (n, *observation), or (n,) with a field a key.

    A recurrent one also answers STATE, (n, 2, layers, units), the hidden and the cell state: hand it back with the next
    observation of the same episode, and None where episodes start.
    """

    def __init__(self, policy: BasePolicy, signature: Signature, settings: Json) -> None:
        """`settings`: what the policy is built with, as JSON."""
        self._policy, self._settings = policy, settings
        shape = cast("tuple[int, int, int] | None", getattr(policy, "lstm_hidden_state_shape", None))
        self._recurrent = shape is not None
        if shape is not None:
            memory = gym.spaces.Box(-np.inf, np.inf, (2, shape[0], shape[2]), np.float32)
            signature = Signature(signature.inputs, {**signature.outputs, Meaning.STATE: memory})
        self.signature = signature

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        observations = parts(inputs, self.signature.inputs)
        before = None if state is None or not self._recurrent else tuple(np.moveaxis(state, 0, 2).copy())
        with one_thread():
            actions, after = self._policy.predict(observations, before, deterministic=True)
        if not self._recurrent or after is None:
            return {Meaning.ACTION: actions}
        return {Meaning.ACTION: actions, Meaning.STATE: np.moveaxis(np.stack(after), 2, 0)}

    def save(self, folder: Path) -> None:
        # Cloned, because safetensors refuses networks that share an extractor.
        weights = {name: tensor.detach().cpu().clone() for name, tensor in self._policy.state_dict().items()}
        save_file(weights, folder / "policy.safetensors")
        kind = f"{type(self._policy).__module__}.{type(self._policy).__qualname__}"
        about = {"policy": kind, "kwargs": self._settings, "signature": encode(self.signature)}
        (folder / "policy.json").write_text(json.dumps(about, indent=1))

    @classmethod
    def load(cls, folder: Path, trust: Sequence[str] = ()) -> Self:
        """On the CPU. Raises Refused for a policy's class that is of neither library, nor below `trust`."""
        about = json.loads((folder / "policy.json").read_text())
        signature = decode(about["signature"])
        build = _policy_class(FIRST.get(about["policy"], about["policy"]), trust)
        kwargs = decoded(about["kwargs"], "kwargs")
        if "lr_schedule" in inspect.signature(build).parameters:
            kwargs["lr_schedule"] = _no_learning
        random = torch.get_rng_state()  # building draws weights that are then overwritten
        policy = build(_channels_first(signature.inputs), signature.outputs[Meaning.ACTION], **kwargs)
        torch.set_rng_state(random)
        policy.load_state_dict(load_file(folder / "policy.safetensors"))
        policy.set_training_mode(False)
        return cls(policy, signature, about["kwargs"])


def _policy_class(target: str, trust: Sequence[str]) -> Callable[..., BasePolicy]:
    """Checked before it is imported and after; its module must be its home."""
    module, _, name = target.rpartition(".")
    if not target.startswith((*HOMES, *(f"{prefix.rstrip('.')}." for prefix in trust))):
        raise Refused(
            f"policy.json: '{target}' is not trusted; if it is yours, add --trust {target.partition('.')[0]}."
        )
    try:
        found: Any = vars(import_module(module)).get(name)
    except ModuleNotFoundError as error:
        remedy = "pip install paralab[rl]" if module.startswith("sb3_contrib") else "is its folder on PYTHONPATH?"
        raise Refused(f"policy.json: '{target}' does not exist ({error}); {remedy}") from error
    if not isinstance(found, type) or not issubclass(found, BasePolicy) or found.__module__ != module:
        raise Refused(f"policy.json: '{target}' is not a policy")
    return found


def _no_learning(progress: float) -> float:
    return 0.0


def _channels_first(space: Space) -> Space:
    """The observations as the library shows them to a policy: images with their channels first."""
    if isinstance(space, gym.spaces.Dict):
        return gym.spaces.Dict([(name, _channels_first(inner)) for name, inner in space.spaces.items()])
    if is_image_space(space) and not is_image_space_channels_first(cast(gym.spaces.Box, space)):
        return VecTransposeImage.transpose_space(cast(gym.spaces.Box, space))
    return space


@contextmanager
def one_thread() -> Iterator[None]:
    """Last bits depend on torch's threads: an action must not depend on the machine it is asked on."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
