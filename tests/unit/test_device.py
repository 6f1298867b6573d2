"""The device: resolved before a run is named, refused in one line where it is not there, told in the record."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch

from paralab import device
from paralab.errors import Refused
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import run
from tests.conftest import Cli

Make = Callable[..., Plan]
bare = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if a CUDA driver were installed."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    device._lacking.cache_clear()
    yield
    device._lacking.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, driver: None) -> Iterator[list[str]]:
    """As if torch saw a GPU; what is asked of it."""
    asked: list[str] = []
    properties = SimpleNamespace(name="Testla", total_memory=2**30, major=9, minor=0)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda which: properties)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 9)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: asked.append(os.environ[device.WORKSPACE[0]]))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: asked.append("wait"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**20)
    monkeypatch.delenv(device.WORKSPACE[0], raising=False)
    yield asked
    device.prepare("cpu")
    os.environ.pop(device.WORKSPACE[0], None)


@bare
def test_auto_is_cpu_where_there_is_no_gpu_and_has_its_name(plan: Make) -> None:
    auto, cpu = (plan("iris", "supervised/logistic", f"device={name}") for name in ("auto", "cpu"))
    assert auto.config["device"] == "cpu"
    assert auto.config_id == cpu.config_id
    assert files.read_json(run(auto).folder / "record.json")["device"] == {"name": "cpu"}
    assert run(cpu).was_there


@bare
def test_cuda_is_refused_in_one_line(cli: Cli) -> None:
    code, out, err = cli("train", "problem=iris", "trainer=supervised/logistic", "device=cuda")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "device=cuda: " in err
    assert "device=cpu" in err


def test_what_is_lacking_is_named(monkeypatch: pytest.MonkeyPatch, driver: None) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(Refused, match="built without CUDA"):
        device.resolve("cuda")
    device._lacking.cache_clear()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Refused, match="shows torch no GPU"):
        device.resolve("cuda")
    assert device.resolve("auto") == "cpu"


@bare
def test_neither_cpu_nor_auto_imports_torch_here() -> None:
    code = (
        "import sys, json; from paralab import device\n"
        "said = [device.resolve('cpu'), device.resolve('auto')]; device.prepare('cpu'); device.settle('cpu')\n"
        "print(json.dumps([*said, device.facts('cpu'), device.peak_mb('cpu'), 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["cpu", "cpu", {"name": "cpu"}, None, False]


def test_a_run_on_cuda_is_repeatable_and_the_record_says_how(plan: Make, gpu: list[str]) -> None:
    decided = plan("iris", "supervised/logistic", "device=auto")
    assert decided.config["device"] == "cuda"
    assert decided.config_id != plan("iris", "supervised/logistic", "device=cpu").config_id
    result = run(decided)
    assert gpu[0] == ":4096:8"  # set before the first word to CUDA
    assert "wait" in gpu  # the clock is read when the work is done
    assert result.scores["cost/peak_gpu_mb"] == 3
    said = files.read_json(result.folder / "record.json")["device"]
    assert (said["gpu"], said["memory_mb"], said["cuda"]) == ("Testla", 1024, "13.0")
    assert said["deterministic"]["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert said["deterministic"]["use_deterministic_algorithms"] == "warn_only"
    assert torch.are_deterministic_algorithms_enabled()
    run(plan("iris", "supervised/logistic", "device=cpu"))
    assert not torch.are_deterministic_algorithms_enabled()


def test_on_cuda_a_longer_run_goes_on_only_when_asked(plan: Make, gpu: list[str]) -> None:
    words = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5", "device=cuda")
    run(plan(*words, "budget.steps=10"))
    said: list[str] = []
    assert run(plan(*words, "budget.steps=20"), say=said.append).parent is None
    assert "device=cuda need not repeat bit for bit" in said[0]
