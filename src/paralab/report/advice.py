"""What a report says of its runs as a whole: which it leaves out, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from paralab.record.read import Run, Status
from paralab.report.gather import Block, left_out

ADVISED = 10  # seeds of a reported table


def missing(runs: Sequence[Run]) -> list[str]:
    """One line a run that no mean contains, with the reason."""
    lines = []
    for run in left_out(runs):
        status = "finished without a score" if run.status == "finished" else run.status
        labels = "all" if run.labels is None else run.labels
        where = f"{run.problem} {run.trainer} labels={labels} seed={run.seed}"
        lines.append(f"{status}: {where}" + (f" ({run.error})" if run.error else ""))
    return lines


def counts(runs: Sequence[Run]) -> str:
    """ "150 finished, 2 failed": every run there is."""
    tally = Counter(run.status for run in runs)
    order: tuple[Status, ...] = ("finished", "running", "interrupted", "failed", "diverged", "damaged")
    return ", ".join(f"{tally[status]} {status}" for status in order if tally[status])


def advice(experiment: str, runs: Sequence[Run], made: Sequence[Block]) -> list[tuple[str, str]]:
    """Two or three (command, reason) to go on with."""
    again = rerun(experiment, runs)
    seeds = min(cell.score.n for block in made for cell in block.cells)
    steps = []
    if any(run.status in ("failed", "interrupted") for run in runs):
        steps.append((again, "goes on with what is unfinished"))
    if seeds < ADVISED and f"experiment={experiment}" in again:
        more = f"paralab train experiment={shlex.quote(experiment)} 'seed=range({ADVISED})'"
        steps.append((more, f"{ADVISED} seeds instead of {seeds}: narrower intervals, only the new ones run"))
    steps.append((f"paralab runs {shlex.quote(experiment)}", "every run by itself"))
    steps.append(("paralab list trainers", "what else could be compared"))
    return steps[:3]


def rerun(experiment: str, runs: Sequence[Run]) -> str:
    """The command that the runs were started by, where one was recorded."""
    commands = Counter(run.command for run in runs if run.command)
    if not commands:
        return f"paralab train experiment={shlex.quote(experiment)}"
    most = max(commands.values())
    return shlex.join(min(words for words, count in commands.items() if count == most))
