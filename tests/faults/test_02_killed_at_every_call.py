"""Row 2. SIGKILL while a checkpoint is written: the one before is used.

Stronger: at whatever call that changes a file a run is killed, the same command ends as if it never was.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from paralab.record import files, read
from tests.faults.conftest import Warm
from tests.faults.left import left, only_run, runs_in

WORDS = (
    "train",
    "problem=iris",
    "trainer=supervised/mlp",
    "budget.steps=3",
    "checkpoint_seconds=0",
    "select=true",
    "-q",
)
FAST = 10  # as many of the calls, spread over the run, where not all are tried
SPREAD = [pytest.param(False, id="some"), pytest.param(True, id="all", marks=pytest.mark.slow)]


@pytest.mark.parametrize("every", SPREAD)
@pytest.mark.parametrize("kind", ["kill", "tear"])
def test_killed_at_any_call_a_run_ends_as_an_uninterrupted_one(
    kind: str, every: bool, warm: Warm, tmp_path: Path
) -> None:
    done = warm(*WORDS, folder=tmp_path / "whole", fault={"kind": "count"})
    assert done.code == 0, done.err
    whole = left(only_run(tmp_path / "whole"))
    calls = done.calls if kind == "kill" else [call for call in done.calls if _tears(call)]
    assert len(calls) > 15
    for at in range(1, len(calls) + 1, 1 if every else len(calls) // FAST):
        place, call = tmp_path / str(at), f"call {at}: {calls[at - 1]}"
        assert warm(*WORDS, folder=place, fault={"kind": kind, "at": at}).code == -9, call
        _says_what_is_there(place, call)
        _ends_as(whole, place, call, warm)


@pytest.mark.parametrize("every", SPREAD)
def test_killed_while_it_moves_the_old_run_aside_force_loses_no_file(every: bool, warm: Warm, tmp_path: Path) -> None:
    first = tmp_path / "first"
    assert warm(*WORDS, folder=first).code == 0
    whole = left(only_run(first))
    done = warm(*WORDS, "force=true", folder=first, fault={"kind": "count"})
    moves = next(at for at, call in enumerate(done.calls, 1) if ".config.yaml" in call)
    assert moves > 15
    for at in range(1, moves + 1, 1 if every else 4):
        place, call = tmp_path / str(at), f"call {at}: {done.calls[at - 1]}"
        assert warm(*WORDS, folder=place).code == 0
        old = _contents(only_run(place))
        assert warm(*WORDS, "force=true", folder=place, fault={"kind": "kill", "at": at}).code == -9, call
        _says_what_is_there(place, call)
        _ends_as(whole, place, call, warm)
        replaced = list(place.glob("experiments/scratch/runs/.replaced/*/iris/supervised/mlp/*/seed-0"))
        homes = [only_run(place), *replaced]
        assert any(_contents(home) == old for home in homes), call


def _tears(call: str) -> bool:
    return call.startswith("fsync") and not call.endswith("/checkpoint")


def _ends_as(whole: dict[str, object], place: Path, call: str, warm: Warm) -> None:
    there = any(place.glob("experiments/*/runs/*/*/*/*/seed-*/scores.json"))
    resumed = warm(*WORDS, folder=place)
    assert (resumed.code, resumed.err) == (0, ""), call
    found = left(only_run(place))
    if there:  # nobody writes there again, so that marks of a process killed while it asked for the lock stay
        found = {name: said for name, said in found.items() if not name.startswith((".", "replaced.txt"))}
    assert found == whole, call
    (run,) = read.runs(place / "experiments")
    assert run.status == "finished", call


def _says_what_is_there(place: Path, call: str) -> None:
    """What a reader sees between the kill and the next start: finished only with all scores, never damage."""
    assert len(runs_in(place)) <= 1
    for run in read.runs(place / "experiments"):
        assert run.status in ("finished", "interrupted"), (call, run.error)
        assert (run.status == "finished") == (run.folder / "scores.json").exists(), call


def _contents(folder: Path) -> dict[str, str]:
    """Every file of a run, byte by byte; the log and the lock are those of whoever runs there now."""
    return files.digests(folder, leave_out=("run.log", "lock.json", "replaced.txt"))  # and dot files
