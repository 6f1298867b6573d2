"""What a run computes on: the choice, CUDA's determinism, its clock, its memory. torch is imported for cuda alone."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any, Literal

from paralab.errors import Refused

Device = Literal["cpu", "cuda"]
DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"  # comes with a GPU's driver, not with torch
WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS may choose another algorithm each time


def resolve(name: str) -> Device:
    """cpu, cuda or auto as what it comes to here; raises Refused for cuda where there is none."""
    if name == "cpu":
        return "cpu"
    lacking = _lacking()
    if not lacking:
        return "cuda"
    if name == "auto":
        return "cpu"
    raise Refused(f"device={name}: {lacking}; use device=cpu, or device=auto to take what is there")


@cache
def _lacking() -> str:
    """What keeps torch from a GPU here; "" where nothing does. Looking for the driver first spares torch's import."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return f"this machine has no CUDA driver ({DRIVER})"
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # asks without starting CUDA
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA (pip install torch takes the build that has it)"
    return "" if torch.cuda.is_available() else "the CUDA driver shows torch no GPU"


def gpus() -> int:
    """How many GPUs torch sees; asked of the driver, without starting CUDA."""
    if _lacking():
        return 0
    import torch

    return torch.cuda.device_count()


class Taken:
    """The GPU of this process's runs, by its index; None: the first."""

    gpu: int | None = None


TAKEN = Taken()


def take(gpu: int | None) -> None:
    """Which GPU the runs that follow are on."""
    TAKEN.gpu = gpu


def prepare(device: Device) -> None:
    """Before anything computes: repeatable algorithms on cuda; on cpu as if a run on cuda had never been here."""
    if device == "cuda":
        os.environ.setdefault(*WORKSPACE)
        import torch

        if TAKEN.gpu is not None:
            torch.cuda.set_device(TAKEN.gpu)
        torch.use_deterministic_algorithms(True, warn_only=True)  # where an operation has one; else it is logged
        torch.backends.cudnn.benchmark = False
        torch.cuda.reset_peak_memory_stats()
    elif (loaded := sys.modules.get("torch")) and loaded.is_deterministic_algorithms_warn_only_enabled():
        loaded.use_deterministic_algorithms(False)


def facts(device: Device) -> dict[str, Any]:
    """For the record: on cuda which GPU, which CUDA, and what makes it repeat."""
    if device == "cpu":
        return {"name": "cpu"}
    import torch

    gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "name": "cuda",
        "gpu": gpu.name,
        "memory_mb": gpu.total_memory / 2**20,
        "capability": f"{gpu.major}.{gpu.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "deterministic": {
            WORKSPACE[0]: os.environ.get(WORKSPACE[0]),
            "use_deterministic_algorithms": "warn_only" if torch.are_deterministic_algorithms_enabled() else "off",
            "cudnn.benchmark": torch.backends.cudnn.benchmark,
            "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        },
    }


def settle(device: Device) -> None:
    """Wait for what was asked of the device: a clock read before that would not have seen the work."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def peak_mb(device: Device) -> float | None:
    """The most megabytes of GPU memory that tensors held since `prepare`; None on cpu."""
    if device == "cpu":
        return None
    import torch

    return torch.cuda.max_memory_allocated() / 2**20
