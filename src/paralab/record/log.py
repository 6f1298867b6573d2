"""run.log: what a run said, with warnings and whole tracebacks; the terminal gets one line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_logger = logging.getLogger("paralab.run")
_logger.propagate = False
_logger.setLevel(logging.INFO)


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Fail the run, as any other file of it does that cannot be written; logging would print a traceback."""
        raise


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Append to `path` while inside, warnings included."""
    handler = _File(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            yield
    finally:
        _logger.removeHandler(handler)
        handler.close()


def say(text: str) -> None:
    _logger.info(text)


_notes: list[str] = []


def note(text: str) -> None:
    """Keep a line for the log and the terminal, of which neither is open yet while a problem is built."""
    _notes.append(text)


@contextmanager
def noting() -> Iterator[list[str]]:
    """The lines noted while inside, and no others: what a run that was refused had noted is not the next one's."""
    _notes.clear()
    taken: list[str] = []
    yield taken
    taken.extend(_notes)
    _notes.clear()


def traceback() -> None:
    """Log the exception being handled, whole."""
    _logger.exception("failed")


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _logger.warning("%s:%s %s: %s", filename, lineno, category.__name__, message)
