"""Row 19. Data changed under a resume: refused by digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paralab.errors import Failed, Interrupted, Refused
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import run
from tests.faults.conftest import Warm
from tests.faults.left import left, runs_in
from tests.known import write_files

TABLE = ("train", "problem=table", "problem.path=rows.csv", "problem.target=kind")
WORDS = (*TABLE, "trainer=supervised/mlp", "budget.steps=4", "checkpoint_seconds=0", "-q")
Make = Callable[..., Plan]


def _edit(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace("red", "blue", 1))


def test_a_frozen_run_whose_file_was_edited_is_refused(plan: Make) -> None:
    """As in a sweep whose configs were frozen before its first run."""
    decided = plan("table", "supervised/mlp", "budget.steps=6")
    with pytest.raises(Interrupted):
        run(decided, tell=lambda step, steps, scores: 15 if step == 2 else 0)
    before = files.digests(decided.folder / "checkpoint")
    _edit(Path("rows.csv"))
    with pytest.raises(Refused, match="changed since the run was planned"):
        run(decided)
    with pytest.raises(Failed, match=r"the data changed since.*force=true"):  # as of data that lie in no file
        run(replace(decided, files={}))
    assert files.digests(decided.folder / "checkpoint") == before


def test_a_frozen_run_that_has_not_begun_is_refused_too(plan: Make) -> None:
    """Its folder's name holds the digest of the file as it was: other data must not be filed there."""
    decided = plan("table", "supervised/mlp", "budget.steps=6")
    _edit(Path("rows.csv"))
    with pytest.raises(Refused, match=r"problem\.path: the file has changed since the run was planned"):
        run(decided)
    assert not decided.folder.exists()


def test_a_command_after_an_edit_is_another_run(warm: Warm, tmp_path: Path) -> None:
    write_files(tmp_path)
    assert warm(*WORDS, fault={"kind": "snapshot", "at": 3, "delay": 0}).code == -9
    (cut,) = runs_in(tmp_path)
    before = left(cut)
    _edit(tmp_path / "rows.csv")
    done = warm(*WORDS)
    assert (done.code, done.err) == (0, "")
    assert len(runs_in(tmp_path)) == 2
    assert left(cut) == before
