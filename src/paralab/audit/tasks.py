"""From a finished run's config.yaml and record.json to what must be run to have it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paralab.errors import Failed, Refused
from paralab.record import files, read
from paralab.record.lineage import LOADER
from paralab.record.plan import Plan
from paralab.record.read import Json, Run
from paralab.seeds import TUNING

RESUMED = re.compile(r"resumed from step (\d+)")
NEEDED = ("problem", "trainer", "budget", "scenario", "name", "seed", "threads", "device", "labels", "select")


@dataclass(frozen=True)
class Task:
    config: Mapping[str, Any]  # of the run itself
    record: Json
    before: tuple[Task, ...]  # the runs that it went on from, where its outcome hangs on them
    notes: tuple[str, ...]  # what there is to know of how it came about

    def plans(self, root: Path) -> list[Plan]:
        """The runs to be made below `root`, in this order; the last is the one itself."""
        names = (str(self.record["problem"]), str(self.record["trainer"]), str(self.record["config_id"]))
        own = {**self.config, "root": str(root.absolute()), "force": False, "monitor": "none"}
        return [*(plan for each in self.before for plan in each.plans(root)), Plan(own, *names)]


def task_of(folder: Path) -> tuple[Run, Task]:
    """Raises Refused where there is no finished run, Failed where its record or config cannot be read."""
    record_path, config_path = folder / "record.json", folder / "config.yaml"
    try:
        record = files.read_json(record_path)
        config = yaml.load(config_path.read_text(), Loader=LOADER)
        place = (str(record["problem"]), str(record["trainer"]), str(record["config_id"]))
        run = _run(folder, record, place)
    except FileNotFoundError as error:
        raise Refused(f"{error.filename} is missing: without it the run cannot be had again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise Failed(f"{folder} is damaged, its record or config cannot be read: {_line(error)}") from error
    if run.status == "damaged":
        raise Failed(f"{folder} is damaged: {run.error}")
    if run.status != "finished":
        raise Refused(
            f"{folder}: this run is {run.status}, not finished; its `paralab train` command again goes on with it"
        )
    if not isinstance(config, dict) or (lacking := [key for key in NEEDED if key not in config]):
        told = ", ".join(lacking) if isinstance(config, dict) else "everything"
        raise Failed(f"{config_path} is damaged: it lacks {told}")
    before, notes = _before(folder, config, record)
    return run, Task(config, record, before, (*notes, *_notes(folder, run, config)))


def _run(folder: Path, record: Json, place: tuple[str, str, str]) -> Run:
    """As every reader sees it, by its record alone: the folders above it may be called otherwise."""
    named = folder if re.fullmatch(r"seed-\d+", folder.name) else None
    if named is None:
        raise Refused(f"{folder} is no run's folder: its name must be seed-N, as it was written")
    return read.run_in(folder, str(record.get("experiment")), place)


def _before(folder: Path, config: Mapping[str, Any], record: Json) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    """The parents of a run of extend=true, whose outcome hangs on them; of others they are only told."""
    parent = record.get("parent")
    if not isinstance(parent, dict):
        return (), ()
    said = f"it went on from {parent.get('config_id')} at step {parent.get('step')}"
    if not config.get("extend"):
        return (), (f"{said}; here it is trained from its start, which must come to the same",)
    place = folder.absolute().parents[1] / str(parent.get("config_id")) / folder.name
    if not (place / "record.json").is_file() or place == folder.absolute():
        raise Refused(f"{folder} {said[3:]} by extend=true, and {place} is not there: bring it back beside this run")
    _, task = task_of(place)
    if int(str(task.record.get("steps"))) >= int(str(record.get("steps"))):
        raise Failed(f"{place} is damaged: a run of {record.get('steps')} steps cannot have gone on from it")
    return (*task.before, Task(task.config, task.record, (), ())), (
        f"{said} by extend=true; that one is run again before it",
    )


def _notes(folder: Path, run: Run, config: Mapping[str, Any]) -> list[str]:
    found = []
    try:
        resumed = RESUMED.findall((folder / "run.log").read_text(errors="replace"))
    except OSError:
        resumed = []
    if resumed:
        steps = ", ".join(resumed)
        found.append(f"it was interrupted and went on from step {steps}; here it is trained in one go")
    if run.seed >= TUNING:
        found.append("it is a tuner's run, which is never tested: its validation score is compared")
    if config["device"] != "cpu":
        found.append(f"it ran on {config['device']}, which need not repeat bit for bit")
    return found


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
