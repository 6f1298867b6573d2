"""Row 20. Torn last line of history: read to the last whole record, truncated on resume."""

from __future__ import annotations

from pathlib import Path

from paralab.record import history
from tests.faults.conftest import Warm
from tests.faults.left import only_run, outcome

WORDS = (
    "train",
    "problem=iris",
    "trainer=supervised/mlp",
    "budget.steps=6",
    "checkpoint_seconds=0",
    "select=true",
    "-q",
)


def test_a_history_cut_anywhere_in_its_last_line(warm: Warm, tmp_path: Path) -> None:
    assert warm(*WORDS, folder=tmp_path / "whole").code == 0
    whole = outcome(only_run(tmp_path / "whole"))
    for cut in (1, 2, 9, 30, -1):
        place = tmp_path / str(cut)
        assert warm(*WORDS, folder=place, fault={"kind": "snapshot", "at": 4, "delay": 0.02}).code == -9
        path = only_run(place) / "history.jsonl"
        data = path.read_bytes()
        *kept, last = data.splitlines(keepends=True)
        path.write_bytes(b"".join(kept) + (last[:-cut] if cut > 0 else last[:4] + b"\xff\xfe"))
        assert len(history.read(path)) == len(kept)
        done = warm(*WORDS, folder=place)
        assert (done.code, done.err) == (0, ""), cut
        assert outcome(only_run(place)) == whole, cut


def test_what_stands_before_a_torn_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with history.resume(path, 0) as lines:
        for step in (1, 2, 3):
            history.append(lines, {"step": step, "train/loss": 1 / step})
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert [row["step"] for row in history.read(path)] == list(range(1, whole[:cut].count(b"\n") + 1))
    path.write_bytes(whole[:-4])
    with history.resume(path, 1) as lines:
        history.append(lines, {"step": 2, "train/loss": 0.5})
    assert [row["step"] for row in history.read(path)] == [1, 2]
