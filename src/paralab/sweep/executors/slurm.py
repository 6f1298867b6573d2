"""A Slurm cluster, by submitit: each Slurm job is a task that drains many runs; a shared file system is needed."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep.executors.local import Local
from paralab.sweep.executors.slurm_pool import Cluster, Job, SlurmPool
from paralab.sweep.executors.slurm_task import Task
from paralab.sweep.pool import Pool, Work
from paralab.threads import VARIABLES, set_threads

if TYPE_CHECKING:
    from submitit import AutoExecutor

REQUEUES = 1000  # times a job may run out of time: its runs get further each time
EVERY, LAG, LEAVE = 20.0, 15.0, 20.0  # seconds, see `Cluster`
RUN_GRACE = 30.0  # seconds, see `Local.grace_s`


@dataclass(frozen=True)
class Slurm:
    cluster: Literal["slurm", "local"] | None
    partition: str | None
    account: str | None
    qos: str | None
    time: int | str  # minutes, or as Slurm writes it
    memory: float | None  # GB a job
    cpus_per_task: int
    gpus_per_task: int
    tasks: int  # Slurm jobs at a time
    jobs_per_task: int  # runs a Slurm job
    setup: tuple[str, ...]
    extra: Mapping[str, str | int | float | bool]
    remote: ClassVar[bool] = True
    outlives: ClassVar[bool] = True

    @contextmanager
    def open(self, work: Work) -> Iterator[Pool]:
        """Raises Refused without submitit or a cluster."""
        for name in ("cpus_per_task", "tasks", "jobs_per_task"):
            if (value := getattr(self, name)) < 1:
                raise Refused(f"executor.{name}={value}: at least 1")
        threads = max(plan.config["threads"] for plan in work.plans)
        folder = _private(work.home / "slurm")
        submitit, local = self._submitit(folder, threads), self._where() == "local"
        workers = Local(max(1, self.cpus_per_task // threads), None, 1, RUN_GRACE)

        def send(plans: Sequence[Plan], keys: Sequence[int]) -> tuple[Job, Path]:
            own = _private(folder / f"task-{secrets.token_hex(6)}")
            here, path = Path.cwd(), tuple(entry for entry in sys.path if entry)
            task = Task(own, tuple(plans), tuple(keys), work.brief, workers, here, path)
            return submitit.submit(task), own

        def log(job: Job) -> Path:
            return folder / f"{job.job_id}_0_log.err"

        if local:
            set_threads(threads)  # its processes inherit the variables
            cluster = Cluster(send, False, _ended, 0.0, log, 0.0, LEAVE)
        else:
            cluster = Cluster(send, True, _unqueued, EVERY, log, LAG, 0.0)
        with SlurmPool(cluster, work.asked, self.tasks, self.jobs_per_task) as pool:
            yield pool

    def _where(self) -> Literal["slurm", "local"]:
        there = all(map(shutil.which, ("sbatch", "srun")))
        if self.cluster == "local" or there:
            return self.cluster or "slurm"
        raise Refused("executor=slurm: there is no sbatch on this machine; start from a login node of the cluster, "
                      "or try it here with executor.cluster=local")  # fmt: skip

    def _submitit(self, folder: Path, threads: int) -> AutoExecutor:
        """submitit's executor with all that is asked of a job; thread variables are set before Python starts."""
        try:
            from submitit import AutoExecutor
        except ImportError as error:
            raise Refused("executor=slurm needs submitit: pip install paralab[slurm]") from error
        where, gpus = self._where(), self.gpus_per_task or None
        setup = [*self.setup, *(f"export {variable}={threads}" for variable in VARIABLES)]
        shared: dict[str, Any] = {
            "name": "paralab",
            "timeout_min": minutes(self.time),
            "cpus_per_task": self.cpus_per_task,
        }
        if where == "local":
            python = shlex.join(["sh", "-c", "\n".join([*setup, 'exec "$0" "$@"']), sys.executable])
            executor = AutoExecutor(folder, cluster=where, local_python=python, local_max_num_timeout=REQUEUES)
            executor.update_parameters(**shared, gpus_per_node=gpus)
            return executor
        executor = AutoExecutor(folder, cluster=where, slurm_max_num_timeout=REQUEUES)
        executor.update_parameters(
            **shared, mem_gb=self.memory, gpus_per_node=gpus, slurm_partition=self.partition, slurm_qos=self.qos,
            slurm_account=self.account, slurm_setup=setup, slurm_additional_parameters={"requeue": True, **self.extra},
        )  # fmt: skip
        return executor


def _ended(jobs: Sequence[Job]) -> Collection[str]:
    return {job.job_id for job in jobs if job.done()}


def _unqueued(jobs: Sequence[Job]) -> Collection[str]:
    """Which jobs Slurm's queue no longer has; none where it does not answer."""
    command = ["squeue", f"--user={os.getuid()}", "--noheader", "--format=%i"]
    asked = subprocess.run(["timeout", "60", *command], capture_output=True, text=True, check=False)
    return set() if asked.returncode else {job.job_id for job in jobs} - set(asked.stdout.split())


def minutes(time: int | str) -> int:
    """Slurm's ways of saying how long: minutes, m:s, h:m:s, d-h, d-h:m, d-h:m:s; begun minutes count whole."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", str(time))
    if match is None:
        raise Refused(f"executor.time={time}: minutes, or hours:minutes:seconds, or days-hours:minutes:seconds")
    days, *rest = match.groups()
    parts = [int(part) for part in rest if part is not None]
    if days is None and len(parts) < 3:
        parts = [0, *parts]
    hours, mins, seconds = [*parts, 0, 0][:3]
    total = -(-(((int(days or 0) * 24 + hours) * 60 + mins) * 60 + seconds) // 60)
    if total < 1:
        raise Refused(f"executor.time={time}: at least a minute")
    return total


def _private(folder: Path) -> Path:
    """Make a folder that nobody else can read or write: pickles lie in it."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise Refused(f"{folder} is another user's; remove it, or choose another place with root=DIR")
    folder.chmod(0o700)
    return folder
