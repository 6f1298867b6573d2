"""`paralab watch`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from paralab.cli.board import Board
    from paralab.sweep.look import Look, Seen


LATELY = 600.0  # seconds: what ended in them gives the pace
SHARE = 10  # times as long as a look took is waited for the next, so that 10,000 runs cost a tenth of a core
TRIALS = 20  # of a study that are listed
LONGEST = 5.0  # seconds, though


def watch(
    experiment: Annotated[
        str, typer.Argument(help="Name of the experiment: a folder under the root.", show_default=False)
    ],
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a look instead.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds from one look to the next.")] = 1.0,
) -> None:
    """Watch an experiment's sweep from another terminal.

    Example: paralab watch label_efficiency

    Ends once every run has; writes nothing, and stops nothing when it is stopped. Of a study that has ended it lists
    the trials, too.
    """
    from paralab.errors import Refused, closest
    from paralab.sweep.look import Look

    known = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    if experiment not in known:
        raise Refused(f"no experiment '{experiment}' in {root}. {closest(experiment, known)}")
    look = Look(root, experiment)
    try:
        if as_json:
            _as_json(look, once, interval)
        else:
            _as_text(look, once, interval, experiment)
    except KeyboardInterrupt:  # how a watch is ended
        raise typer.Exit(130) from None


def board_of(runs: Sequence[Seen], now: float, started: float | None = None) -> Board:
    """Where the runs stand; `now`, and when the sweep was `started` that goes on, in seconds since the epoch."""
    from paralab.cli.board import Board
    from paralab.cli.progress import words_of

    board, since = Board(since=started, asked=len(runs)), now - LATELY if started is None else started
    for key in sorted(range(len(runs)), key=lambda key: runs[key].ended or 0.0):
        run, words = runs[key], words_of(runs[key].problem, runs[key].trainer, runs[key].said)
        if run.state == "running":
            board.begin(key, words)
            if "step" in run.row:
                scores = {name: value for name, value in run.row.items() if "/" in name}
                board.tell(key, int(run.row["step"]), run.steps, scores)
        elif run.state == "waiting":
            board.name_among(words)
        else:
            lately = run.ended is not None and run.ended >= since
            there = started is not None and run.state == "finished" and not lately
            board.end(key, words, "there" if there else run.state, run.score, run.ended if lately else None)
    return board


def _over(board: Board) -> bool:
    """Whether no run is under way or to come; what was interrupted may go on."""
    return not board.running and not board.left and not board.counts["interrupted"]


def _note(board: Board) -> str:
    if board.running or board.since is not None or _over(board):
        return ""
    return "nothing runs here now: the command that began it goes on with it"


def _as_json(look: Look, once: bool, interval: float) -> None:
    while True:
        begun, now = time.monotonic(), time.time()
        board = board_of(look.again(), now, look.started)
        trials = {"trials": study["trials"]} if (study := look.study()) else {}
        typer.echo(json.dumps(board.plain(now) | trials))
        if once or _over(board):
            return
        _wait(begun, interval)


def _as_text(look: Look, once: bool, interval: float, experiment: str) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from paralab.cli.picture import line, picture
    from paralab.cli.summary import show_failures

    console = Console(highlight=False)
    live = None if once or not console.is_terminal else Live(console=console, auto_refresh=False, transient=True)
    said = ""
    try:
        with live or nullcontext():
            while True:
                begun, now = time.monotonic(), time.time()
                runs = look.again()
                board = board_of(runs, now, look.started)
                if once or _over(board):
                    break
                if live:
                    live.update(picture(board, now, *console.size, _note(board)), refresh=True)
                elif (text := "; ".join(filter(None, (line(board, now), _note(board))))) != said:
                    said = text
                    console.print(Text(text), soft_wrap=True)
                _wait(begun, interval)
        if not runs:
            console.print(Text(f"{experiment} has no run yet"))
            return
        console.print(picture(board, now, console.width, max(console.height, 20), _note(board)))
        for text in _trials(look.study(), experiment):
            console.print(Text(text), soft_wrap=True)
        show_failures([(run.folder, run.error) for run in runs if run.error and run.state == "failed"], console)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _trials(study: Mapping[str, Any], experiment: str) -> list[str]:
    """What an ended study tried, best first; the runs above are its winner's."""
    if not study:
        return []
    trials = sorted(study["trials"], key=lambda trial: -inf if trial["value"] is None else trial["value"], reverse=True)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(study["counts"].items()))
    lines = [f"its study: {len(trials)} trials, {counts}; valid/{study['objective']}, best first:"]
    for trial in trials[:TRIALS]:
        value = "" if trial["value"] is None else f"{trial['value']:.4g}"
        said = " ".join(f"{key.removeprefix('trainer.')}={each}" for key, each in trial["params"].items())
        lines.append(f"  {trial['number']:>4}  {trial['state']:<8}  {value:>7}  {said}")
    if len(trials) > TRIALS:
        lines.append(f"  and {len(trials) - TRIALS} more: paralab watch {experiment} --json")
    return ["".join(each if each.isprintable() else " " for each in line) for line in lines]


def _wait(begun: float, interval: float) -> None:
    time.sleep(max(interval, min(SHARE * (time.monotonic() - begun), LONGEST)))
