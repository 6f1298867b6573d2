"""What a config may name: checked before any import, and once more after it.

A name is taken only where its dotted prefix is trusted *before* import, its real home is trusted *after* import
(re-exports lie), and it is a class of a known kind or a function declared to return one. Nothing else is ever called.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, cast, get_type_hints

from paralab.core import Model, Problem
from paralab.datasets.dataset import Dataset
from paralab.errors import Refused

OWN = ("paralab.problems.", "paralab.trainers.", "paralab.datasets.")
NAME = re.compile(r"[a-zA-Z]\w*(\.[a-zA-Z]\w*)+", re.ASCII)
EXTRAS = {  # packages that an extra of ours brings
    "sb3_contrib": "rl", "Box2D": "rl", "lightgbm": "boosting", "xgboost": "boosting", "catboost": "boosting",
}  # fmt: skip
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """What a name must turn out to be: one of the ways below."""

    name: str
    members: tuple[str, ...] = ()  # a dataclass that has all of these
    parent: type | None = None  # or a class that inherits from this
    returns: type | None = None  # or a function declared to return this
    parents: tuple[str, ...] = ()  # or a class that inherits from one so called: nothing heavy is imported to ask
    methods: tuple[str, ...] = ()  # or a class with all of these methods
    prefixes: tuple[str, ...] = OWN  # below which names need no --trust


PROBLEM = Kind("problem", ("objective", "bounds", "views", "indices", "evaluate"), returns=Problem)
TRAINER = Kind("trainer", ("view", "unit", "train"))
MODEL = Kind("model", parent=Model)
DATASET = Kind("data set", returns=Dataset)


def resolve(node: Node, where: str, kind: Kind, trust: Sequence[str] = ()) -> type | types.FunctionType:
    """The class or function that `node["_target_"]` names, checked; raises Refused and imports nothing untrusted."""
    target = node.get("_target_") if isinstance(node, Mapping) else None
    what = f"{'an' if kind.name[0] in 'aeiou' else 'a'} {kind.name}"
    if not isinstance(target, str):
        raise Refused(f"{where}: {what} is needed here, its _target_ is missing")
    module, _, name = target.rpartition(".")
    prefixes = (*kind.prefixes, *(f"{prefix.rstrip('.')}." for prefix in trust))
    _check_name(target, where, prefixes)
    try:
        found = vars(import_module(module))[name]
    except ModuleNotFoundError as error:
        raise Refused(f"{where}._target_: '{target}' does not exist ({error}); {_remedy(error)}") from error
    except KeyError as error:
        near = get_close_matches(name, [each for each in dir(import_module(module)) if each[0] != "_"], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise Refused(f"{where}._target_: there is no '{name}' in {module}{hint}") from error
    except ImportError as error:
        raise Refused(f"{where}._target_: '{target}' cannot be had from {module} ({error})") from error
    home = f"{getattr(found, '__module__', '')}."
    if not home.startswith(prefixes) or (kind.prefixes is OWN and _is_private(home)):
        raise Refused(f"{where}._target_: '{target}' is of {home.rstrip('.')}, which is not trusted")
    if not _is_kind(found, kind):
        raise Refused(f"{where}._target_: '{target}' is not {what}")
    return cast("type | types.FunctionType", found)


def _check_name(target: str, where: str, prefixes: tuple[str, ...]) -> None:
    if not NAME.fullmatch(target):
        raise Refused(f"{where}._target_: {target!r} is not a dotted name such as mypkg.module.Class")
    if not target.startswith(prefixes) or _is_private(target):
        own = target.partition(".")[0]
        if own in sys.stdlib_module_names:  # --trust os. would be no good advice
            raise Refused(f"{where}._target_: '{target}' is not trusted, and Python's own library has nothing to name")
        raise Refused(f"{where}._target_: '{target}' is not trusted; if it is yours, add --trust {own}.")


def _is_private(path: str) -> bool:
    return any(part.startswith("_") for part in path.split("."))


def _remedy(error: ModuleNotFoundError) -> str:
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    return f"pip install paralab[{extra}]" if extra else "is its folder on PYTHONPATH?"


def _is_kind(target: object, kind: Kind) -> bool:
    if isinstance(target, types.FunctionType):
        return kind.returns is not None and _returns(target) is kind.returns
    if not isinstance(target, type):
        return False
    if kind.parent is not None:
        return issubclass(target, kind.parent)
    if kind.parents and any(f"{each.__module__}.{each.__qualname__}" in kind.parents for each in target.__mro__):
        return True
    if kind.methods:
        return all(callable(getattr(target, name, None)) for name in kind.methods)
    names = {*dir(target), *getattr(target, "__dataclass_fields__", {})}
    return is_dataclass(target) and bool(kind.members) and names.issuperset(kind.members)


def _returns(function: types.FunctionType) -> object:
    """What a function is declared to return; None where its types cannot be had, such as names for a checker only."""
    try:
        return get_type_hints(function).get("return")
    except NameError:
        return None
