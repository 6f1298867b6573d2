"""Files that survive: checkpoints, history, locks, digests."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paralab.errors import Failed, Refused
from paralab.package.model import load_model
from paralab.record import checkpoint, files, history
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.run import run

STATE = {"params/0": np.arange(5.0), "rng": np.frombuffer(b"state", np.uint8)}


def save(folder: Path, step: int, config_id: str = "abc") -> None:
    def best(aside: Path) -> None:
        (aside / "last").mkdir()
        (aside / "last" / "weights").write_bytes(b"w" * step)

    checkpoint.save(folder, config_id, step, STATE, {"step": step}, best)


def test_a_checkpoint_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        save(tmp_path / "c", step)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["step-000000000002", "step-000000000010"]
    found = checkpoint.load(tmp_path / "c", "abc")
    assert found is not None
    assert found.step == 10
    assert files.same_arrays(found.state, STATE)
    assert checkpoint.load(tmp_path / "none", "abc") is None


@pytest.mark.parametrize("name", ["state.npz", "judge.json", "manifest.json", "last/weights"])
@pytest.mark.parametrize("harm", ["truncate", "flip", "remove"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path, name: str, harm: str) -> None:
    for step in (1, 2):
        save(tmp_path / "c", step)
    path = tmp_path / "c" / "step-000000000002" / name
    data = bytearray(path.read_bytes())
    if harm == "remove":
        path.unlink()
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data if harm == "flip" else data[: len(data) // 2])
    if (harm, name) == ("flip", "manifest.json"):  # may still read as JSON, of another step or version
        try:
            with pytest.warns(UserWarning, match="damaged"):
                found = checkpoint.load(tmp_path / "c", "abc")
        except Refused:
            return
    else:
        with pytest.warns(UserWarning, match="damaged"):
            found = checkpoint.load(tmp_path / "c", "abc")
    assert found is not None
    assert found.step == 1


@pytest.mark.parametrize("change", [{"config_id": "xyz"}, {"format": 99}, {"versions": {"numpy": "0.1"}}])
def test_a_checkpoint_of_something_else_is_refused_and_both_are_named(
    tmp_path: Path, change: dict[str, object]
) -> None:
    save(tmp_path / "c", 1)
    path = tmp_path / "c" / "step-000000000001" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Refused, match="force=true") as refused:
        checkpoint.load(tmp_path / "c", "abc")
    assert str(next(iter(change.values()))) in str(refused.value)


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "c", 1)
    for broken in ("fsync", "rename"):
        with monkeypatch.context() as patch:

            def fail(*args: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(os if broken == "fsync" else Path, broken, fail)
            with pytest.raises(OSError, match="No space left"):
                save(tmp_path / "c", 2)
        found = checkpoint.load(tmp_path / "c", "abc")
        assert found is not None
        assert found.step == 1


def test_a_torn_line_of_history_is_as_if_never_written(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with history.resume(path, 0) as lines:
        for step in (1, 2, 3):
            history.append(lines, {"step": step, "train/loss": 1 / step})
    whole = path.read_text()
    for cut in range(len(whole)):
        path.write_text(whole[:cut])
        assert [row["step"] for row in history.read(path)] == list(range(1, whole[:cut].count("\n") + 1))
    path.write_text(whole[:-4])
    with history.resume(path, 1) as lines:
        history.append(lines, {"step": 2, "train/loss": 0.5})
    assert [row["step"] for row in history.read(path)] == [1, 2]


def test_a_changed_model_is_not_loaded(plan: Callable[..., Plan]) -> None:
    model = run(plan("iris", "supervised/logistic")).folder / "model"
    for name in ("estimator.skops", "signature.json"):
        data = bytearray((model / name).read_bytes())
        data[len(data) // 2] ^= 1
        (model / name).write_bytes(data)
        with pytest.raises(Failed, match="does not match its digest"):
            load_model(model)
        data[len(data) // 2] ^= 1
        (model / name).write_bytes(data)
    (model / "extra.py").write_text("")
    with pytest.raises(Failed, match="does not match its digest"):
        load_model(model)


def _hold(folder: Path, ready: object, leave: object) -> None:
    with locked(folder):
        ready.set()
        leave.wait()


def test_a_held_folder_is_refused_and_names_its_holder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    try:
        assert ready.wait(30)
        with pytest.raises(Refused, match=f"process {holder.pid} on "), locked(tmp_path):
            pass
    finally:
        leave.set()
        holder.join()
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, leave))
    holder.start()
    assert ready.wait(30)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert (tmp_path / "lock.json").exists()
    with locked(tmp_path):
        pass
    holder.join()


def test_a_lock_from_another_host_is_believed_until_its_heart_stops(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere", "born": "1"}))
    with pytest.raises(Refused, match="1 on elsewhere"), locked(tmp_path):
        pass
    os.utime(lock, (time.time() - 3600,) * 2)
    with locked(tmp_path):
        pass


def command(problem: str, trainer: str, steps: int, *words: str) -> list[str]:
    fixed = [f"problem={problem}", f"trainer={trainer}", f"budget.steps={steps}", "checkpoint_seconds=0", "--quiet"]
    return [sys.executable, "-m", "paralab", "train", *fixed, *words]


LONG = ("digits", "supervised/mlp", 200)
RUNS = "*/runs/*/*/*/*/seed-*"  # not **: a checkpoint's folder may be renamed while it is searched


def _started(words: list[str], snapshots: int = 4) -> tuple[subprocess.Popen[str], Path]:
    """A training process with so many snapshots behind it, and its folder."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        found = list(Path("experiments").glob(f"{RUNS}/history.jsonl"))
        if found and len(history.read(found[0])) >= snapshots:
            return process, found[0].parent
        time.sleep(0.01)
    process.kill()
    raise AssertionError(process.communicate())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_checkpoints_and_stops(number: signal.Signals, code: int) -> None:
    process, folder = _started(command(*LONG))
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "goes on from there" in said
    assert "Traceback" not in said
    assert json.loads((folder / "record.json").read_text())["status"] == "interrupted"
    assert list((folder / "checkpoint").glob("step-*"))
    assert not (folder / "lock.json").exists()


@pytest.mark.parametrize(
    "job",
    [
        LONG,
        pytest.param(("digits", "supervised/hist_gradient_boosting", 300), marks=pytest.mark.slow),
        pytest.param(("cartpole", "reinforcement/ppo", 4096), marks=pytest.mark.slow),
        pytest.param(("cartpole", "reinforcement/dqn", 4096), marks=pytest.mark.slow),
    ],
    ids=lambda job: job[1],
)
def test_a_killed_run_ends_as_an_uninterrupted_one(job: tuple[str, str, int]) -> None:
    process, folder = _started(command(*job), snapshots=np.random.default_rng().integers(2, 7))
    process.kill()
    process.communicate()
    assert (folder / "lock.json").exists()
    subprocess.run(command(*job), check=True, capture_output=True)
    assert "resumed from step" in (folder / "run.log").read_text()
    subprocess.run(command(*job, "root=whole"), check=True, capture_output=True)
    killed, whole = (files.digests(place) for place in (folder, Path("whole", *folder.parts[1:])))
    names = [name for name in whole if name.endswith((".npz", ".safetensors")) and "checkpoint" not in name]
    assert {"predictions.npz", "scenario.npz"} < set(names) or job[1].endswith("boosting")  # whose model is skops
    for name in names:
        assert killed[name] == whole[name], name


def test_a_signal_stops_a_grid_between_runs_too() -> None:
    """Runs of one step end before they can be stopped."""
    words = command("iris", "supervised/logistic", 1, "seed=range(500)", "-m")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while len(list(Path("experiments").glob(f"{RUNS}/scores.json"))) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "goes on from there" in said
    assert 3 <= len(list(Path("experiments").glob(f"{RUNS}/scores.json"))) < 500
    assert not list(Path("experiments").glob(f"{RUNS}/lock.json"))
