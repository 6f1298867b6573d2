"""What a grant is enforced by: one counter that every copy of an environment charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paralab.errors import Spent


@dataclass
class Meter:
    """Counts the answers an environment gives; every copy of it charges the same one."""

    grant: int | None = None  # answers that may be given; None: no limit
    best: float | None = None  # the reward the best action earns, where it is known: gives regret
    bits: float | None = None  # the most that one answer can tell, where it is bounded
    used: int = 0
    reward: float = 0.0  # sum of all rewards given

    @property
    def left(self) -> float:
        return float("inf") if self.grant is None else self.grant - self.used

    @property
    def metrics(self) -> Mapping[str, float]:
        """The online score: mean reward an answer, and regret where the best reward is known."""
        online = {"train/online_reward": self.reward / max(self.used, 1)}
        return online if self.best is None else {**online, "train/regret": self.best * self.used - self.reward}

    def admit(self) -> None:
        """Raise Spent where no answer is left; called before an environment answers."""
        if self.left < 1:
            raise Spent(f"all {self.grant} answers of the grant are used")

    def charge(self, reward: float) -> None:
        self.used += 1
        self.reward += reward
