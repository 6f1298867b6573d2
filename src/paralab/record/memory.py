"""The peak of this process's memory, a run at a time."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

from paralab import device


def reset_peak() -> None:
    """Begin a new peak, where the kernel can (Linux): else a run of a grid would inherit its predecessors'."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def costs(on: device.Device) -> dict[str, float]:
    """The peaks since `reset_peak` and `device.prepare`, as scores."""
    gpu = device.peak_mb(on)
    return {"cost/peak_rss_mb": peak_mb()} | ({} if gpu is None else {"cost/peak_gpu_mb": gpu})


def peak_mb() -> float:
    """Resident megabytes at their highest since `reset_peak`; since the process began, where there is no /proc."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
