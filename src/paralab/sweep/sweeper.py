"""A grid of runs, one after the other in this process; one that fails takes only itself down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from paralab.errors import Failed, Refused
from paralab.record.plan import Plan
from paralab.run import Result
from paralab.sweep.plan import plan_grid


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    plan: Plan
    result: Result | None
    error: Failed | Refused | None


class Task(Protocol):
    """What runs each point, and is told how the sweep goes."""

    @property
    def trust(self) -> Sequence[str]: ...
    def expect(self, total: int) -> None: ...
    def __call__(self, plan: Plan) -> Result: ...
    def end(self, outcome: Outcome) -> None: ...


def sweep(load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str], task: Task) -> list[Outcome]:
    """Run every point of a grid; only Interrupted stops it, with all that finished kept."""
    plans = plan_grid(load, config, overrides, task.trust)
    task.expect(len(plans))
    outcomes = []
    for plan in plans:
        outcomes.append(_outcome(plan, task))
        task.end(outcomes[-1])
    return outcomes


def _outcome(plan: Plan, task: Task) -> Outcome:
    try:
        return Outcome(plan, task(plan), None)
    except (Failed, Refused) as error:
        return Outcome(plan, None, error)
