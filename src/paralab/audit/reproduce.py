"""A finished run, run again from its config and record alone, in a process of its own, and held against the first."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paralab.audit import levels
from paralab.audit.differences import Difference, differences
from paralab.audit.sealed import ALTERED, Fault, faults
from paralab.audit.tasks import Task, task_of
from paralab.errors import Refused
from paralab.record import files, read
from paralab.record.provenance import ENVIRONMENT
from paralab.record.read import Json, Run
from paralab.seeds import TUNING
from paralab.threads import VARIABLES

Tell = Callable[[int, int], None]  # step, steps


@dataclass(frozen=True)
class Reproduced:
    folder: Path
    level: levels.Level
    why: str
    name: str  # of the score that is compared: "test/accuracy"
    then: float | None
    now: float | None  # None: it did not finish again
    checks: tuple[levels.Check, ...]
    faults: tuple[Fault, ...]  # of the run's files, before anything was run
    notes: tuple[str, ...]
    differences: tuple[Difference, ...]
    kept: Path | None  # the new run, where it was to be kept


def reproduce(
    folder: Path, *, trust: Sequence[str] = (), keep: Path | None = None, tell: Tell = lambda step, steps: None
) -> Reproduced:
    """Run it again and compare; raises Refused for what the user must mend: no finished run, other data, no trust."""
    run, task = task_of(folder)
    damage = tuple(fault for fault in faults(folder, task.record) if fault.kind in ALTERED)
    with _place(task, keep) as root:
        name = f"{'valid' if run.seed >= TUNING else 'test'}/{run.objective}"
        ended = _start(task, Path(root), trust, tell)
        new = Path(ended["place"])
        now = _record(new)
        found = levels.checks(folder, new) if "folder" in ended else []
        score = _score(new, name) if found else None
        inside, sentence = (False, "") if score is None else levels.of_seeds(score, _others(run, name), name)
        held = levels.level(found, inside) if found else "none"
        if damage:
            why, held = "its files are not those that it ended with; nothing run again can vouch for them", "none"
        else:
            why = (
                _why(held, sentence) if found else f"it did not finish again: {ended.get('failed', 'its process died')}"
            )
        notes = (*task.notes, *_of_clock(task.record, now))
        return Reproduced(
            folder, held, why, name, run.scores.get(name), score, tuple(found), damage, notes,
            tuple(differences(task.record, now)) if now else (), new if keep else None,
        )  # fmt: skip


def _why(held: levels.Level, sentence: str) -> str:
    if held == "strict":
        return "weights, predictions and scores are the same, bit for bit"
    if held == "numeric":
        numbers = f"numbers by at most {levels.SPREAD:g} of their spread, scores by at most {levels.SCORE:.0%}"
        return f"at most {levels.SHARE:.1%} of labels differ, {numbers}"
    return sentence


def _place(task: Task, keep: Path | None) -> AbstractContextManager[str | Path]:
    if keep is None:
        return tempfile.TemporaryDirectory(prefix="paralab-reproduce-")
    if taken := next((plan.folder for plan in task.plans(keep) if plan.folder.exists()), None):
        raise Refused(f"{taken} is there already; give --keep another folder")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{keep} cannot be written ({error.strerror}); give --keep another folder") from error
    return nullcontext(keep.absolute())


def _start(task: Task, root: Path, trust: Sequence[str], tell: Tell) -> dict[str, Any]:
    """What the process said at its end, and the run's new `place`; raises Refused for what it refused."""
    plans = task.plans(root)
    said = [
        {"config": dict(plan.config), "problem": plan.problem, "trainer": plan.trainer, "config_id": plan.config_id}
        for plan in plans
    ]
    ended: dict[str, Any] = {"place": str(plans[-1].folder)}
    with tempfile.TemporaryDirectory(prefix="paralab-again-") as aside:
        path, errors = Path(aside, "task.json"), Path(aside, "stderr")
        path.write_text(json.dumps({"plans": said, "data": task.record.get("data"), "trust": list(trust)}))
        command = [sys.executable, "-P", "-m", "paralab.audit.again", str(path)]
        with errors.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=_environment(task), text=True
            )
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    facts = json.loads(line)
                    if "step" in facts:
                        tell(facts["step"], facts["steps"])
                    ended |= facts
                process.wait()
            finally:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
        if "refused" in ended:
            raise Refused(ended["refused"])
        if "folder" not in ended and "failed" not in ended:
            last = errors.read_text(errors="replace").strip().splitlines()[-1:]
            ended["failed"] = f"its process ended with code {process.returncode}{': ' if last else ''}{''.join(last)}"
    return ended


def _environment(task: Task) -> dict[str, str]:
    """This process's variables, but those that decide arithmetic as they were; imports are looked for as here."""
    own = {name: value for name, value in os.environ.items() if name not in (*ENVIRONMENT, *VARIABLES)}
    provenance = task.record.get("provenance")
    said = provenance.get("environment") if isinstance(provenance, dict) else None
    then = {name: str(said[name]) for name in ENVIRONMENT if name in said} if isinstance(said, dict) else {}
    threads = dict.fromkeys(VARIABLES, str(task.config["threads"]))
    return {**own, **then, **threads, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}


def _record(place: Path) -> Json:
    try:
        found = files.read_json(place / "record.json")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _score(place: Path, name: str) -> float | None:
    value = files.read_json(place / "scores.json").get(name)
    return float(value) if value is not None and math.isfinite(value) else None


def _others(run: Run, name: str) -> list[float]:
    """The same score of the config's other finished seeds, a tuner's apart from those that are reported."""
    place = (run.problem, run.trainer, run.config_id)
    seeds = [
        path for path in sorted(run.folder.absolute().parent.glob("seed-*")) if re.fullmatch(r"seed-\d+", path.name)
    ]
    runs = [read.run_in(path, run.experiment, place) for path in seeds]
    alike = [each for each in runs if each.seed != run.seed and (each.seed >= TUNING) == (run.seed >= TUNING)]
    values = [each.scores.get(name, math.nan) for each in alike if each.status == "finished"]
    return [value for value in values if math.isfinite(value)]


def _of_clock(then: Json, now: Json) -> list[str]:
    budget = then.get("budget")
    if not isinstance(budget, dict) or budget.get("seconds") is None:
        return []
    steps = f"{then.get('steps')} steps then, {now.get('steps')} now"
    return [f"its budget is {budget['seconds']:g} seconds: how far it comes hangs on the machine ({steps})"]
