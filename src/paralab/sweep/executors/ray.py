"""A Ray cluster, a task a run. Its machines need share no file system: run folders travel there and back (`trip`).

Ray itself retries nothing: `sweep.max_retries` does, from the checkpoint that a dead worker left behind. What a problem
reads by its path does not travel: it must lie under the same path there, and is compared by its digest.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, cast

from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep.job import Brief, Ended
from paralab.sweep.pool import Lost, Pool, Work
from paralab.sweep.trip import Back, Trip, attend, go, pack_for, remains
from paralab.threads import VARIABLES

SEARCH = 60.0  # seconds the machines have to answer which of them has what a dead worker left
ANSWER = 2.0  # seconds a cluster has to answer at its address
GIB = 1 << 30
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a FutureWarning
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",  # what the raylet says goes to stdout, whatever log_to_driver is
}


@dataclass(frozen=True)
class Ray:
    address: str | None
    workers: int | None
    cpus: float | None
    gpus: float
    memory_gb: float | None
    resources: dict[str, float]
    grace_s: float
    outlives: ClassVar[bool] = False

    @property
    def remote(self) -> bool:
        return self.address is not None

    @contextmanager
    def open(self, work: Work) -> Iterator[Pool]:
        """Raises Refused without Ray, without the cluster, and where a run would never fit into it."""
        if self.workers is not None and self.workers < 1:
            raise Refused(f"executor.workers={self.workers}: at least 1")
        with _cluster(self.address) as (ray, variables):
            fitting = self.workers or self._fitting(work, ray.cluster_resources())
            count = min(fitting, len(work.plans))
            brief = _reachable(work.brief, ray.util.get_node_ip_address())
            with ThreadPoolExecutor(count + 1) as threads:
                yield _Pool(self, count, replace(work, brief=brief), variables, threads, ray, cache(ray.remote))

    def needs(self, plan: Plan) -> dict[str, float]:
        """What a run takes, by Ray's names."""
        cpus = float(plan.config["threads"]) if self.cpus is None else self.cpus
        return {"CPU": cpus, "GPU": self.gpus, "memory": (self.memory_gb or 0.0) * GIB, **self.resources}

    def _fitting(self, work: Work, there: Mapping[str, float]) -> int:
        """How many of the largest runs the cluster holds at a time."""
        needs = [each for plan in work.plans for each in self.needs(plan).items() if each[1]]
        for name, amount in needs:
            if amount > there.get(name, 0.0):
                have = f"all machines together have {there.get(name, 0.0):g}"
                raise Refused(f"executor=ray: a run takes {amount:g} {name}, {have}; set executor. to what there is")
        return min((int(there[name] // amount) for name, amount in needs), default=int(there.get("CPU", 1.0)))


@dataclass(frozen=True)
class _Pool:
    """A thread a run: it holds the run's folder, sends the task, and waits for what comes home."""

    asked: Ray
    workers: int
    work: Work
    variables: Mapping[str, str]  # of the workers' environment
    threads: ThreadPoolExecutor
    ray: Any  # the module
    task: Callable[[Any], Any]  # of a function
    refs: set[Any] = field(default_factory=set)  # of the tasks under way
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def submit(self, plan: Plan, key: int) -> Future[Ended]:
        return self.threads.submit(attend, plan, lambda: self._send(plan, key))

    def stop(self) -> None:
        with self.lock:
            self.over.set()
            for ref in self.refs:
                self.ray.cancel(ref, force=True)

    def _send(self, plan: Plan, key: int) -> Back:
        from ray.exceptions import RayError, RayTaskError

        if stop := self.work.asked():
            return Ended("not started", f"{plan.folder}: stopped before it began", stop), None
        brief, needs = self.work.brief, self.asked.needs(plan)
        bags = pack_for(plan, key, brief, None if brief.timeout is None else brief.timeout + self.asked.grace_s)
        own = {"num_cpus": needs["CPU"], "num_gpus": needs["GPU"], "resources": self.asked.resources}
        try:
            return cast(Back, self._result(go, bags, own | ({"memory": needs["memory"]} if needs["memory"] else {})))
        except RayTaskError as error:  # before `go` began: paralab is not installed there, or another version of it
            raise Lost(str(error).strip().splitlines()[-1]) from error
        except RayError as error:  # its worker is gone
            if (left := self._search(bags)) is None:
                raise Lost(f"its worker is gone with all it had: {str(error).strip().splitlines()[0]}") from error
            return left

    def _search(self, bags: Trip) -> Back | None:
        """What a worker that died left of a run: each machine is asked."""
        from ray.exceptions import RayError
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        for node in [each["NodeID"] for each in self.ray.nodes() if each["Alive"]]:
            with suppress(RayError):
                strategy = On(node, soft=False)
                if left := self._result(remains, bags, {"num_cpus": 0, "scheduling_strategy": strategy}, SEARCH):
                    return cast(Back, left)
        return None

    def _result(self, task: Any, bags: Trip, options: Mapping[str, Any], wait: float | None = None) -> object:
        """What a task returns; raises CancelledError once all is over."""
        threads = dict.fromkeys(VARIABLES, str(bags.plan.config["threads"]))
        environment = {"env_vars": {**threads, **self.variables}}
        made = self.task(task).options(**options, max_retries=0, runtime_env=environment)
        with self.lock:
            if self.over.is_set():
                raise CancelledError
            ref = made.remote(bags)
            self.refs.add(ref)
        try:
            return self.ray.get(ref, timeout=wait)
        except Exception:
            if self.over.is_set():
                raise CancelledError from None
            raise
        finally:
            with self.lock:
                self.refs.discard(ref)


def _reachable(brief: Brief, ip: str) -> Brief:
    """The driver's address as the cluster's machines know it: they need not know its name."""
    if brief.address is None or isinstance(brief.address.place, str):
        return brief
    return replace(brief, address=replace(brief.address, place=(ip, brief.address.place[1])))


def _check_answers(address: str) -> None:
    """Raise Refused where nothing listens at host:port, for which Ray would wait minutes; "auto" has no port."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        why = f"nothing answers there ({error})"
        raise Refused(f"executor.address={address}: {why}; null starts a cluster on this machine") from error


@contextmanager
def _cluster(address: str | None) -> Iterator[tuple[Any, dict[str, str]]]:
    """Ray with a cluster, and what its workers need in their environment; quiet, nothing left behind.

    One started here has its files in a temporary folder, and no others than we can speak to it.
    """
    handler, hook = signal.getsignal(signal.SIGTERM), sys.excepthook
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address is None and "RAY_AUTH_MODE" not in os.environ:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # else a file in ~/.ray
    try:
        import ray
    except ImportError as error:
        raise Refused("executor=ray needs Ray, which is not installed: pip install paralab[ray]") from error
    if ray.is_initialized():
        yield ray, {}
        return
    if address is not None:
        _check_answers(address)
    with ExitStack() as stack:
        asked: dict[str, Any] = {"address": address}
        if address is None:
            home = stack.enter_context(TemporaryDirectory(prefix="paralab-", dir="/tmp", ignore_cleanup_errors=True))
            asked = {"address": "local", "num_cpus": len(os.sched_getaffinity(0)), "_temp_dir": home}
        try:
            ray.init(**asked, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            raise Refused(f"executor.address={address}: {said}; null starts a cluster on this machine") from error
        stack.callback(ray.shutdown)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
        sys.excepthook = hook
        yield ray, {"TMPDIR": asked["_temp_dir"]} if address is None else {}
