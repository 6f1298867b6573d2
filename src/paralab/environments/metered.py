"""An environment whose every answer is counted."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym

from paralab.core import Env
from paralab.meter import Meter


class Metered(gym.Wrapper[Any, Any, Any, Any]):
    """Charges the shared meter for every step; resets are free. A step beyond the grant raises Spent, unanswered."""

    def __init__(self, env: Env, meter: Meter) -> None:
        super().__init__(env)
        self._meter = meter

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        self._meter.admit()
        answer = self.env.step(action)
        self._meter.charge(float(answer[1]))
        return answer
