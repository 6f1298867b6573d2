"""A sweep as it was planned, on disk before its first run: experiments/<name>/sweeps/<id>/manifest.jsonl.

A line a run: its names, its id and its whole resolved config, so that no YAML edited later changes what runs. The
folder's id is the digest of these lines, so the same plans have the same folder, and starts.jsonl beside it has a line
for each time they were started.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from paralab.errors import Refused
from paralab.record import files
from paralab.record.plan import Plan

FILE = "manifest.jsonl"
STARTS = "starts.jsonl"
NAMED = ("paralab", "hydra-core", "numpy", "scikit-learn", "torch")  # whose versions stand beside a start


def write(plans: Sequence[Plan]) -> Path:
    """Write the plans down, note that they are started, and return the sweep's folder, which is the first plan's.

    A manifest is written once and whole; a damaged one anew. Raises Refused where the folder cannot be written.
    """
    text = "".join(f"{json.dumps(_line(plan), allow_nan=False)}\n" for plan in plans).encode()
    config = plans[0].config
    home = Path(config["root"], config["name"], "sweeps", hashlib.sha256(text).hexdigest()[:12])
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / FILE).is_file() or (home / FILE).read_bytes() != text:
            files.write(home / FILE, text)
        with (home / STARTS).open("ab") as file:
            file.write(f"{json.dumps(_start())}\n".encode())
    except OSError as error:
        raise Refused(f"{home} cannot be written ({error.strerror}); choose another place with root=DIR") from error
    return home


def read(home: Path) -> list[Plan]:
    """The plans of a sweep's folder, equal to those written; raises Refused where it holds none, or damaged ones."""
    path, plans = home / FILE, list[Plan]()
    try:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            names = (row["problem"], row["trainer"], row["config_id"])
            plans.append(Plan(row["config"], *names, tuple(row["said"]), row["files"]))
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}): there is no sweep in it") from error
    except (ValueError, TypeError, KeyError) as error:
        raise Refused(f"{path}, line {len(plans) + 1} is damaged; start the sweep again to have it anew") from error
    return plans


def latest(experiment: Path) -> Path | None:
    """The folder of the sweep of an experiment that was started last; None where it has none."""
    found = [path.parent for path in (experiment / "sweeps").glob(f"*/{STARTS}") if (path.parent / FILE).is_file()]
    return max(found, key=lambda home: ((home / STARTS).stat().st_mtime_ns, home.name), default=None)


def _line(plan: Plan) -> dict[str, object]:
    return {
        "problem": plan.problem, "trainer": plan.trainer, "config_id": plan.config_id, "said": plan.said,
        "files": dict(plan.files), "config": plan.config,
    }  # fmt: skip


def _start() -> dict[str, object]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "command": sys.argv, "cwd": os.getcwd(),
        "host": platform.node(), "pid": os.getpid(), "python": platform.python_version(),
        "versions": {name: version(name) for name in NAMED},
    }  # fmt: skip
