"""Where a run comes from: code, packages, machine. Facts of the process are read once and shared by all its runs."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from paralab.threads import thread_pools

ENVIRONMENT = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY",
    "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG",
)  # fmt: skip  # a whitelist, never all: secrets live there too


def collect() -> dict[str, Any]:
    """Everything but the dirty diff, which is a file of its own (see `dirty_diff`)."""
    return {
        **_machine(),
        "git": {"commit": _git("rev-parse", "HEAD").strip(), "dirty": bool(dirty_diff())},
        "threads": _threads(),
    }


@cache
def dirty_diff() -> str:
    """What the working tree changes against its commit; "" where clean or not under git."""
    return _git("diff", "HEAD")


@cache
def _machine() -> dict[str, Any]:
    packages = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
    lock = Path("constraints.txt")
    return {
        "python": sys.version.split()[0],
        "packages": dict(sorted(packages.items())),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        "os": platform.platform(),
        "host": platform.node(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "environment": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    }


def _cpu() -> dict[str, str]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    stripped = {key.strip(): value.strip() for key, value in facts.items()}
    return {"model": stripped.get("model name", platform.processor()), "flags": stripped.get("flags", "")}


def _threads() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    pools = [
        {key: pool[key] for key in ("user_api", "internal_api", "version", "num_threads")} for pool in thread_pools()
    ]
    if torch is None:
        return {"pools": pools}
    return {"pools": pools, "torch": torch.get_num_threads(), "aten": torch.backends.cpu.get_cpu_capability()}


@cache
def _git(*words: str) -> str:
    """One git command's output in the working folder; "" where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
