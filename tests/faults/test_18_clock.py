"""Row 18. Two starts in the same second, the clock set back: distinct folders, durations never negative."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paralab.record import history
from tests.faults.conftest import Warm
from tests.faults.left import only_run, outcome, record_of, runs_in

WORDS = (
    "train",
    "problem=iris",
    "trainer=supervised/mlp",
    "budget.steps=3",
    "checkpoint_seconds=0",
    "select=true",
    "-q",
)


@pytest.mark.parametrize("step", [0.0, -3600.0], ids=["stands", "goes back"])
def test_runs_on_a_clock_that(step: float, warm: Warm, tmp_path: Path) -> None:
    place, clock = tmp_path / "cut", {"kind": "clock", "step": step}
    assert warm(*WORDS, folder=tmp_path / "whole").code == 0
    done = warm(*WORDS, folder=place, fault=clock)
    assert (done.code, done.err) == (0, "")
    folder = only_run(place)
    assert outcome(folder) == outcome(only_run(tmp_path / "whole"))
    assert record_of(folder)["wall_seconds"] > 0
    assert json.loads((folder / "scores.json").read_text())["cost/seconds"] > 0
    seconds = [row["seconds"] for row in history.read(folder / "history.jsonl")]
    assert seconds == sorted(seconds)


def test_what_is_replaced_in_the_same_moment_lies_apart(
    warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paralab.record import folder as module

    monkeypatch.setattr(module.time, "time_ns", lambda: 1)
    place = tmp_path / "runs" / "iris" / "seed-0"
    for said in ("one", "two", "three"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "scores.json").write_text(said)
        module.set_aside(place)
    kept = sorted((tmp_path / "runs" / ".replaced").glob("*/iris/seed-0/scores.json"))
    assert [path.read_text() for path in kept] == ["one", "two", "three"]
    assert not list(place.iterdir())


def test_other_settings_in_the_same_second_lie_apart(warm: Warm, tmp_path: Path) -> None:
    place, clock = tmp_path / "place", {"kind": "clock", "step": 0.0}
    for more in ("seed=1", "seed=2", "labels=20", "repeat=1"):
        assert warm(*WORDS, more, folder=place, fault=clock).code == 0
    assert len(runs_in(place)) == 4
