"""Row 5. Read-only output: refused before training starts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Warm
from tests.faults.left import left, only_run

WORDS = ("train", "problem=iris", "trainer=supervised/mlp", "budget.steps=3", "checkpoint_seconds=0", "-q")
ORDINARY = {"kind": "nobody"}  # the superuser may write anywhere


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an ordinary user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        place = Path(base) / "place"
        place.mkdir()
        yield place
        for path in [place, *place.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)


@pytest.mark.parametrize("more", [[], ["seed=0,1", "-m"]], ids=["run", "grid"])
def test_where_nothing_may_be_made(more: list[str], warm: Warm, place: Path) -> None:
    place.chmod(0o555)
    done = warm(*WORDS, *more, folder=place, fault=ORDINARY)
    assert done.code == 2
    assert "cannot be written" in done.line()
    assert "root=DIR" in done.line()
    assert not list(place.iterdir())


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_that_may_only_be_read(finished: bool, warm: Warm, place: Path) -> None:
    """One that is finished is shown; one that is not is refused, untouched."""
    cut = None if finished else {"kind": "snapshot", "at": 2, "delay": 0}
    assert warm(*WORDS, folder=place, fault=cut).code == (0 if finished else -9)
    whole, folder = left(place), only_run(place)
    for each in [folder, *folder.parents]:
        if each.is_relative_to(place):
            each.chmod(0o555)
    done = warm(*WORDS, folder=place, fault=ORDINARY)
    if finished:
        assert (done.code, done.err) == (0, "")
        assert "test/accuracy" in done.out
    else:
        assert done.code == 2
        assert "cannot be written (Permission denied)" in done.line()
    assert left(place) == whole
