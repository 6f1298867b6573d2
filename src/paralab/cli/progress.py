"""What a person sees while runs go: a live line on a terminal, plain lines elsewhere, and the end summary."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from paralab.cli.failure import one_line
from paralab.errors import Failed

if TYPE_CHECKING:
    from paralab.core import Metrics
    from paralab.record.plan import Plan
    from paralab.run import Result
    from paralab.sweep.sweeper import Outcome


# What stands in a run's name already, or does not tell it from its neighbours.
UNSAID = ("problem=", "trainer=", "experiment=", "name=", "root=", "force=", "hydra.")


class Asks(Protocol):
    signal: int  # 0, or the signal that asks to stop


class Display:
    """A progress display on stderr; `tell` is the loop's channel in both directions.

    One bar: of the steps of a run, or of the runs of a grid with the one under way beside it.
    """

    def __init__(self, *, quiet: bool, stop: Asks) -> None:
        self.stop = stop
        self.console = Console(stderr=True, highlight=False)
        self.live = self.console.is_terminal and not quiet
        self.plain = not self.live and not quiet
        columns = (BarColumn(16), TextColumn("{task.description}", markup=False), TimeRemainingColumn(compact=True))
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.live)
        self.task = self.bar.add_task("", total=None)
        self.count, self.total = 0, 1
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
        self.count += 1
        said = [word for word in plan.said if not word.lstrip("+").startswith(UNSAID)]
        self.name = " ".join([plan.problem, plan.trainer, *said])
        if self.total > 1:
            self.name = f"{self.count}/{self.total} {self.name}"
            self.bar.update(self.task, description=self.name, completed=self.count - 1, total=self.total)
        else:
            self.bar.update(self.task, description=self.name)

    def tell(self, step: int, steps: int, scores: Metrics) -> int:
        score = next((f" {name} {value:.4g}" for name, value in scores.items()), "")
        if self.total > 1:
            self.bar.update(self.task, description=f"{self.name} {step}/{steps}")
        else:
            self.bar.update(self.task, description=f"{step}/{steps}{score}", completed=min(step, steps), total=steps)
        if time.monotonic() - self.printed > 10:
            self._line(f"{self.name}: step {step} of {steps}{score}")
        return self.stop.signal

    def say(self, text: str) -> None:
        if self.live or self.plain:
            self.console.print(f"{self.name}: {text}", markup=False, soft_wrap=True)

    def end(self, outcome: Outcome) -> None:
        """One line a run of a grid, where lines are kept; a failure is shown at once."""
        if outcome.error is not None:
            self.console.print(f"{self.name}: {one_line(outcome.error)}", style="red", markup=False, soft_wrap=True)
        elif outcome.result and not outcome.result.was_there:
            name, score = next(iter(outcome.result.scores.items()))
            self._line(f"{self.name}: {name} {score:.4g}")

    def _line(self, text: str) -> None:
        if self.plain and text:
            self.printed = time.monotonic()
            self.console.print(text, markup=False, soft_wrap=True)


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


def summarise(outcomes: Sequence[Outcome], as_json: bool) -> int:
    """What became of a grid, every failure with its line; returns the exit code."""
    failed = [(outcome.plan.folder, outcome.error) for outcome in outcomes if outcome.error is not None]
    there = sum(outcome.result.was_there for outcome in outcomes if outcome.result)
    if as_json:
        print(json.dumps([_plain(outcome) for outcome in outcomes]))
    else:
        for folder, error in failed:
            print(f"failed: {folder}\n  {one_line(error)}")
        was = f" ({there} of them already there)" if there else ""
        print(f"{len(outcomes) - len(failed)} of {len(outcomes)} runs finished{was}, {len(failed)} failed")
    if not failed:
        return 0
    return 1 if any(isinstance(error, Failed) for _, error in failed) else 2


def _plain(outcome: Outcome) -> dict[str, object]:
    scores = dict(outcome.result.scores) if outcome.result else None
    error = None if outcome.error is None else one_line(outcome.error)
    return {"folder": str(outcome.plan.folder), "scores": scores, "error": error}
