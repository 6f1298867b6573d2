"""Where a sweep stands, as plain state: told what happens, it knows the counts, the pace and the best score so far.

Both the live display and `paralab watch` are drawn from it (`cli/picture.py`). Times are seconds of any one clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Words = tuple[str, ...]  # what tells a run apart: ("digits", "supervised/mlp", "labels=20", "seed=3")
Kind = Literal["finished", "failed", "pruned", "interrupted"]
KINDS: Mapping[str, Kind] = {  # by Ended.end
    "finished": "finished", "there": "finished", "failed": "failed", "timed out": "failed", "refused": "failed",
    "pruned": "pruned", "interrupted": "interrupted",
}  # fmt: skip
NOT_STARTED = "not started"  # an end that is none
RECENT = 100  # ends that the pace is taken from: six seconds of a fast sweep, an hour of a slow one
SURE = 3.0  # runs' worth of work to be seen before a time is foretold


@dataclass
class Row:
    """A run under way."""

    words: Words
    step: int | None = None  # None: not known, as of a run on another machine
    steps: int = 0  # 0: not known
    score: tuple[str, float] | None = None  # the newest validation score, else the first of the newest others
    first: int = 0  # the step it was first seen at; a resumed run does not begin at 0

    @property
    def part(self) -> float:
        """How much of a run it has done since it was first seen."""
        return max(0.0, min(1.0, (self.step - self.first) / self.steps)) if self.step and self.steps else 0.0


@dataclass
class Board:
    """Events may come in any order and twice; finished, failed, pruned, interrupted, running and left are the total."""

    since: float | None = None  # when the sweep began; None: not known, or it does not go on
    asked: int = 0  # runs it says it has
    there: int = 0  # of the finished: those that were so before it began
    running: dict[int, Row] = field(default_factory=dict)
    ended: dict[int, Kind] = field(default_factory=dict)
    counts: Counter[Kind] = field(default_factory=Counter)
    best: dict[tuple[str, str], tuple[float, Words]] = field(default_factory=dict)  # by problem and metric
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    ends: int = 0  # all whose time is known
    common: Words | None = None  # what all runs seen so far have in their words

    @property
    def total(self) -> int:
        return max(self.asked, len(self.ended) + len(self.running))

    @property
    def left(self) -> int:
        """Runs that have not begun."""
        return self.total - len(self.ended) - len(self.running)

    @property
    def done(self) -> int:
        return len(self.ended) - self.counts["interrupted"]

    def begin(self, key: int, words: Words) -> None:
        """A run begins, or is tried again; nothing where it has ended."""
        if key not in self.ended:
            self.running[key] = Row(words)
            self.name_among(words)

    def tell(self, key: int, step: int, steps: int, scores: Mapping[str, float]) -> None:
        """A run is at a step; nothing where it is not under way: a worker that was killed may still be heard."""
        if (row := self.running.get(key)) is None:
            return
        if row.step is None:
            row.first = step
        row.step, row.steps = step, steps
        valid = next(((name, value) for name, value in scores.items() if name.startswith("valid/")), None)
        if valid or not (row.score and row.score[0].startswith("valid/")):
            row.score = valid or next(iter(scores.items()), row.score)

    def end(
        self, key: int, words: Words, end: str, score: tuple[str, float] | None = None, when: float | None = None
    ) -> None:
        """A run has ended as `Ended.end` says, with the objective's score where it has one; `when` None: before all."""
        if key in self.ended:
            return
        self.running.pop(key, None)
        if end == NOT_STARTED:  # it is left, as before
            self.name_among(words)
            return
        kind = KINDS[end]
        self.ended[key] = kind
        self.counts[kind] += 1
        self.there += end == "there"
        self.name_among(words)
        if when is not None and kind != "interrupted":
            self.recent.append(when)
            self.ends += 1
        if score is not None and words:
            held = self.best.get((words[0], score[0]))
            if held is None or score[1] > held[0]:
                self.best[words[0], score[0]] = (score[1], words)

    def name_among(self, words: Words) -> None:
        """There is a run of these words."""
        shared = words if self.common is None else self.common
        self.common = tuple(word for word in shared if word in words)

    def name(self, words: Words) -> str:
        """What tells a run from the others seen so far, short."""
        own = [word for word in words if word not in (self.common or ())] or words
        return " ".join(word.removeprefix("trainer.") for word in own)

    def pace(self, now: float) -> float | None:
        """Runs a second, of late: from the begin of the sweep until there are many ends; None while nothing is known.

        Near the begin the finished part of what is under way counts too; later it would count what began before.
        """
        if self.since is not None and self.ends <= RECENT:
            seen, span = self.ends + self._parts(), now - self.since
        else:
            seen, span = float(len(self.recent) - 1), now - self.recent[0] if self.recent else 0.0
        return seen / span if seen > 0 and span > 0 else None

    def seconds_left(self, now: float) -> float | None:
        """An estimate; None until enough was seen of it."""
        pace = self.pace(now)
        if pace is None or self.ends + self._parts() < min(SURE, self.total / 10):
            return None
        return (self.left + len(self.running) - self._parts()) / pace

    def _parts(self) -> float:
        return sum(row.part for row in self.running.values())

    def plain(self, now: float) -> dict[str, object]:
        """As JSON has it."""
        pace = self.pace(now)
        return {
            "total": self.total, "finished": self.counts["finished"], "failed": self.counts["failed"],
            "pruned": self.counts["pruned"], "interrupted": self.counts["interrupted"], "left": self.left,
            "running": [
                {"run": " ".join(row.words), "step": row.step, "steps": row.steps or None,
                 "score": None if row.score is None else {row.score[0]: row.score[1]}}
                for row in self.running.values()
            ],
            "runs_a_minute": None if pace is None else pace * 60, "seconds_left": self.seconds_left(now),
            "best": [{"problem": problem, "metric": metric, "score": score, "run": " ".join(words)}
                     for (problem, metric), (score, words) in self.best.items()],
        }  # fmt: skip
