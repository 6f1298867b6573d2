"""Row 4. Disk full: the last good is kept, one clear line, exit code not 0; a later start finishes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paralab.record import read
from tests.faults.conftest import Done, Warm
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
SPREAD = [pytest.param(False, id="some"), pytest.param(True, id="all", marks=pytest.mark.slow)]


@pytest.mark.parametrize("every", SPREAD)
@pytest.mark.parametrize("once", [False, True], ids=["full", "full for a moment"])
def test_full_at_any_call_that_needs_room(once: bool, every: bool, warm: Warm, tmp_path: Path) -> None:
    whole, calls = _whole(warm, tmp_path)
    asks = [call for call in calls if call.startswith(("open", "os.mkdir", "os.link", "fsync", "sendfile"))]
    assert len(asks) > 60
    for at in range(1, len(asks) + 1, 1 if every else len(asks) // 8):
        place, call = tmp_path / str(at), f"call {at}: {asks[at - 1]}"
        full = warm(*WORDS, folder=place, fault={"kind": "full", "at": at, "once": once})
        if not (once and full.code == 0):  # a heartbeat's or a log's line that was lost ends nothing
            _is_told(full, call)
        _goes_on(whole, place, warm, call)


@pytest.mark.parametrize("every", SPREAD)
@pytest.mark.parametrize("kill", [False, True], ids=["EFBIG", "killed in a write"])
def test_no_file_may_grow_beyond_a_size(kill: bool, every: bool, warm: Warm, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the kernel cuts a write in its middle, and then fails or kills."""
    whole, _ = _whole(warm, tmp_path)
    sizes = sorted({path.stat().st_size for path in (tmp_path / "whole").rglob("*") if path.is_file()})
    sizes = sorted({0, *(size // 2 for size in sizes), *(size - 1 for size in sizes)})
    for size in sizes if every else sizes[:: len(sizes) // 4]:
        place = tmp_path / str(size)
        full = warm(*WORDS, folder=place, fault={"kind": "limit", "at": size, "kill": kill})
        if kill:
            assert full.code == -25, (size, full.err)
        else:
            _is_told(full, f"{size} bytes")
        _goes_on(whole, place, warm, f"{size} bytes")


def _whole(warm: Warm, tmp_path: Path) -> tuple[dict[str, object], list[str]]:
    done = warm(*WORDS, folder=tmp_path / "whole", fault={"kind": "count"})
    assert done.code == 0
    return left(only_run(tmp_path / "whole")), done.calls


def _is_told(full: Done, call: str) -> None:
    assert full.code in (1, 2), (call, full)
    assert any(each in full.line() for each in ("No space left on device", "File too large")), call


def _goes_on(whole: dict[str, object], place: Path, warm: Warm, call: str) -> None:
    for run in read.runs(place / "experiments"):
        assert run.status in ("finished", "interrupted", "failed"), (call, run.error)
    assert len(runs_in(place)) <= 1, call
    resumed = warm(*WORDS, folder=place)
    assert (resumed.code, resumed.err) == (0, ""), call
    assert left(only_run(place)) == whole, call


SCRIPT = """
mkdir experiments && mount -t tmpfs -o size=$1k none experiments || exit 77
shift
"$@" 2>full.err
echo $? >full.code
mount -o remount,size=16m experiments && "$@" && cp -r experiments kept
"""


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [0, 32, 64, 112])  # the whole run takes 130
def test_a_file_system_that_is_really_full(kilobytes: int, warm: Warm, tmp_path: Path) -> None:
    """A tmpfs in a mount namespace of its own, which goes with its last process."""
    words = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        SCRIPT,
        "sh",
        str(max(kilobytes, 4)),
        sys.executable,
        "-m",
        "paralab",
        *WORDS,
    ]
    place = tmp_path / "small"
    place.mkdir()
    if not shutil.which("unshare"):
        pytest.skip("needs unshare(1)")
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"this system mounts nothing for its users: {done.stderr}")
    assert done.returncode == 0, done.stderr
    full = Done(int((place / "full.code").read_text()), "", (place / "full.err").read_text(), [])
    _is_told(full, f"{kilobytes} kB")
    (place / "kept").rename(place / "experiments.kept")
    (place / "experiments").rmdir()
    (place / "experiments.kept").rename(place / "experiments")
    assert warm(*WORDS, folder=tmp_path / "whole").code == 0
    assert left(only_run(place)) == left(only_run(tmp_path / "whole"))
