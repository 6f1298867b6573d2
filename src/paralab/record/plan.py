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
    files: Mapping[str, str] = field(default_factory=dict, compare=False)  # `identity.files_of` when it was planned
    at: Path | None = field(default=None, compare=False)  # in place of `root`, on a machine that works on a copy

    @property
    def folder(self) -> Path:
        return self._below(self.at or Path(self.config["root"]))

    def told(self, text: str) -> str:
        """`text` with the names of the run's own folder and its neighbours where it has those of copies."""
        if self.at is None:
            return text
        return text.replace(str(self.folder.parents[1]), str(self._below(Path(self.config["root"])).parents[1]))

    def _below(self, root: Path) -> Path:
        config = self.config
        return run_folder(root, config["name"], self.problem, self.trainer, self.config_id, config["seed"])
