"""A short seeded look at an environment before any training: what it declares, it must keep.

A few dozen random steps on copies of its own, which no meter counts; once a process for each environment.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np

from paralab.core import Env, Space
from paralab.environments.declared import check_spaces, fault
from paralab.environments.making import limited
from paralab.errors import Refused

STEPS = 32  # of the walk that is compared
PATIENCE = 1000  # steps until an environment without a TimeLimit must have ended by itself
SEED = 0
Walk = list[tuple[bytes, float, bool, bool]]  # observation, reward, terminated, truncated
FIELDS = ("observation", "reward", "terminated", "truncated")

_passed: set[str] = set()


def check(key: str, name: str, make: Callable[[], Env], bare: Callable[[], Env] | None) -> None:
    """Look once a process at the environment `key`; `make` gives a fresh copy, `bare` one without its wrappers, if any.

    Raises Refused in one line that names the environment, the step, the field, and the remedy.
    """
    if key in _passed:
        return
    env, other = make(), make()
    try:
        check_spaces(name, env)
        actions = _actions(env)
        seen = _walk(env, actions, name)
        _check_end(env, name)
        _check_same(seen, _walk(other, actions, name), name)
        if bare is not None and _walk(other, actions, name) != seen and _forgets(bare, name):
            raise Refused(
                f"problem.wrappers: one keeps something from an episode of {name} to the next, so that copies differ; "
                "leave it out"
            )
    finally:
        env.close()
        other.close()
    _passed.add(key)


def _actions(env: Env) -> list[Any]:
    space = deepcopy(env.action_space)  # an environment may share its space among copies
    space.seed(SEED)
    return [space.sample() for _ in range(STEPS)]


def _walk(env: Env, actions: list[Any], name: str) -> Walk:
    """Reset by the seed, do the actions, reset where an episode ends; everything answered is checked."""
    _reset(env, name, SEED)
    return [_step(env, action, step, name) for step, action in enumerate(actions, 1)]


def _reset(env: Env, name: str, seed: int | None = None) -> None:
    answer = _call(lambda: env.reset(seed=seed), "reset", 0, name)
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise _wrong(name, 0, "what reset returns", "must be the pair (observation, info)")
    _check_observation(answer[0], env.observation_space, 0, name)
    if not isinstance(answer[1], dict):
        raise _wrong(name, 0, "info", f"is a {type(answer[1]).__name__}, not a dict")


def _step(env: Env, action: Any, step: int, name: str) -> tuple[bytes, float, bool, bool]:
    answer = _call(lambda: env.step(action), "step", step, name)
    if not (isinstance(answer, tuple) and len(answer) == 5):
        raise _wrong(name, step, "what step returns", "must be (observation, reward, terminated, truncated, info)")
    observation, reward, terminated, truncated, info = answer
    _check_observation(observation, env.observation_space, step, name)
    if isinstance(reward, bool) or not isinstance(reward, int | float | np.integer | np.floating):
        raise _wrong(name, step, "reward", f"is a {type(reward).__name__}, not a number")
    if not np.isfinite(reward):
        raise _wrong(name, step, "reward", f"is {reward}, not a finite number")
    for field, value in (("terminated", terminated), ("truncated", truncated)):
        if not isinstance(value, bool | np.bool_):
            raise _wrong(name, step, field, f"is a {type(value).__name__}, not a bool")
    if not isinstance(info, dict):
        raise _wrong(name, step, "info", f"is a {type(info).__name__}, not a dict")
    flat = np.asarray(gym.spaces.flatten(env.observation_space, observation)).tobytes()
    if terminated or truncated:
        _reset(env, name)
    return flat, float(reward), bool(terminated), bool(truncated)


def _call(act: Callable[[], Any], what: str, step: int, name: str) -> Any:
    try:
        return act()
    except Refused:
        raise
    except Exception as error:  # whatever it raises
        text = f"raises {type(error).__name__}: {' '.join(str(error).split())}"
        raise _wrong(name, step, what, text) from error


def _check_observation(value: Any, space: Space, step: int, name: str) -> None:
    if wrong := fault(value, space):
        raise _wrong(name, step, "observation", wrong)


def _check_end(env: Env, name: str) -> None:
    """A TimeLimit ends every episode; without one, an episode must be seen to end."""
    if limited(env):
        return
    space = deepcopy(env.action_space)
    space.seed(SEED)
    _reset(env, name, SEED)
    for step in range(1, PATIENCE + 1):
        _, _, terminated, truncated = _step(env, space.sample(), step, name)
        if terminated or truncated:
            return
    raise Refused(
        f"problem.id={name}: no TimeLimit, and no end in {PATIENCE} random steps; "
        "add +problem.kwargs.max_episode_steps=, or the wrapper gymnasium.wrappers.TimeLimit"
    )


def _check_same(one: Walk, other: Walk, name: str) -> None:
    for step, (seen, again) in enumerate(zip(one, other, strict=True), 1):
        for field, value, repeated in zip(FIELDS, seen, again, strict=True):
            if value != repeated:
                what = "is another in a second copy, reset by the same seed; draw all that is random from np_random"
                raise _wrong(name, step, field, what)


def _forgets(make: Callable[[], Env], name: str) -> bool:
    """Whether an episode is the same after another one."""
    env = make()
    actions = _actions(env)
    same = _walk(env, actions, name) == _walk(env, actions, name)
    env.close()
    return same


def _wrong(name: str, step: int, field: str, what: str) -> Refused:
    return Refused(f"problem.id={name}: {field} at step {step} {what}")
