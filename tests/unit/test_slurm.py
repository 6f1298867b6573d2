"""Slurm's executor where no cluster is needed: chunks, times, refusals, and what sbatch is asked."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep.executors.slurm import Slurm, minutes
from paralab.sweep.executors.slurm_pool import Chunks
from paralab.sweep.job import Brief
from paralab.sweep.pool import Work

Make = Callable[..., Plan]
FIELDS: dict[str, Any] = {
    "cluster": "local", "partition": None, "account": None, "qos": None, "time": 60, "memory": None,
    "cpus_per_task": 1, "gpus_per_task": 0, "tasks": 2, "jobs_per_task": 2, "setup": (), "extra": {},
}  # fmt: skip


@given(
    size=st.integers(1, 5),
    slots=st.integers(1, 4),
    turns=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 4)), max_size=40),
)
def test_chunks_go_once_whole_in_order_and_never_beyond_the_slots(
    size: int, slots: int, turns: list[tuple[int, int]]
) -> None:
    chunks, sent, busy, added = Chunks[int](size, slots), [], 0, 0
    for new, ended in [*turns, *[(0, slots)] * (sum(new for new, _ in turns) + 1)]:
        for _ in range(new):
            chunks.add(added)
            added += 1
        busy -= min(ended, busy)
        went = chunks.ready(busy)
        busy += len(went)
        assert busy <= slots
        assert all(1 <= len(chunk) <= size for chunk in went)
        if new:  # more may come
            assert all(len(chunk) == size for chunk in went)
            assert len(chunks.waiting) < size or busy == slots
        else:
            assert not chunks.waiting or busy == slots
        sent += [one for chunk in went for one in chunk]
    assert sent == list(range(added))


@given(days=st.integers(0, 9), hours=st.integers(0, 30), mins=st.integers(0, 59), seconds=st.integers(0, 59))
def test_times_are_read_as_slurm_reads_them(days: int, hours: int, mins: int, seconds: int) -> None:
    whole = ((days * 24 + hours) * 60 + mins) * 60 + seconds
    if whole:
        assert minutes(f"{days}-{hours}:{mins:02}:{seconds:02}") == -(-whole // 60)
        assert minutes(f"{days * 24 + hours}:{mins:02}:{seconds:02}") == -(-whole // 60)
    if mins or seconds:
        assert minutes(f"{mins}:{seconds}") == mins + (seconds > 0)
    if mins:
        assert minutes(mins) == minutes(str(mins)) == mins
    if days:
        assert minutes(f"{days}-0") == days * 1440


@pytest.mark.parametrize("text", ["0", "soon", "-5", "1:2:3:4", "1-", "2h", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"executor\.time="):
        minutes(text)


def work(plan: Make, asked: Callable[[], int] = lambda: 0) -> Work:
    plans = [plan("digits", "supervised/logistic", "labels=20", f"seed={seed}") for seed in range(5)]
    return Work(plans, Brief((), None, None), Path("home"), asked)


def test_what_is_missing_is_said_in_a_line(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    job = work(plan)

    def refusal(**fields: Any) -> str:
        with pytest.raises(Refused) as caught, Slurm(**FIELDS | fields).open(job):
            raise AssertionError("opened")
        return str(caught.value)

    monkeypatch.setenv("PATH", "")
    assert "no sbatch on this machine" in refusal(cluster=None)
    assert "executor.cluster=local" in refusal(cluster="slurm")
    assert "executor.tasks=0: at least 1" in refusal(tasks=0)
    Path("home/slurm").rmdir()
    Path("home/slurm").symlink_to("/tmp")
    assert "another user's" in refusal()
    Path("home/slurm").unlink()
    monkeypatch.setitem(sys.modules, "submitit", None)
    assert refusal() == "executor=slurm needs submitit: pip install paralab[slurm]"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Commands of these names first on the PATH."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_sbatch_is_asked_for_all_of_it_and_what_waits_in_the_queue_is_cancelled(
    plan: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(
        tmp_path / "bin",
        monkeypatch,
        sbatch=f'echo x >>{tmp_path}/sent; echo "Submitted batch job $(wc -l <{tmp_path}/sent)"',
        squeue="echo 1; echo 2",
        scancel=f'echo "$@" >>{tmp_path}/cancelled',
        srun="exit 1",
    )
    stop: list[int] = []
    job = work(plan, lambda: stop[0] if stop else 0)
    fields = {"partition": "long", "account": "us", "qos": "low", "time": "2:00:00", "memory": 1.5, "cpus_per_task": 3}
    more = {"gpus_per_task": 1, "setup": ("module load cuda",), "extra": {"constraint": "a100", "nice": 5}}
    with Slurm(**FIELDS | fields | more | {"cluster": None}).open(job) as pool:
        assert pool.workers == 4
        futures = [pool.submit(each, key) for key, each in enumerate(job.plans)]
        until = time.monotonic() + 20
        while not (tmp_path / "sent").exists() or len((tmp_path / "sent").read_text().split()) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        stop.append(15)
        assert not wait(futures, 20).not_done
    assert {future.result().end for future in futures} == {"not started"}  # all were in the queue
    assert sorted((tmp_path / "cancelled").read_text().split()) == ["1", "2"]
    text = Path("home/slurm/1_submission.sh").read_text()
    for option in ("partition=long", "account=us", "qos=low", "time=120", "mem=1536MB", "cpus-per-task=3", "nice=5",
                   "gpus-per-node=1", "constraint=a100", "requeue", "signal=USR2@90"):  # fmt: skip
        assert f"#SBATCH --{option}\n" in text
    before = text[: text.index("submitit.core._submit")]
    assert "\nmodule load cuda\nexport OMP_NUM_THREADS=1\n" in before
    for folder in (Path("home/slurm"), *Path("home/slurm").glob("task-*")):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_sbatch_refuses_is_refused_in_its_own_words(
    plan: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(tmp_path / "bin", monkeypatch, sbatch="echo 'sbatch: error: invalid partition' >&2; exit 1", srun="exit 1")
    job = work(plan)
    with Slurm(**FIELDS | {"cluster": None}).open(job) as pool:
        ended = pool.submit(job.plans[0], 0).result(20)
    assert ended.end == "refused"
    assert "sbatch: error: invalid partition" in ended.message
