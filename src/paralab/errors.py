"""What can go wrong, by who must act: the user (exit code 2), whoever reads the log (exit code 1), or nobody."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Refused(ValueError):
    """What the user asked for cannot be: one line that names what, where and the remedy."""


class Held(Refused):
    """Another process is writing this run."""


class Mismatch(Refused):
    """This trainer cannot learn from this problem."""


class Spent(Exception):
    """The grant of answers is used up: training ends, nothing is wrong."""


class Failed(RuntimeError):
    """A run that could not go on: one line; the traceback is in its log."""


class Diverged(Failed):
    """A metric of training is no longer a finite number."""


class TimedOut(Failed):
    """A run that took longer than it was allowed: its checkpoint is kept."""


class Interrupted(Exception):
    """A run that was asked to stop: its checkpoint is written, the same command goes on from there."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class Pruned(Exception):
    """A tuner's trial that was stopped early, for it does worse than the others."""


def closest(name: str, known: Iterable[str]) -> str:
    """A hint to append to an error: the closest known name, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names) or 'none'}."
