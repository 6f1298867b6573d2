"""Fields of a plugin that a config fills with third-party names; `build` checks them before any is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Recipe(Generic[T]):
    """A class of another package and the settings it is to be called with, once what else it needs is there."""

    target: Callable[..., T]
    settings: Mapping[str, Any]

    def __call__(self, *args: Any, **more: Any) -> T:
        """The object; `more` adds settings or replaces them."""
        return self.target(*args, **{**self.settings, **more})


class EnvId(str):
    """The id of an environment; `package:Id` imports the package, which must be trusted."""
