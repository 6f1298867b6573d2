"""`paralab reproduce`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.audit.differences import Difference
    from paralab.audit.reproduce import Reproduced, Tell

MOST = 12  # differences shown


def reproduce(
    run: Annotated[
        str, typer.Argument(help="A finished run's folder, or experiment/config id, its beginning.", show_default=False)
    ],
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the new run below DIR.", show_default=False)
    ] = None,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of lines.")] = False,
    trust: Annotated[list[str] | None, typer.Option(metavar="PREFIX", help="Also build classes below PREFIX.")] = None,
) -> None:
    """Run a run again from its record; say how far it is the same.

    Example: paralab reproduce label_efficiency/2e21abef/seed-8

    Strict: weights, predictions and scores are the same bit for bit. Numeric: labels and numbers within tolerances.
    Statistical: the score lies where another seed's would. None: nothing of these, exit code 1. Then what differs
    between the two: code, versions, machine, threads.
    """
    from paralab.audit.find import find
    from paralab.audit.reproduce import reproduce as again

    folder = find(run, root)
    with _signals(), _progress(str(folder)) as tell:
        found = again(folder, trust=trust or (), keep=keep, tell=tell)
    if as_json:
        import json

        print(json.dumps(_plain(found), indent=1))
    else:
        _show(found)
    raise typer.Exit(1 if found.level == "none" else 0)


@contextmanager
def _progress(name: str) -> Iterator[Tell]:
    """A bar on a terminal, elsewhere a line at the start: on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from paralab.cli.failure import printable

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.print(printable(f"running {name} again"), markup=False, soft_wrap=True)
    columns = (BarColumn(16), TextColumn("{task.description}", markup=False), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def tell(step: int, steps: int) -> None:
            bar.update(task, description=f"{step}/{steps}", completed=min(step, steps), total=steps)

        yield tell


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM ends the other process and removes what it wrote, as Ctrl-C does."""
    from paralab.errors import Interrupted

    def stop(number: int, frame: object) -> None:
        raise Interrupted("stopped; the run itself is as it was", number)

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _plain(found: Reproduced) -> dict[str, object]:
    return {
        "run": str(found.folder), "level": found.level, "why": found.why,
        "score": {"name": found.name, "then": found.then, "now": found.now},
        "checks": [
            {"what": each.what, "same": each.same, "close": each.close, "detail": each.detail} for each in found.checks
        ],
        "faults": [{"kind": each.kind, "where": each.where, "what": each.what} for each in found.faults],
        "notes": list(found.notes),
        "differences": [{"what": each.what, "then": each.then, "now": each.now} for each in found.differences],
        "kept": None if found.kept is None else str(found.kept),
    }  # fmt: skip


def _show(found: Reproduced) -> None:
    from paralab.cli.failure import printable

    lines = [f"{fault.kind}: {fault}" for fault in found.faults]
    lines.append(f"{found.level}: {found.why}")
    lines += [f"  {check.what:<11}  {check.detail}" for check in found.checks]
    if found.now is not None and found.then is not None:
        lines.append(f"  {'score':<11}  {found.name} {found.then:.6g} then, {found.now:.6g} now")
    lines += [f"note: {note}" for note in found.notes]
    lines += _told(found.differences)
    lines += [] if found.kept is None else [f"kept: {found.kept}"]
    for line in lines:
        print(printable(line))


def _told(differences: tuple[Difference, ...]) -> Iterator[str]:
    if not differences:
        yield "code, versions, machine and threads are as they were"
        return
    shown = [each for each in differences if not each.minor][:MOST]
    yield from (f"differs: {each}" for each in shown)
    if left := len(differences) - len(shown):
        what = "other packages" if all(each.minor for each in differences if each not in shown) else "more"
        yield f"differs: {left} {what}; --json names them"
