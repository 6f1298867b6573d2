"""Environments of a user's own package; importing it registers them with gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Rooms(gym.Env[dict[str, Any], Any]):
    """An observation of every kind in a dict; all drawn anew at each step."""

    def __init__(self, actions: str = "discrete") -> None:
        parts = {
            "speed": spaces.Box(-1, 1, (2, 3), np.float32),
            "room": spaces.Discrete(4),
            "doors": spaces.MultiBinary(3),
            "keys": spaces.MultiDiscrete([2, 5]),
        }
        self.observation_space = spaces.Dict(parts)
        kinds: dict[str, Any] = {"discrete": spaces.Discrete(3), "many": spaces.MultiDiscrete([2, 3])}
        self.action_space = kinds[actions]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._right = 0
        return self._look(), {}

    def step(self, action: Any) -> Any:
        reward = float(np.sum(action) == self._right)
        return self._look(), reward, bool(self.np_random.random() < 0.02), False, {}

    def _look(self) -> dict[str, Any]:
        self._right = int(self.np_random.integers(3))
        return {
            "speed": self.np_random.uniform(-1, 1, (2, 3)).astype(np.float32),
            "room": self._right,
            "doors": self.np_random.integers(0, 2, 3).astype(np.int8),
            "keys": self.np_random.integers(0, [2, 5]),
        }


class Faulty(gym.Env[Any, Any]):
    """Sound but for one fault, at one step of every episode (0: at reset)."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, fault: str = "nothing", at: int = 0) -> None:
        self.fault, self.at, self.count = fault, at, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.count = 0
        answer = self._answer()
        return answer[0] if self.fault == "no pair" else (answer[0], answer[4])

    def step(self, action: Any) -> Any:
        self.count += 1
        answer = self._answer()
        return answer[:4] if self.fault == "four" and self.count == self.at else answer

    def _answer(self) -> tuple[Any, ...]:
        seen: Any = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        answer = {"observation": seen, "reward": 0.5, "terminated": False, "truncated": False, "info": {}}
        if self.count == self.at:
            if self.fault == "raises":
                raise ZeroDivisionError("division by\nzero")
            answer |= FAULTS.get(self.fault, {})
            if self.fault == "unseeded":
                answer["observation"] = np.random.default_rng().uniform(-1, 1, 2).astype(np.float32)
        return tuple(answer.values())


FAULTS: dict[str, dict[str, Any]] = {
    "nan": {"observation": np.array([0, np.nan], np.float32)},
    "inf": {"observation": np.array([np.inf, 0], np.float32)},
    "shape": {"observation": np.zeros(3, np.float32)},
    "bounds": {"observation": np.array([0, 1.5], np.float32)},
    "dtype": {"observation": np.array([0, 1j])},
    "list": {"observation": [0.0, 0.0]},
    "reward nan": {"reward": np.nan},
    "reward inf": {"reward": -np.inf},
    "reward text": {"reward": "much"},
    "reward array": {"reward": np.zeros(1)},
    "terminated": {"terminated": 1},
    "truncated": {"truncated": None},
    "info": {"info": None},
}


class Strange(gym.Env[Any, Any]):
    """Sound but for its spaces."""

    def __init__(self, sees: str = "box", acts: str = "box") -> None:
        self.observation_space, self.action_space = SPACES[sees], SPACES[acts]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.observation_space.sample(), 0.0, False, False, {}


_BOX = spaces.Box(-1, 1, (1,), np.float32)
SPACES: dict[str, gym.Space[Any]] = {
    "box": _BOX,
    "tuple": spaces.Tuple([_BOX, _BOX]),
    "text": spaces.Text(5),
    "sequence": spaces.Sequence(_BOX),
    "dict": spaces.Dict(deep=spaces.Dict(a=_BOX)),
    "from one": spaces.Discrete(3, start=1),
    "many from one": spaces.MultiDiscrete([3, 3], start=[0, 1]),
}


class Remembers(gym.Wrapper[Any, Any, Any, Any]):
    """Keeps something from one episode to the next."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.steps = 0

    def step(self, action: Any) -> Any:
        self.steps += 1
        observation, _, *rest = self.env.step(action)
        return observation, float(self.steps), *rest


for _kind in (Rooms, Faulty, Strange):
    gym.register(f"tests/{_kind.__name__}-v0", entry_point=_kind, max_episode_steps=60)
gym.register("tests/Endless-v0", entry_point=Faulty)
