"""Threads are set, never inherited: figures differ between 1 and 2 threads (torch, PPO, KMeans' inertia)."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from paralab.errors import Refused

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def set_threads(count: int) -> None:
    """Set every pool of this process to `count`: by variables for what is not yet imported, directly for what is."""
    if count < 1:
        raise Refused(f"threads={count}: at least 1")
    for variable in VARIABLES:
        os.environ[variable] = str(count)
    if "numpy" in sys.modules:
        _pools(len(sys.modules)).limit(limits=count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def thread_pools() -> list[dict[str, Any]]:
    """The pools of this process and their sizes."""
    info: list[dict[str, Any]] = _pools(len(sys.modules)).info()
    return info


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    """Looking for the loaded libraries takes 3 ms, so it is done again only when modules were imported since."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
