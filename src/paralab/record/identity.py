"""What a config is called: 12 hex digits of the SHA-256 of all that decides its outcome, apart from the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from paralab.errors import Refused

KEYS = (
    "problem", "trainer", "budget", "labels", "split", "split_seed", "test_size", "folds", "fold", "select", "device",
    "threads", "compile", "repeat", "extend",
)  # fmt: skip


def config_id(config: Mapping[str, Any]) -> str:
    """The id of a config resolved with seed 0: its folder is the group over which to aggregate seeds.

    Files that a problem reads count by what is in them; raises Refused where one is not there.
    """
    said = {key: config[key] for key in KEYS} | {"problem": by_content(config["problem"], "problem")}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def rule_digest(rule: Mapping[str, Any]) -> str:
    """SHA-256 of a pre-registered rule: stamped into runs, but no part of their ids: a changed rule reruns nothing."""
    return hashlib.sha256(json.dumps(rule, sort_keys=True, allow_nan=False).encode()).hexdigest()


def by_content(value: Any, where: str) -> Any:
    """A problem's node with the SHA-256 of a file or folder wherever a key is `path` or ends so."""
    if isinstance(value, list):
        return [by_content(each, f"{where}[{place}]") for place, each in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _digest_of(each, f"{where}.{key}")
        if isinstance(each, str) and (key == "path" or str(key).endswith("_path"))
        else by_content(each, f"{where}.{key}")
        for key, each in value.items()
    }


def files_of(value: Any, where: str = "problem") -> dict[str, str]:
    """The SHA-256 of each file or folder that a problem's node reads, by the key that names it; raises as above."""
    inside = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    found: dict[str, str] = {}
    for key, each in inside:
        if isinstance(each, str) and (key == "path" or str(key).endswith("_path")):
            found[f"{where}.{key}"] = _digest_of(each, f"{where}.{key}")
        else:
            found |= files_of(each, f"{where}.{key}")
    return found


def _digest_of(name: str, where: str) -> str:
    try:
        path = Path(name).expanduser()
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        stats = [(each.stat().st_size, each.stat().st_mtime_ns) for each in files]
        if path.is_file():
            return _digest(path.absolute(), *stats[0])
        each_one = [
            f"{file.relative_to(path)} {_digest(file.absolute(), *stat)}"
            for file, stat in zip(files, stats, strict=True)
        ]
        return hashlib.sha256("\n".join(each_one).encode()).hexdigest()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~name of nobody
        reason = error.strerror if isinstance(error, OSError) else error
        raise Refused(f"{where}={name} cannot be read: {reason}") from error


@cache  # a grid asks once for each of its configs
def _digest(path: Path, size: int, mtime: int) -> str:
    """SHA-256 of a file, as of its size in bytes and its time of change in ns."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
