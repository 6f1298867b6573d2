"""A Stable-Baselines3 policy as a model: weights in safetensors, the rest in JSON, never its zip (which runs code)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file, save_file
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy

from paralab.core import Answers, Array, Meaning, Model, Signature
from paralab.record.spaces import decode, encode

POLICIES: Mapping[str, Callable[..., BasePolicy]] = {
    "ActorCriticPolicy": ActorCriticPolicy,
    "DQNPolicy": DQNPolicy,
}
Kwargs = Mapping[str, object]  # of the policy: JSON only


class PolicyModel(Model):
    """Acts greedily: ACTION, (n, *action), of observations (n, *observation)."""

    def __init__(self, policy: BasePolicy, signature: Signature, kwargs: Kwargs) -> None:
        self.signature = signature
        self._policy, self._kwargs = policy, kwargs

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        with one_thread():
            actions, _ = self._policy.predict(inputs, deterministic=True)
        return {Meaning.ACTION: actions}

    def save(self, folder: Path) -> None:
        # Cloned, because safetensors refuses networks that share an extractor.
        weights = {name: tensor.detach().cpu().clone() for name, tensor in self._policy.state_dict().items()}
        save_file(weights, folder / "policy.safetensors")
        about = {"policy": type(self._policy).__name__, "kwargs": self._kwargs, "signature": encode(self.signature)}
        (folder / "policy.json").write_text(json.dumps(about, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        about = json.loads((folder / "policy.json").read_text())
        signature = decode(about["signature"])
        build = POLICIES[about["policy"]]
        random = torch.get_rng_state()  # building draws weights that are then overwritten
        policy = build(signature.inputs, signature.outputs[Meaning.ACTION], lambda _: 0.0, **about["kwargs"])
        torch.set_rng_state(random)
        policy.load_state_dict(load_file(folder / "policy.safetensors"))
        policy.set_training_mode(False)
        return cls(policy, signature, about["kwargs"])


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
