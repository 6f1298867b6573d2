"""An exception as one line on the terminal and an exit code; the traceback goes to a log."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path

from paralab.errors import Failed, Interrupted, Refused


def explain(error: Exception) -> int:
    """Print one line to stderr and return the exit code: 2 the user must act, 1 it failed, 128 + n on signal n."""
    if isinstance(error, Interrupted):
        print(f"paralab: {one_line(error)}", file=sys.stderr)
        return 128 + error.signal
    log = _log(error)
    import typer
    from typer.exceptions import TyperException

    if isinstance(error, TyperException):  # a missing argument, an unknown option
        said = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        error = Refused(f"{said.rstrip('.')}; see paralab {sys.argv[1]} --help")
    if isinstance(error, Refused | Failed):
        print(f"paralab: {one_line(error)}", file=sys.stderr)
    else:
        print(f"paralab: {type(error).__name__}: {one_line(error)} (traceback: {log})", file=sys.stderr)
    return 2 if isinstance(error, Refused) else 1


def one_line(error: Exception) -> str:
    """Without control characters: a name in a YAML may hold what a terminal obeys."""
    return printable(" ".join(str(error).split()))


def printable(text: str) -> str:
    """No control characters: a name must not be able to steer the terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def _log(error: Exception) -> str:
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        path = state / "paralab" / "error.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"\n{datetime.now().astimezone().isoformat()} {sys.argv}\n")
            traceback.print_exception(error, file=file)
    except (OSError, RuntimeError) as unwritable:  # RuntimeError: a user without a home
        return f"none, {unwritable}"
    return str(path)
