"""Classes of other packages by name: estimators, algorithms and wrappers, with their settings, from a config.

Only the kinds below can be named, each below its own packages or a --trust prefix, and each setting is a plain value or
one more such class. What would write files, start processes or follow another seed than ours is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import FunctionType
from typing import Any, cast, get_origin

from paralab.errors import Refused, closest
from paralab.trust import Kind, Node, resolve

LEARNERS = ("sklearn.", "lightgbm.", "xgboost.", "catboost.")
CONTROL = ("stable_baselines3.", "sb3_contrib.")
ESTIMATOR = Kind("estimator", methods=("fit", "get_params", "set_params"), prefixes=LEARNERS)
IN_ESTIMATOR = Kind(
    "estimator, kernel or cross-validator",
    parents=("sklearn.gaussian_process.kernels.Kernel", "sklearn.model_selection._split.BaseCrossValidator"),
    methods=ESTIMATOR.methods,
    prefixes=LEARNERS,
)
ALGORITHM = Kind("algorithm", parents=("stable_baselines3.common.base_class.BaseAlgorithm",), prefixes=CONTROL)
IN_ALGORITHM = Kind(
    "schedule",
    parents=tuple(f"stable_baselines3.common.utils.{name}Schedule" for name in ("Linear", "Constant")),
    prefixes=CONTROL,
)
OF_CONTROL = Kind("algorithm or schedule", parents=ALGORITHM.parents + IN_ALGORITHM.parents, prefixes=CONTROL)
WRAPPER = Kind("wrapper", parents=("gymnasium.core.Wrapper",), prefixes=("gymnasium.wrappers.",))
NOTHING = Kind("plain value", prefixes=())
HOW = {  # settings that are not the config's to say, with the reason
    "memory": "it writes a cache of pickles",
    "n_jobs": "how many threads run is said by threads=, and how many runs by the sweep",
    "thread_count": "how many threads run is said by threads=",
    "random_state": "it follows seed=",
    "random_seed": "it follows seed=",
    "seed": "it follows seed=",
    "verbose": "what a run says is its history",
    "tensorboard_log": "monitor=tensorboard writes event files",
    "device": "it follows device=",
    "env": "it is the problem's",
    "monitor_wrapper": "the stream watches by itself",
    "_init_setup_model": "the stream needs it",
    "train_dir": "it writes files",
    "allow_writing_files": "it writes files",
    "output_borders": "it writes files",
    "save_snapshot": "it writes files",
    "snapshot_file": "it writes files",
    **dict.fromkeys(("nthread", "nthreads", "num_thread", "num_threads"), "how many threads run is said by threads="),
}


@dataclass(frozen=True)
class Sort:
    """One of the doors: what may stand there, what may stand inside it, and which settings are not the config's."""

    kind: Kind
    inside: Kind
    refused: tuple[str, ...] = field(default=tuple(HOW))


SORTS = {  # by the qualified name of what a plugin's field is declared to hold
    "sklearn.base.BaseEstimator": Sort(ESTIMATOR, IN_ESTIMATOR),
    "stable_baselines3.common.base_class.BaseAlgorithm": Sort(ALGORITHM, IN_ALGORITHM),
    "gymnasium.core.Wrapper": Sort(WRAPPER, NOTHING, ("env",)),
}


def sort_of(hint: object) -> Sort | None:
    """The door that a field's type opens; None where it is no class of another package."""
    bare = get_origin(hint) or hint
    return SORTS.get(f"{getattr(bare, '__module__', '')}.{getattr(bare, '__qualname__', '')}")


def ingredients(
    node: Node, where: str, sort: Sort, trust: Sequence[str]
) -> tuple[Callable[..., object], dict[str, Any]]:
    """A class and its settings, all inside them built; raises Refused for what is not allowed or not known."""
    target = resolve(node, where, sort.kind, trust)
    takes = inspect.signature(target).parameters
    named = _named(target)
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in takes.values())
    settings = {}
    for key, value in node.items():
        if key == "_target_":
            continue
        if key in sort.refused and not (key == "n_jobs" and value == 1):
            if value is not None:
                raise Refused(f"{where}.{key} cannot be set: {HOW[key]}; leave it out")
        elif key.startswith("_") or (key not in named and (not takes_any or _misspelt(key, named))):
            known = [name for name in named if name not in sort.refused]
            raise Refused(f"{where}: there is no '{key}' in {target.__name__}. {closest(key, known)}")
        default = takes[key].default if key in takes else None
        inner = Sort(sort.inside, sort.inside, sort.refused)
        made = _value(value, f"{where}.{key}", inner, trust)
        settings[key] = tuple(made) if isinstance(default, tuple) and isinstance(made, list) else made
    return target, settings


def _named(target: type | FunctionType) -> set[str]:
    """The settings that a class names, those that its parents name too: a booster hands on **kwargs."""
    kinds = [kind for kind in getattr(target, "__mro__", (target,)) if kind is not object]
    each_one = [inspect.signature(kind).parameters.values() for kind in kinds]
    return {each.name for takes in each_one for each in takes if each.kind is not inspect.Parameter.VAR_KEYWORD}


def _misspelt(key: str, known: set[str]) -> bool:
    """Whether a setting that is handed on unseen is nearly one that has a name."""
    return bool(get_close_matches(key, known, n=1, cutoff=0.85))


def make(node: Node, where: str, sort: Sort, trust: Sequence[str]) -> object:
    """The object; raises Refused as `ingredients`, and where its own constructor refuses."""
    target, settings = ingredients(node, where, sort, trust)
    try:
        return target(**settings)
    except (TypeError, ValueError) as error:
        name = getattr(target, "__name__", str(target))
        raise Refused(f"{where}: {name} cannot be built: {' '.join(str(error).split())}") from error


def _value(value: Any, where: str, sort: Sort, trust: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        if "_target_" in value:
            return make(value, where, sort, trust)
        for key, each in value.items():  # param_grid={memory: [DIR]} would set it all the same
            if (last := str(key).rpartition("__")[2]) in sort.refused and not isinstance(each, int | float | None):
                raise Refused(f"{where}.{key} cannot be set: {HOW[last]}; leave it out")
        return {key: _value(each, f"{where}.{key}", sort, trust) for key, each in value.items()}
    if isinstance(value, list | tuple):
        made = [_value(each, f"{where}[{place}]", sort, trust) for place, each in enumerate(value)]
        named = len(made) in (2, 3) and isinstance(made[0], str)
        step = named and (made[1] in ("drop", "passthrough") or not isinstance(made[1], str | int | float))
        return tuple(made) if step else made  # [name, estimator], [name, estimator, columns]
    return value


def expanded(value: Any, where: str, trust: Sequence[str]) -> Any:
    """A config's node with every class of another package and *all* its settings, defaults too, as JSON can hold them.

    What such a default is may change with its package's version: then it is another config, with another id.
    """
    if isinstance(value, list):
        return [expanded(each, f"{where}[{place}]", trust) for place, each in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    inside = {key: expanded(each, f"{where}.{key}", trust) for key, each in value.items()}
    target = value.get("_target_")
    if not isinstance(target, str) or target.startswith("paralab."):
        return inside
    kind = next((each for each in (IN_ESTIMATOR, OF_CONTROL, WRAPPER) if target.startswith(each.prefixes)), None)
    if kind is None:
        return inside
    takes = inspect.signature(resolve(value, where, kind, trust)).parameters.values()
    settles = [each for each in takes if each.default is not inspect.Parameter.empty and each.name not in HOW]
    return {**{each.name: _said(each.default) for each in settles}, **inside}


def _said(default: object) -> Any:
    """A default as JSON: its own value, or the name of its class or function."""
    if isinstance(default, tuple | list):
        return [_said(each) for each in default]
    if default is None or isinstance(default, bool | int | str):
        return default
    if isinstance(default, float):
        return default if default == default and abs(default) != float("inf") else str(default)
    named = default if isinstance(default, type) or inspect.isfunction(default) else type(default)
    return f"{named.__module__}.{cast(Any, named).__qualname__}"
