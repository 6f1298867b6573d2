"""What a person sees while a sweep goes: a live picture on a terminal, elsewhere plain lines, a run each."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from paralab.cli.board import NOT_STARTED, Board, Words
from paralab.cli.picture import clean, counts, line, picture
from paralab.cli.progress import Asks, name_of, words_of
from paralab.cli.summary import told
from paralab.sweep.look import objective_score

if TYPE_CHECKING:
    from paralab.core import Metrics
    from paralab.record.plan import Plan
    from paralab.sweep.drain import Outcome

REFRESH = 4  # pictures a second: some 1 % of a core
SILENT = 10.0  # seconds without a line after which a log gets one of progress
NUMBER = re.compile(r"\b[\d.,]+\b")
SHOWN = 5  # failures printed above the live picture; the end summary has them all


class SweepDisplay:
    """The sweep's watcher (`drain.Watcher`, `sweeper.Task`), on stderr; called from several threads.

    Nothing is printed while the board's lock is held: the thread that draws holds rich's and waits for the board's.
    """

    def __init__(self, *, quiet: bool, stop: Asks, trust: Sequence[str]) -> None:
        self.stop, self.trust, self.quiet = stop, trust, quiet
        self.console = Console(stderr=True, highlight=False)
        self.board, self.lock = Board(since=time.monotonic()), threading.Lock()
        self.live = (
            Live(get_renderable=self._picture, console=self.console, refresh_per_second=REFRESH, transient=True)
            if self.console.is_terminal and not self.console.is_dumb_terminal and not quiet
            else None
        )
        self.outcomes: list[Outcome] = []  # known so far, for a summary of what was interrupted
        self.ids: dict[int, int] = {}  # of this part of the sweep: its keys begin at 0 again
        self.made = 0
        self.said: set[str] = set()
        self.over = threading.Event()
        self.printed = time.monotonic()

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        elif not self.quiet:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        if self.live:
            self.live.stop()

    @property
    def signal(self) -> int:
        return self.stop.signal

    def expect(self, total: int, there: Sequence[Outcome]) -> None:
        """A sweep, or a further part of it, has `total` runs, some of which are `there`."""
        scored = [(outcome, _score(outcome)) for outcome in there]
        with self.lock:
            self.ids.clear()
            self.board.asked = len(self.board.ended) + total  # a pruned trial's other runs never come
            if not self.board.ends:
                self.board.since = time.monotonic()  # planning is no part of the pace
            for outcome, score in scored:
                self.outcomes.append(outcome)
                self.made += 1
                self.board.end(self.made, _words(outcome.plan), outcome.end, score)
            text = counts(self.board)
        if not self.live:
            self._line(text)

    def notice(self, text: str) -> None:
        """A line about the sweep as a whole."""
        self._line(text)

    def begin(self, key: int, plan: Plan) -> None:
        with self.lock:
            self.board.begin(self._id(key), _words(plan))

    def tell(self, key: int, step: int, steps: int, scores: Metrics) -> None:
        with self.lock:
            self.board.tell(self._id(key), step, steps, scores)

    def say(self, key: int, text: str) -> None:
        """A line of a run's; what many of them say, but for numbers, is shown once."""
        with self.lock:
            row = self.board.running.get(self._id(key))
            alike = NUMBER.sub("0", text)
            known = alike in self.said
            self.said.add(alike)
        if not known:
            self._line(f"{' '.join(row.words)}: {text}" if row else text)

    def end(self, key: int, outcome: Outcome) -> None:
        score = _score(outcome)
        with self.lock:
            self.outcomes.append(outcome)
            self.board.end(self._id(key), _words(outcome.plan), outcome.end, score, time.monotonic())
            done, failed = len(self.board.ended), self.board.counts["failed"]
            place = f"[{done:>{len(str(self.board.total))}}/{self.board.total}] {name_of(outcome.plan)}"
        if outcome.error is not None:
            if self.live is None or failed <= SHOWN:
                self._print(f"{place}: {told(outcome)}", "red")
        elif not self.live and outcome.end != NOT_STARTED:
            self._line(f"{place}: {score[0]} {score[1]:.4g}" if score else f"{place}: {outcome.end}")

    def _id(self, key: int) -> int:
        if key not in self.ids:
            self.made += 1
            self.ids[key] = self.made
        return self.ids[key]

    def _picture(self) -> RenderableType:
        with self.lock:
            if not self.board.asked:
                return Text("planning the runs", "dim")
            return picture(self.board, time.monotonic(), *self.console.size, self._stopping())

    def _stopping(self) -> str:
        if not self.stop.signal:
            return ""
        n = len(self.board.running)
        what = f"{n} runs write their checkpoints" if n > 1 else "1 run writes its checkpoint" if n else "nothing runs"
        return f"stopping: {what} (Ctrl-C again stops at once)"

    def _tick(self) -> None:
        """In a log: that it stops, and a line of progress where nothing has ended for a while."""
        stopping = False
        while not self.over.wait(1 / REFRESH):
            with self.lock:
                stop, progress = self._stopping(), line(self.board, time.monotonic())
            if stop and not stopping:
                stopping = True
                self._line(stop)
            elif self.board.running and time.monotonic() - self.printed > SILENT:
                self._line(progress)

    def _line(self, text: str) -> None:
        if not self.quiet:
            self._print(text)

    def _print(self, text: str, style: str = "") -> None:
        self.printed = time.monotonic()
        self.console.print(Text(clean(text), style), soft_wrap=True)


def _words(plan: Plan) -> Words:
    return words_of(plan.problem, plan.trainer, plan.said)


def _score(outcome: Outcome) -> tuple[str, float] | None:
    return objective_score(outcome.plan.folder, outcome.result.scores) if outcome.result else None
