"""Files that survive: checkpoints, history, locks, digests."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paralab.errors import Failed, Refused
from paralab.package.model import load_model
from paralab.record import checkpoint, files
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


def test_a_lock_from_another_host_is_believed_until_its_heart_stops(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere", "born": "1"}))
    with pytest.raises(Refused, match="1 on elsewhere"), locked(tmp_path):
        pass
    os.utime(lock, (time.time() - 3600,) * 2)
    with locked(tmp_path):
        pass
