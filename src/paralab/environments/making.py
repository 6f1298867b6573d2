"""An environment by its id, its wrappers around it; what keeps it from being built is said in one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import TimeLimit

import paralab.environments.corridor  # noqa: F401  (registers it)
from paralab.core import Env
from paralab.errors import Refused
from paralab.recipe import EnvId, Recipe

Wrappers = Sequence[Recipe[gym.Wrapper[Any, Any, Any, Any]]]
KEEPS = "keeps statistics from one episode to the next, which copies that train and that are judged do not share"
REFUSED = {  # by name: importing them all would import what draws
    "NormalizeObservation": f"{KEEPS}; use RescaleObservation, or a trainer's own scaling",
    "NormalizeReward": f"{KEEPS}; use ClipReward, or a trainer's own scaling",
    "RecordVideo": "writes files; leave it out",
    "HumanRendering": "opens a window; leave it out",
    "RenderCollection": "gathers frames without end; leave it out",
    "Autoreset": "resets by itself, as whoever trains does already; leave it out",
}


def make(name: str, kwargs: Mapping[str, object], wrappers: Wrappers) -> Env:
    """The environment `name` of gymnasium's registry, the first wrapper innermost.

    Raises Refused naming the field where id, kwargs or a wrapper will not do. `package:Id` imports the package: only
    an EnvId, whose package was held against --trust, may ask for that.
    """
    plain = name.rpartition(":")[2]
    if plain != name and not isinstance(name, EnvId):
        raise Refused(f"problem.id={name}: the plain id of a registered environment, without a module")
    if plain.startswith("GymV2"):
        raise Refused(f"problem.id={name} takes environments from another registry; name one of gymnasium's own")
    if kwargs.get("render_mode") == "human":
        raise Refused(f"problem.kwargs.render_mode=human: {name} would open a window a copy; leave it out")
    env = _bare(name, kwargs)
    if env.spec is not None and env.spec.id != plain:
        raise Refused(f"problem.id={name}: name its version, as in {env.spec.id}")
    for place, recipe in enumerate(wrappers):
        env = _wrapped(env, recipe, f"problem.wrappers[{place}]", name)
    return env


def _bare(name: str, kwargs: Mapping[str, object]) -> Env:
    try:
        with _quiet():
            # gymnasium's own checker warns and costs a wrapper a step; `checker` and `checked` do its work.
            return gym.make(name, disable_env_checker=True, **dict[str, Any](kwargs))
    except Refused:
        raise
    except gym.error.DependencyNotInstalled as error:
        text = " ".join(str(error).split())
        remedy = "pip install paralab[rl]" if "box2d" in text.lower() else text
        raise Refused(f"problem.id={name} needs a package that is not installed: {remedy}") from error
    except ModuleNotFoundError as error:
        missing = str(error).partition(". ")[0]
        raise Refused(f"problem.id={name}: {missing}; is it installed, or its folder on PYTHONPATH?") from error
    except Exception as error:  # whatever a constructor raises
        kind = "" if isinstance(error, gym.error.Error | TypeError) else f"{type(error).__name__}: "
        raise Refused(f"problem.id={name}, kwargs={dict(kwargs)}: {kind}{' '.join(str(error).split())}") from error


def _wrapped(env: Env, recipe: Recipe[Any], where: str, name: str) -> Env:
    kind = recipe.target
    called = getattr(kind, "__name__", str(kind))
    for base in kind.__mro__ if isinstance(kind, type) else ():
        if base.__module__.startswith("gymnasium.wrappers.") and base.__name__ in REFUSED:
            raise Refused(f"{where}: {called} {REFUSED[base.__name__]}")
    try:
        with _quiet():
            wrapped: Env = recipe(env)
    except Exception as error:  # whatever a constructor raises
        raise Refused(f"{where}: {called} cannot wrap {name}: {' '.join(str(error).split())}") from error
    return wrapped


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings that say nothing to whoever trains."""
    with warnings.catch_warnings():
        # Box2D's bindings warn on import, and crash the process where that warning is an error.
        warnings.filterwarnings("ignore", "builtin type [Ss]wig", DeprecationWarning)
        warnings.filterwarnings("ignore", ".*(is out of date|latest versioned)")  # versions are asked for by name
        # Infinite bounds in another dtype, as gymnasium's DtypeObservation has them.
        warnings.filterwarnings("ignore", "overflow encountered in cast", RuntimeWarning, "gymnasium.spaces.box")
        # Bounds that a wrapper works out in float64 for a float32 space.
        warnings.filterwarnings("ignore", ".*precision lowered by casting")
        yield


def limited(env: Env) -> bool:
    """Whether a TimeLimit among its wrappers ends every episode."""
    while isinstance(env, gym.Wrapper):
        if isinstance(env, TimeLimit):
            return True
        env = env.env
    return False
