"""Which problems the library's policies can see and act in."""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium as gym
import numpy as np

from paralab.core import Environment, Meaning, Space
from paralab.environments.declared import said
from paralab.errors import Mismatch

KINDS = (gym.spaces.Box, gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.MultiBinary)


def require(shown: Environment, trainer: str, kinds: tuple[type[Space], ...] = KINDS) -> None:
    """Raise Mismatch where the trainer cannot act or see so: another kind of space, unbounded, not counted from 0."""
    space = shown.task.outputs[Meaning.ACTION]
    bounded = not isinstance(space, gym.spaces.Box) or space.is_bounded()
    if not isinstance(space, kinds) or not bounded or np.any(getattr(space, "start", 0)):
        can = ", ".join(kind.__name__ for kind in kinds)
        raise Mismatch(f"{trainer} acts in bounded {can} spaces counted from 0; this problem's are {said(space)}")
    seen = shown.task.inputs
    inside = seen.spaces.values() if isinstance(seen, gym.spaces.Dict) else (seen,)
    for each in inside:
        if isinstance(each, gym.spaces.Dict):
            raise Mismatch(f"{trainer} reads no Dict inside a Dict; this problem's observations are {said(seen)}")
        if isinstance(each, gym.spaces.Box) and each.shape == ():
            raise Mismatch(f"{trainer} reads arrays; this problem's observations hold {said(each)}, of no length")
        if not isinstance(each, KINDS) or np.any(getattr(each, "start", 0)):
            can = ", ".join(kind.__name__ for kind in KINDS)
            raise Mismatch(f"{trainer} reads {can} observations counted from 0; this problem's hold {said(each)}")


def default_policy(space: Space, policies: Mapping[str, object]) -> str:
    """The alias of an algorithm's policy for such observations: of several arrays, or of one; recurrent if all are."""
    start = "MultiInput" if isinstance(space, gym.spaces.Dict) else "Mlp"
    return next((name for name in sorted(policies) if name.startswith(start)), f"{start}Policy")
