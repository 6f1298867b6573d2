"""Settings of a policy as JSON: plain values, and classes of torch and Stable-Baselines3 by names of a fixed table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor, NatureCNN

from paralab.errors import Refused, closest

Kwargs = Mapping[str, Any]  # as the library takes them
Json = Mapping[str, Any]
ACTIVATIONS = ("ReLU", "Tanh", "ELU", "GELU", "SiLU", "LeakyReLU", "Sigmoid", "Softplus", "Mish", "Identity")
OPTIMISERS = ("Adam", "AdamW", "SGD", "RMSprop", "Adamax", "NAdam", "RAdam")
CLASSES: Mapping[str, Mapping[str, type]] = {
    "activation_fn": {f"torch.nn.{name}": getattr(torch.nn, name) for name in ACTIVATIONS},
    "optimizer_class": {
        **{f"torch.optim.{name}": getattr(torch.optim, name) for name in OPTIMISERS},
        "stable_baselines3.common.sb2_compat.rmsprop_tf_like.RMSpropTFLike": RMSpropTFLike,
    },
    "features_extractor_class": {
        f"stable_baselines3.common.torch_layers.{each.__name__}": each
        for each in (FlattenExtractor, NatureCNN, CombinedExtractor)
    },
}


def decoded(settings: Json, where: str) -> dict[str, Any]:
    """Names as their classes; raises Refused for one that is not in the table, and for what is no plain value."""
    kwargs = {}
    for key, value in settings.items():
        table = CLASSES.get(key)
        if table is None or value is None:
            kwargs[key] = _plain(value, f"{where}.{key}")
        elif value in table:
            kwargs[key] = table[value]
        else:
            raise Refused(f"{where}.{key}={value}: {closest(str(value), table)}")
    return kwargs


def encoded(kwargs: Kwargs) -> dict[str, Any]:
    """The inverse; raises Refused for a class that is not in the table: it could not be loaded again."""
    settings = {}
    for key, value in kwargs.items():
        named = {each: name for name, each in CLASSES.get(key, {}).items()}
        if isinstance(value, type) and value not in named:
            raise Refused(f"policy_kwargs.{key}={value.__name__} cannot be saved. {closest(value.__name__, CLASSES)}")
        settings[key] = named[value] if isinstance(value, type) else _plain(value, f"policy_kwargs.{key}")
    return settings


def _plain(value: object, where: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each, f"{where}[{place}]") for place, each in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): _plain(each, f"{where}.{key}") for key, each in value.items()}
    raise Refused(f"{where}={value!r}: a number, a text, or lists and mappings of them are needed")
