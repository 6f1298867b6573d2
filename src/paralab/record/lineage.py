"""Which finished run a longer one may go on from: of the same settings and seed, with fewer steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paralab.record import files
from paralab.record.folder import SCORES
from paralab.record.identity import KEYS
from paralab.record.plan import Plan
from paralab.record.writer import config_text

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Parent:
    folder: Path
    config: Mapping[str, Any]  # resolved
    steps: int  # its budget, in the trainer's unit
    step: int  # where it ended

    @property
    def config_id(self) -> str:
        return self.folder.parent.name


def find(plan: Plan, steps: int) -> Parent | None:
    """The finished run with the most steps below `steps`, from which `plan` differs in its steps alone.

    One that ended before its budget is none: it would do so again. Damaged ones are passed over.
    """
    own, seed = plan.folder.parent, plan.folder.name
    lines, alike = _lines(config_text(plan.config)), _alike(plan.config)
    places = [place / seed for place in own.parent.iterdir() if place != own] if own.parent.is_dir() else []
    read = (_parent(folder, lines, alike) for folder in places if _resumable(folder))
    found = [parent for parent in read if parent and parent.steps < steps]
    # Of equals the one that was trained from its start; then by name: the order of a folder decides nothing
    return min(found, key=lambda each: (-each.steps, bool(each.config.get("extend")), each.folder), default=None)


def inexact(config: Mapping[str, Any], steps: int, parent: Parent) -> str:
    """Why going on from `parent` differs from `steps` steps from the start; "" where it does not, bit for bit."""
    if "horizon" in config["trainer"]:
        return f"its schedule ended at {parent.steps}"
    if config["budget"]["seconds"] is not None:
        return "its end hung on the clock"
    if config["device"] != "cpu":
        return f"device={config['device']} need not repeat bit for bit"
    if parent.config.get("extend"):
        return "it went on from a shorter one itself by extend=true"
    every, its = (cadence(each, count) for each, count in ((config, steps), (parent.config, parent.steps)))
    if config["select"] and every != its:
        return f"it was validated every {its} steps, not {every}; budget.evaluate_every= fixes it"
    if config["select"] and parent.step % every:
        return f"it was validated at its end, no multiple of {every} steps"
    return ""


def cadence(config: Mapping[str, Any], steps: int) -> int:
    """Steps between two validations."""
    return int(config["budget"]["evaluate_every"] or max(1, steps // 20))


def _resumable(folder: Path) -> bool:
    return (folder / SCORES).is_file() and (folder / "checkpoint").is_dir()


def _parent(folder: Path, lines: list[str], alike: Mapping[str, Any]) -> Parent | None:
    try:
        text = (folder / "config.yaml").read_text()
        if _lines(text) != lines:  # .1 ms; to parse it takes 2, and a sweep may have thousands of siblings
            return None
        config, record = yaml.load(text, Loader=LOADER), files.read_json(folder / "record.json")
        steps, step = config["budget"]["steps"] or config["trainer"]["default_steps"], record["steps"]
        whole = record["status"] == "finished" and step >= steps and _alike(config) == alike
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return None
    return Parent(folder, config, steps, step) if whole else None


def _alike(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """All of a config that decides its outcome, but for its steps, what follows them, and `extend`."""
    budget = {key: value for key, value in config["budget"].items() if key != "steps"}
    trainer = {key: value for key, value in config["trainer"].items() if key not in ("horizon", "default_steps")}
    rest = {key: config.get(key) for key in (*KEYS, "seed") if key != "extend"}
    return {**rest, "budget": budget, "trainer": trainer}


def _lines(text: str) -> list[str]:
    """What problem and trainer say in a config.yaml, in no order: where it differs, the configs do."""
    return sorted(_of_blocks(text))


def _of_blocks(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines():
        if not line.startswith((" ", "-")):
            inside = line.startswith(("problem:", "trainer:"))
        elif inside and not line.lstrip().startswith(("horizon:", "default_steps:")):
            yield line
