"""How many cores this process may use: of those it is bound to, what its control group grants."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def cores(groups: Path = GROUPS) -> int:
    """Whole cores, at least 1."""
    bound = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    share = _quota(groups)
    return max(1, bound if share is None else min(bound, int(share)))


def _quota(groups: Path) -> float | None:
    """Cores' worth of time a period, by control groups version 2 or 1; None where nothing is said."""
    try:
        if (group := groups / "cpu.max").exists():
            share, period = group.read_text().split()
        else:
            share = (groups / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (groups / "cpu" / "cpu.cfs_period_us").read_text()
        return int(share) / int(period) if share != "max" and int(share) > 0 else None
    except (OSError, ValueError):
        return None
