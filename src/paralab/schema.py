"""The types of the root config; the defaults stand in conf/config.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


class SplitKind(Enum):
    holdout = "holdout"
    all = "all"
    cv = "cv"
    official = "official"
    group = "group"
    time = "time"


class Device(Enum):
    cpu = "cpu"
    cuda = "cuda"
    auto = "auto"


class Monitor(Enum):
    none = "none"
    tensorboard = "tensorboard"


@dataclass
class Scenario:
    seed: int = MISSING
    labels: int | None = MISSING
    split: SplitKind = MISSING
    split_seed: int | None = MISSING
    test_size: float = MISSING
    folds: int = MISSING
    fold: int | None = MISSING
    select: bool = MISSING


@dataclass
class Budget:
    steps: int | None = MISSING
    seconds: float | None = MISSING
    evaluate_every: int | None = MISSING
    patience: int | None = MISSING


@dataclass
class Sweep:
    zip: list[Any] = MISSING  # keys, or lists of keys
    csv: str | None = MISSING
    exclude: list[str] = MISSING
    retry_failed: bool = MISSING
    force: bool = MISSING
    fail_fast: bool = MISSING
    max_retries: int = MISSING
    timeout_s: float | None = MISSING


@dataclass
class Decision:
    candidate: Any = MISSING  # text, or a mapping
    baseline: Any = MISSING
    metric: str | None = MISSING
    at_least: float = MISSING
    confidence: float = MISSING
    max_seeds: int | None = MISSING
    looks: Any = MISSING  # a number, or a list of them


@dataclass
class Root:
    problem: dict[str, Any] = MISSING
    trainer: dict[str, Any] = MISSING
    budget: Budget = field(default_factory=Budget)
    scenario: Scenario = field(default_factory=Scenario)
    executor: dict[str, Any] = MISSING
    sweep: Sweep = field(default_factory=Sweep)
    name: str = MISSING
    root: str = MISSING
    question: str | None = MISSING
    plan: dict[str, str] = MISSING
    decision: Decision | None = field(default_factory=Decision)
    seed: int = MISSING
    split_seed: int | None = MISSING
    split: SplitKind = MISSING
    test_size: float = MISSING
    folds: int = MISSING
    fold: int | None = MISSING
    labels: int | None = MISSING
    select: bool = MISSING
    threads: int = MISSING
    device: Device = MISSING
    compile: bool = MISSING
    repeat: int = MISSING
    extend: bool = MISSING
    monitor: Monitor = MISSING
    force: bool = MISSING
    checkpoint_seconds: float = MISSING


ROOT_KEYS = tuple(each.name for each in fields(Root))
GROUPS = ("problem", "trainer", "budget", "executor", "experiment")
SWEEPS = ("executor", "sweep")  # how a grid is run: no part of any of its runs

ConfigStore.instance().store(name="schema", node=Root, provider="paralab")
