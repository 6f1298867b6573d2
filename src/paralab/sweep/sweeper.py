"""A grid of runs: planned whole, written down, then drained; what is finished already is not run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

from paralab.build import build
from paralab.core import Metrics
from paralab.errors import Failed, Refused
from paralab.record import files, folder, read
from paralab.record.plan import Plan
from paralab.run import Result
from paralab.sweep import manifest
from paralab.sweep.drain import Options, Outcome, Watcher, drain
from paralab.sweep.plan import plan_grid
from paralab.sweep.pool import Executor
from paralab.trust import Kind

EXECUTOR = Kind("executor", ("remote", "outlives", "open"), prefixes=("paralab.sweep.executors.",))


class Task(Watcher, Protocol):
    """Who asked for a grid, and is told how many runs it has and how many of them are there."""

    def notice(self, text: str) -> None: ...  # about the grid as a whole
    def expect(self, total: int, there: Sequence[Outcome]) -> None: ...


def sweep(load: ConfigLoaderImpl, config: DictConfig, overrides: Sequence[str], task: Task) -> list[Outcome]:
    """Run every missing point of a grid; the outcomes of all, in the grid's order.

    Raises Interrupted, with all that finished kept.
    """
    plans = plan_grid(load, config, overrides, task.trust, task.notice)
    executor, options = executor_of(config, task.trust), options_of(config)
    home = manifest.write(plans)
    forced = [_forced(plan, options) for plan in plans]
    there = {plan.folder: outcome for plan in forced if (outcome := _there(plan, options, task.trust))}
    task.expect(len(plans), list(there.values()))
    todo = {plan.folder: plan for plan in forced if plan.folder not in there}
    ran = drain(Listed(iter(todo.values())), executor, list(todo.values()), options, task, home) if todo else []
    by_folder = there | {outcome.plan.folder: outcome for outcome in ran}
    return [by_folder[plan.folder] for plan in plans if plan.folder in by_folder]


def executor_of(config: DictConfig, trust: Sequence[str]) -> Executor:
    """The executor that a config names; raises Refused."""
    node: Any = OmegaConf.to_container(config.executor, resolve=True)
    return cast(Executor, build(node, "executor", EXECUTOR, trust))


def options_of(config: DictConfig) -> Options:
    """How the sweep goes on after what goes wrong; raises Refused for a number out of range."""
    said = config.sweep
    if said.max_retries < 0:
        raise Refused(f"sweep.max_retries={said.max_retries}: at least 0")
    if said.timeout_s is not None and not said.timeout_s > 0:
        raise Refused(f"sweep.timeout_s={said.timeout_s:g}: more than 0 seconds, or null for no limit")
    names = ("retry_failed", "force", "fail_fast", "max_retries", "timeout_s")
    return Options(**{name: said[name] for name in names})


class Listed:
    """A list as a source of runs."""

    def __init__(self, plans: Iterator[Plan]) -> None:
        self._plans = plans

    def next(self) -> Plan | None:
        return next(self._plans, None)

    def tell(self, plan: Plan, step: int, scores: Metrics) -> int:
        return 0

    def end(self, outcome: Outcome) -> None:
        """Nothing to learn from it."""


def _forced(plan: Plan, options: Options) -> Plan:
    return replace(plan, config={**plan.config, "force": True}) if options.force else plan


def _there(plan: Plan, options: Options, trust: Sequence[str]) -> Outcome | None:
    """The outcome of a run that is not to be run: finished before, or failed and not to be tried again."""
    if plan.config["force"]:
        return None
    if folder.finished(plan.folder):
        scores = files.read_json(plan.folder / folder.SCORES)
        return Outcome(plan, Result(scores, plan.folder, True, tuple(trust)), None, "there")
    if not options.retry_failed and (error := read.failure(plan.folder)):
        return Outcome(plan, None, Failed(f"{plan.folder}: failed before: {error}"), "failed")
    return None
