"""Two ways of doing one work, in fresh processes, round by round: their ratios as a table and as JSON.

Machines drift by 25 % from minute to minute, so each round runs both sides, in turns first, and a ratio is the median
of the rounds' ratios; the seconds beside it are medians of each side.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from paralab.threads import VARIABLES

HERE = Path(__file__).parent
PARALAB = str(Path(sys.executable).with_name("paralab"))
ENVIRONMENT = {**os.environ, **dict.fromkeys(VARIABLES, "1")}
VERSIONS = ("paralab", "hydra-core", "typer", "numpy", "scikit-learn", "torch", "stable-baselines3", "gymnasium")


@dataclass(frozen=True)
class Done:
    """One process, from start to end."""

    wall: float  # seconds
    cpu: float  # seconds, user and system, of its own children too
    said: str  # its standard output


@dataclass(frozen=True)
class Row:
    work: str
    ours: float  # seconds
    theirs: float
    ratio: float
    must: float | None  # the ratio may not be above it; None: only shown

    @property
    def holds(self) -> bool:
        return self.must is None or self.ratio <= self.must


def run(command: Sequence[str]) -> Done:
    """Run to its end on one thread; raises CalledProcessError with its stderr shown."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT, cwd=HERE.parent)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Done(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said.stdout)


def row(work: str, pairs: Sequence[tuple[float, float]], must: float | None = None) -> Row:
    """Of (ours, theirs) a round."""
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    return Row(work, ours, theirs, median(one / other for one, other in pairs), must)


def close(benchmark: str, rows: Sequence[Row], facts: Mapping[str, object]) -> int:
    """Print the table, save results/<benchmark>-<date>.json, print the same JSON last; 1 where a must is missed."""
    width = max(len(each.work) for each in rows)
    print(f"{'work':<{width}}  {'ours s':>8}  {'theirs s':>8}  {'ratio':>6}  must")
    for each in rows:
        must = "" if each.must is None else f"<= {each.must}{'' if each.holds else '  MISSED'}"
        print(f"{each.work:<{width}}  {each.ours:8.3f}  {each.theirs:8.3f}  {each.ratio:6.3f}  {must}".rstrip())
    date, holds = datetime.now(UTC), all(each.holds for each in rows)
    result = {
        "benchmark": benchmark,
        "date": date.isoformat(timespec="seconds"),
        "holds": holds,
        "rows": [asdict(each) for each in rows],
        **facts,
        "machine": {"os": platform.platform(), "cpu": _cpu(), "cores": os.cpu_count(), "load": os.getloadavg()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{benchmark}-{date:%Y%m%dT%H%M%SZ}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    return 0 if holds else 1


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
