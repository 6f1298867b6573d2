"""One run, decided: its resolved config, its names, its id, its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paralab.record.folder import run_folder


@dataclass(frozen=True)
class Plan:
    """One run, decided: nothing read later can change it."""

    config: Mapping[str, Any]  # resolved
    problem: str  # the choice, "digits", and of a door its subject: "table-my"
    trainer: str  # "supervised/logistic"
    config_id: str
    said: tuple[str, ...] = field(default=(), compare=False)  # the overrides it came from

    @property
    def folder(self) -> Path:
        config = self.config
        place = (config["name"], self.problem, self.trainer, self.config_id, config["seed"])
        return run_folder(Path(config["root"]), *place)
