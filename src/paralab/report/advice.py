"""What a report says of its runs as a whole: which it leaves out, and what to do next."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from paralab.compare.gather import Block, left_out, of_tuning
from paralab.record.read import Run, Status

ADVISED = 10  # seeds of a reported table
UNFINISHED: tuple[Status, ...] = ("running", "interrupted", "failed")


def missing(runs: Sequence[Run]) -> list[str]:
    """One line a run that no mean contains, with the reason."""
    lines = []
    for run in left_out(runs):
        status = "finished without a score" if run.status == "finished" else run.status
        labels = "all" if run.labels is None else run.labels
        granted = "" if run.status == "damaged" else f" labels={labels}"  # a damaged record tells of none
        where = f"{run.problem} {run.trainer}{granted} seed={run.seed}"
        lines.append(f"{status}: {where}" + (f" ({run.error})" if run.error else ""))
    return lines


def counts(runs: Sequence[Run]) -> str:
    """ "150 finished, 2 failed, 60 of tuning": every run there is."""
    tally = Counter(run.status for run in runs if not of_tuning(run))
    order: tuple[Status, ...] = ("finished", "running", "interrupted", "failed", "diverged", "pruned", "damaged")
    said = [f"{tally[status]} {status}" for status in order if tally[status]]
    tuned = sum(map(of_tuning, runs))
    return ", ".join([*said, *[f"{tuned} of tuning"] * (tuned > 0)])


def advice(experiment: str, runs: Sequence[Run], made: Sequence[Block]) -> list[tuple[str, str]]:
    """Two or three (command, reason) to go on with."""
    again = _started_by(experiment, runs)
    tunes = any(of_tuning(run) and ["paralab", *run.command[1:]] == again for run in runs)
    runs = [run for run in runs if not of_tuning(run)]
    seeds = min(cell.score.n for block in made for cell in block.cells)
    steps = []
    asked = max(_asked(again), len({run.seed for run in runs}))
    if any(run.status in UNFINISHED for run in runs) or len({run.seed for run in runs}) < asked:
        steps.append((again, "goes on with what is unfinished"))
    if seeds < ADVISED and tunes:
        reason = f"{ADVISED} seeds of the winner instead of {seeds}; no trial runs again"
        steps.append((_with(again, "hydra.sweeper.report_seeds", str(ADVISED)), reason))
    elif seeds < ADVISED and asked < ADVISED and any(word.startswith(("experiment=", "seed=")) for word in again):
        steps.append(
            (
                _with(again, "seed", f"range({ADVISED})"),
                f"{ADVISED} seeds instead of {seeds}: narrower intervals; only the new ones run",
            )
        )
    root = runs[0].folder.parents[6]
    elsewhere = [] if root == Path("experiments") else ["--root", str(root)]
    steps.append((["paralab", "runs", experiment, *elsewhere], "every run by itself"))
    steps.append((["paralab", "list", "trainers"], "what else could be compared"))
    return [(shlex.join(words), reason) for words, reason in steps[:3]]


def rerun(experiment: str, runs: Sequence[Run]) -> str:
    """The command that most runs were started by."""
    return shlex.join(_started_by(experiment, runs))


def _with(words: Sequence[str], key: str, value: str) -> list[str]:
    """The command with this value of the key, and no other."""
    return [*(word for word in words if word.lstrip("+").partition("=")[0] != key), f"{key}={value}"]


def _asked(words: Sequence[str]) -> int:
    """How many seeds a command names, "seed=range(2,8)" or "seed=0,1,2"; 0 where it names none."""
    said = next((word.removeprefix("seed=") for word in reversed(words) if word.startswith("seed=")), "")
    if spelt := re.fullmatch(r"range\(([-\d, ]+)\)", said):
        try:
            return len(range(*map(int, spelt[1].split(","))))
        except (TypeError, ValueError):
            return 0
    return len(said.split(",")) if said else 0


def _started_by(experiment: str, runs: Sequence[Run]) -> list[str]:
    """As recorded, where it was the command line; a run from Python, or none, gives the command of the same effect."""
    commands = Counter(run.command[1:] for run in runs if run.command[1:2] == ("train",))
    if commands:
        most = max(commands.values())
        return ["paralab", *min(words for words, count in commands.items() if count == most)]
    if runs:
        choice = runs[0].problem.partition("-")[0]  # what follows is a door's subject
        return ["paralab", "train", f"name={experiment}", f"problem={choice}", f"trainer={runs[0].trainer}"]
    return ["paralab", "train", f"experiment={experiment}"]
