"""What this installation and this machine are, and what is wrong with them: facts first, then judgement."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from paralab.catalog import names
from paralab.threads import VARIABLES

GIB = 2**30
LEAST_DISK = 1  # GiB; a checkpoint of a million-row replay buffer is about that
MOST_SKEW = 5  # seconds between this clock and the file system's; a lock is taken for dead after 60


@dataclass(frozen=True)
class Package:
    """A requirement of ours, and what is there of it."""

    name: str
    needs: str  # ">=2.3"; "" where any version will do
    has: str | None  # None: not installed
    extra: str  # "" for what paralab cannot do without

    @property
    def ok(self) -> bool:
        return self.has is not None and Requirement(f"x{self.needs}").specifier.contains(self.has, prereleases=True)


def packages() -> list[Package]:
    """What the installed paralab says it needs, extras included; nothing where it is found on a path only."""
    found: list[Package] = []
    try:
        own = distribution("paralab")
    except PackageNotFoundError:
        return found
    extras = own.metadata.get_all("Provides-Extra") or []
    for text in own.requires or []:
        need = Requirement(text)
        for extra in ["", *extras]:
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                found.append(Package(need.name, str(need.specifier), installed(need.name), extra))
                break
    return found


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def cores() -> dict[str, object]:
    """Cores of the machine, those this process may run on, and how many a container grants of them."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {"machine": os.cpu_count(), "usable": usable, "granted": _quota()}


def _quota() -> float | None:
    try:
        share, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if share == "max" else int(share) / int(period)
    except (OSError, ValueError):
        return None


def memory() -> dict[str, float | None]:
    """GiB of the machine, free now, and the most that a container grants."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    return {"machine": total, "free": _free_memory(), "granted": _memory_limit()}


def _free_memory() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 / GIB for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def _memory_limit() -> float | None:
    try:
        said = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        return None if said == "max" else int(said) / GIB
    except (OSError, ValueError):
        return None


def threads() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in VARIABLES}


@dataclass(frozen=True)
class Disk:
    """The place where experiments lie, or would: the nearest folder that is there, truly written to."""

    place: Path
    free: float  # GiB
    error: str | None  # None: a file was written, synced and read back
    skew: float  # seconds by which the file system's clock is ahead of ours


def disk(root: Path) -> Disk:
    place = next(path for path in (root.absolute(), *root.absolute().parents) if path.is_dir())
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".paralab-") as file:
            file.write(b"written")
            file.flush()
            os.fsync(file.fileno())
            skew = os.fstat(file.fileno()).st_mtime - time.time()
            file.seek(0)
            error = None if file.read() == b"written" else "what was written reads otherwise"
    except OSError as refused:
        skew, error = 0.0, refused.strerror or str(refused)
    return Disk(place, shutil.disk_usage(place).free / GIB, error, skew)


def gpus() -> list[str]:
    """By nvidia-smi, else by the device files; nothing is imported."""
    if smi := shutil.which("nvidia-smi"):
        command = [smi, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=1, check=False)
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done and done.returncode == 0:
            return [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*"))


def torch_says() -> dict[str, object]:
    """What takes 2 s: torch itself."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {
        "version": torch.__version__, "cuda": torch.version.cuda, "threads": torch.get_num_threads(),
        "devices": [torch.cuda.get_device_name(place) for place in range(count)],
    }  # fmt: skip


def git() -> dict[str, str] | None:
    """Version, and the commit of the working folder where it is a repository; None where there is no git."""
    if not shutil.which("git"):
        return None
    said = {"version": _git("--version").removeprefix("git version ")}
    return {**said, **({"commit": commit} if (commit := _git("rev-parse", "--short", "HEAD")) else {})}


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def clock() -> dict[str, str]:
    now = time.localtime()
    return {"now": time.strftime("%Y-%m-%dT%H:%M:%S%z", now), "zone": time.tzname[now.tm_isdst > 0]}


def machine() -> dict[str, str]:
    return {"python": sys.version.split()[0], "executable": sys.executable, "system": platform.platform(terse=True)}


def shadowed(paths: list[Path]) -> Iterator[Path]:
    """YAML of the user's whose name is taken by one of ours, which comes first."""
    ours, *others = paths
    for group in ("problem", "trainer", "budget", "executor", "experiment"):
        known = set(names(group, [ours]))
        for path in others:
            yield from (path / group / f"{name}.yaml" for name in names(group, [path]) if name in known)


def wrong(needs: list[Package], there: Disk, paths: list[Path]) -> Iterator[str]:
    """What keeps paralab from working here, one line each, with its remedy."""
    if not needs:
        yield "paralab is found on the path but not installed: pip install it, so that its packages can be checked"
    for each in needs:
        if not each.extra and not each.ok:
            what = f"{each.name} {each.has} is there" if each.has else f"{each.name} is missing"
            yield f"{what}, {each.needs or 'any version'} is needed: pip install '{each.name}{each.needs}'"
        elif each.has and not each.ok:
            said = f"{each.name} {each.has} is there, {each.needs} is needed"
            yield f"{said} for the extra {each.extra}: pip install 'paralab[{each.extra}]'"
    if find_spec("hydra_plugins.paralab_sweeper") is None:
        yield "grids cannot run, hydra_plugins.paralab_sweeper is not found: pip install paralab again"
    if there.error:
        yield f"{there.place} cannot be written ({there.error}): work in another folder, or give root=DIR to train"
    if there.free < LEAST_DISK:
        yield f"{there.place} has {there.free:.2f} GiB left: free some, or give root=DIR to train"
    if abs(there.skew) > MOST_SKEW:
        yield (
            f"the clock of {there.place} is {there.skew:+.0f} s from this machine's, by which a run's lock is told"
            " from a dead one's: synchronise them (NTP)"
        )
    if (age := time.time() - Path(__file__).stat().st_mtime) < 0:
        yield f"the clock is {-age:.0f} s before paralab was installed: set it"
    for path in shadowed(paths):
        yield f"{path} is never read, paralab has one of that name: rename it"


def worth_knowing(needs: list[Package], cards: list[str]) -> Iterator[str]:
    """What works otherwise than one may expect."""
    torch = next((each.has for each in needs if each.name == "torch"), None)
    if cards and torch and torch.endswith("+cpu"):
        yield f"torch {torch} cannot use the GPU that is here: install a build for CUDA for device=cuda"
    if shutil.which("sbatch") and not next((each.has for each in needs if each.name == "submitit"), None):
        yield "there is Slurm here, but not what executor=slurm needs: pip install 'paralab[slurm]'"
    if shutil.which("git") is None:
        yield "there is no git: runs do not record which commit they are of"
