"""The fresh process of `paralab reproduce`: python -m paralab.audit.again TASK.json.

Threads and the variables that decide arithmetic are set by who starts it, before anything is imported. What it has to
say goes line by line, as JSON, to its standard output; what plugins print goes to its standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paralab.errors import Failed, Interrupted, Refused

if TYPE_CHECKING:
    from paralab.record.plan import Plan

OFTEN = 0.2  # seconds between two lines of progress
Say = Callable[[Mapping[str, object]], None]


def main(task: Path) -> None:
    """Run the plans of a task one after the other, and say how it ended."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(facts: Mapping[str, object]) -> None:
        out.write(f"{json.dumps(facts)}\n")

    try:
        say({"folder": str(_again(json.loads(task.read_text()), say))})
    except Refused as error:
        say({"refused": str(error)})
    except (Failed, Interrupted) as error:
        say({"failed": str(error)})


def _again(task: Mapping[str, Any], say: Say) -> Path:
    """The folder of the last plan's run; raises Refused where its data are not what they were."""
    from paralab.record.plan import Plan
    from paralab.run import run

    plans = [Plan(each["config"], each["problem"], each["trainer"], each["config_id"]) for each in task["plans"]]
    _check_data(plans[-1], task["data"], task["trust"])
    told = 0.0

    def tell(step: int, steps: int, scores: Mapping[str, float]) -> int:
        nonlocal told
        if time.monotonic() - told > OFTEN:
            told = time.monotonic()
            say({"step": step, "steps": steps})
        return 0

    for plan in plans:
        folder = run(plan, trust=task["trust"], tell=tell).folder
    return folder


def _check_data(plan: Plan, digest: str | None, trust: list[str]) -> None:
    """Built once more before anything is trained; raises Refused where the digest of the data is another."""
    from paralab import device
    from paralab.build import job_of
    from paralab.record import log
    from paralab.threads import set_threads

    set_threads(plan.config["threads"])
    device.resolve(plan.config["device"])
    with log.noting():
        found = job_of(plan, trust).problem.indices.get("data")
    now = None if found is None else bytes(found).hex()
    if digest is not None and now != digest:
        raise Refused(
            f"the data are not those of the run (SHA-256 {digest[:12]} then, {now and now[:12]} now)"
            f"{_read_from(plan)}: bring back what it was trained on"
        )


def _read_from(plan: Plan) -> str:
    from paralab.record.identity import files_of

    problem = plan.config["problem"]
    return "".join(f", read from {key}" for key in files_of(problem))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
