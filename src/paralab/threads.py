"""Threads are set, never inherited: figures differ between 1 and 2 threads (torch, PPO, KMeans' inertia)."""

from __future__ import annotations

import os
import sys

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def set_threads(count: int) -> None:
    """Set every pool of this process to `count`: by variables for what is not yet imported, directly for what is."""
    for variable in VARIABLES:
        os.environ[variable] = str(count)
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
