"""What a config is called: 12 hex digits of the SHA-256 of all that decides its outcome, apart from the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEYS = (
    "problem", "trainer", "budget", "labels", "split", "split_seed", "select", "device", "threads", "compile", "repeat",
)  # fmt: skip


def config_id(config: Mapping[str, Any]) -> str:
    """The id of a config resolved with seed 0: its folder is the group over which to aggregate seeds."""
    canonical = json.dumps({key: config[key] for key in KEYS}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
