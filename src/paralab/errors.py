"""What can go wrong, by who must act: the user (exit code 2), nobody (a grant ran out), or the run itself (exit code 1)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Refused(ValueError):
    """What the user asked for cannot be: one line that names what, where and the remedy."""


class Mismatch(Refused):
    """This trainer cannot learn from this problem."""


class Spent(Exception):
    """The grant of answers is used up: training ends, nothing is wrong."""


class Failed(RuntimeError):
    """A run that could not go on: one line; the traceback is in its log."""


def closest(name: str, known: Iterable[str]) -> str:
    """A hint to append to an error: the closest known name, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names) or 'none'}."
