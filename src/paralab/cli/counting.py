"""How far a long piece of work is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
OFTEN = 10.0  # seconds between two lines


def counted(things: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The same things; on stderr how many of `total` are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(16), MofNCompleteColumn(), TextColumn(what), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, said = bar.add_task("", total=total), time.monotonic()
        for place, thing in enumerate(things, 1):
            bar.update(task, completed=place)
            if not console.is_terminal and time.monotonic() - said > OFTEN:
                said = time.monotonic()
                console.print(f"{place} of {total} {what}", soft_wrap=True)
            yield thing
