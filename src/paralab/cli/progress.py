"""What a person sees of one run: a live line on a terminal, plain lines elsewhere, and its scores at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from paralab.core import Metrics
    from paralab.record.plan import Plan
    from paralab.run import Result


# What stands in a run's name already, or does not tell it from its neighbours.
UNSAID = ("problem=", "trainer=", "experiment=", "name=", "root=", "force=", "hydra.")


class Asks(Protocol):
    signal: int  # 0, or the signal that asks to stop


class Display:
    """A run's progress on stderr: a bar on a terminal, plain lines elsewhere; `tell` is the loop's channel."""

    def __init__(self, *, quiet: bool, stop: Asks) -> None:
        self.stop = stop
        self.console = Console(stderr=True, highlight=False)
        self.live = self.console.is_terminal and not quiet
        self.plain = not self.live and not quiet
        columns = (BarColumn(16), TextColumn("{task.description}", markup=False), TimeRemainingColumn(compact=True))
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.live)
        self.task = self.bar.add_task("", total=None)
        self.name = ""
        self.printed = time.monotonic()

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def begin(self, plan: Plan) -> None:
        self.name = name_of(plan)
        self.bar.update(self.task, description=self.name)

    def tell(self, step: int, steps: int, scores: Metrics) -> int:
        score = next((f" {name} {value:.4g}" for name, value in scores.items()), "")
        self.bar.update(self.task, description=f"{step}/{steps}{score}", completed=min(step, steps), total=steps)
        if self.plain and time.monotonic() - self.printed > 10:
            self.printed = time.monotonic()
            self.console.print(f"{self.name}: step {step} of {steps}{score}", markup=False, soft_wrap=True)
        return self.stop.signal

    def say(self, text: str) -> None:
        if self.live or self.plain:
            self.console.print(f"{self.name}: {text}", markup=False, soft_wrap=True)


def name_of(plan: Plan) -> str:
    """What tells a run from its neighbours."""
    return " ".join(words_of(plan.problem, plan.trainer, plan.said))


def words_of(problem: str, trainer: str, said: Sequence[str]) -> tuple[str, ...]:
    """The same in its parts; `said` are the overrides it came from."""
    return (problem, trainer, *(word for word in said if not word.lstrip("+").startswith(UNSAID)))


def show(result: Result, as_json: bool) -> int:
    """A run's scores and folder on stdout; returns the exit code."""
    if as_json:
        print(json.dumps({"folder": str(result.folder), "scores": dict(result.scores), "parent": result.parent}))
        return 0
    if result.was_there:
        print("This run was finished before; force=true runs it again.")
    width = max(map(len, result.scores))
    for name, value in result.scores.items():
        print(f"{name:<{width}}  {value:.6g}")
    if result.parent:
        print(f"continued from {result.parent}")
    print(result.folder)
    return 0
