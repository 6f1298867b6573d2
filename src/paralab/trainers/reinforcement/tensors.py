"""What an algorithm learns and learns with: networks, optimisers and loose variables, as the library lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from paralab.core import Array
from paralab.errors import Failed


def tensors(algorithm: BaseAlgorithm) -> dict[str, Array]:
    """Copies of all of them; raises Failed for a kind that is not known."""
    arrays = {}
    for name, each in _named(algorithm):
        for key, tensor in _parts(each):
            arrays[f"{name}/{key}"] = tensor.detach().cpu().numpy().copy()
    return arrays


def put_tensors(algorithm: BaseAlgorithm, arrays: Mapping[str, Array]) -> None:
    for name, each in _named(algorithm):
        own = {key: torch.from_numpy(array.copy()) for key, array in under(arrays, f"{name}/")}
        if isinstance(each, torch.nn.Module):
            each.load_state_dict(own)
        elif isinstance(each, torch.Tensor):
            each.data.copy_(own[""])  # optimisers hold the tensor itself
        elif isinstance(each, torch.optim.Optimizer):
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, tensor in own.items():
                place, _, moment = key.partition("/")
                moments.setdefault(int(place), {})[moment] = tensor
            each.load_state_dict({"state": moments, "param_groups": each.state_dict()["param_groups"]})


def learning_rates(algorithm: BaseAlgorithm) -> Array:
    return np.array([group["lr"] for each in _optimisers(algorithm) for group in each.param_groups])


def put_learning_rates(algorithm: BaseAlgorithm, rates: Array) -> None:
    left = iter(rates.tolist())
    for optimiser in _optimisers(algorithm):
        for group in optimiser.param_groups:
            group["lr"] = next(left)


def attributes(algorithm: BaseAlgorithm) -> set[str]:
    """The algorithm's own attributes that hold them."""
    modules, variables = algorithm._get_torch_save_params()
    return {name.partition(".")[0] for name in (*modules, *variables)}


def under(arrays: Mapping[str, Array], prefix: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(prefix), array) for name, array in arrays.items() if name.startswith(prefix))


def _named(algorithm: BaseAlgorithm) -> Iterator[tuple[str, object]]:
    modules, variables = algorithm._get_torch_save_params()
    for name in (*modules, *variables):
        yield name, reduce(getattr, name.split("."), algorithm)


def _optimisers(algorithm: BaseAlgorithm) -> list[torch.optim.Optimizer]:
    return [each for _, each in _named(algorithm) if isinstance(each, torch.optim.Optimizer)]


def _parts(each: object) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(each, torch.nn.Module):
        yield from each.state_dict().items()
    elif isinstance(each, torch.Tensor):
        yield "", each
    elif isinstance(each, torch.optim.Optimizer):
        for place, moments in each.state_dict()["state"].items():
            # RMSpropTFLike counts its steps in a plain int
            yield from ((f"{place}/{key}", torch.as_tensor(moment)) for key, moment in moments.items())
    else:
        raise Failed(f"cannot save a {type(each).__name__}; name it in {__name__}")
