"""A trainer whose process ends in many ways, each at a step of its choice."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from paralab.core import Array, Environment, Meaning, Snapshot, State
from paralab.record.plan import Plan
from paralab.trainers.reinforcement.q_table import QTable


@dataclass(frozen=True)
class Ending:
    """A step a snapshot; at step `at` it ends as `how` says: every time, or where `once` names a file, once."""

    view: ClassVar[type[Environment]] = Environment
    unit: ClassVar[str] = "steps"

    how: str
    at: int
    once: str
    pause: float  # seconds a step

    def train(self, shown: Environment, seed: int, state: State | None = None) -> Generator[Snapshot, None, None]:
        values = np.tile([0.0, 1.0], (int(shown.task.inputs.n), 1))  # type: ignore[attr-defined]
        assert Meaning.ACTION in shown.task.outputs
        step = 0 if state is None else int(state["step"][0])
        while True:
            step += 1
            time.sleep(self.pause)
            loss = float(step)
            if step == self.at and not (self.once and Path(self.once).exists()):
                if self.once:
                    Path(self.once).touch()
                loss = end(self.how)
            here = np.array([step])
            yield Snapshot(step, QTable(values, shown.task), {"train/loss": loss}, partial(_state, here))


def _state(step: Array) -> State:
    return {"step": step}


def end(how: str) -> float:
    match how:
        case "raises":
            raise ZeroDivisionError("on purpose")
        case "times out":
            raise TimeoutError("its own")
        case "exits 0" | "exits 3":
            os._exit(int(how[-1]))
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crashes":
            ctypes.string_at(0)
        case "calls exit":
            sys.exit("enough")
        case "hangs":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            time.sleep(1000)
        case "eats memory":
            limits = resource.getrlimit(resource.RLIMIT_AS)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), limits[1]))
            try:
                np.ones(1 << 28)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        case "diverges":
            return math.nan
        case "is told":
            os.kill(os.getpid(), signal.SIGTERM)
    return 0.0


def ending(corridor: Plan, how: str, *, at: int = 3, once: Path | None = None, pause: float = 0.0) -> Plan:
    """A plan of the corridor as one that ends like this."""
    node = {"_target_": "tests.ending.Ending", "default_steps": 5, "how": how, "at": at, "pause": pause}
    config = {
        **corridor.config,
        "trainer": {**node, "once": str(once or "")},
        "root": str(Path("experiments").resolve()),
    }
    return replace(corridor, config=config, trainer="reinforcement/ending", config_id=how.replace(" ", "-"))
