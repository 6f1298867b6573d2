"""A table by its path, as the problem that its target makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
from gymnasium.spaces import Dict

from paralab.core import Problem
from paralab.datasets.dataset import Dataset
from paralab.datasets.splits import Rows, Scenario
from paralab.errors import Refused
from paralab.named import Category, Date
from paralab.problems.anomaly import Anomaly
from paralab.problems.classification import Classification
from paralab.problems.clustering import Clustering
from paralab.problems.regression import Regression
from paralab.problems.telling import tell
from paralab.readers.kinds import listed, near, quoted
from paralab.readers.quality import across
from paralab.readers.suspects import ROWS
from paralab.readers.table import Task, load

FEW = 20  # columns or classes by name; of more, their number
RANKS: Mapping[Task, str] = {
    "classification": "accuracy", "regression": "r2", "anomaly": "average_precision", "clustering": "silhouette",
}  # fmt: skip


def table(
    path: str,
    target: str | None,
    task: Task | None,
    columns: Mapping[str, str],
    group: str | None,
    time: str | None,
    test_path: str | None,
    anomaly: str | None,
    objective: str | None,
    probe: float,
    scenario: Scenario,
) -> Problem:
    """A classification, regression, anomaly detection or clustering; the task is inferred where it is None, and told.

    Raises Refused as `readers.table.load`, and for settings that contradict each other.
    """
    _check_split(group, time, test_path, scenario)
    place, test_place = Path(path).expanduser(), None if test_path is None else Path(test_path).expanduser()
    if target is None and task not in (None, "clustering"):
        whole = load(place, None, task=None, columns=columns, group=group, time=time, test_path=None)
        raise Refused(f"problem.task={task} needs problem.target=COLUMN, one of {_names(whole)}")
    data = load(place, target, task=task, columns=columns, group=group, time=time, test_path=test_place)
    found = _task(data, target, task)
    problem = _problem(data, found, anomaly, objective or RANKS[found], probe, scenario)
    odd = () if found == "clustering" or scenario.split == "all" else _oddities(data, problem.rows)
    tell(data, chain(_summary(place, data, found, task, target), odd))
    return problem


def _check_split(group: str | None, time: str | None, test_path: str | None, scenario: Scenario) -> None:
    """A column or file that the split would leave unused is a mistake, and mostly a leak."""
    split = scenario.split
    if test_path is not None and split != "official":
        raise Refused(f"problem.test_path is tested on by split=official, not by split={split}: add split=official")
    if test_path is None and split == "official":
        raise Refused("split=official tests on a file of its own: add problem.test_path=FILE, or use split=holdout")
    if group is not None and split not in ("group", "cv", "official"):
        raise Refused(f"problem.group={group} is of split=group, cv or official, not of split={split}: add split=group")
    if group is None and split == "group":
        raise Refused("split=group tests on whole groups: add problem.group=COLUMN that names them")
    if time is not None and split != "time":
        raise Refused(f"problem.time={time} is of split=time, not of split={split}: add split=time")
    if time is None and split == "time":
        raise Refused("split=time tests on the latest rows: add problem.time=COLUMN that says when they were")


def _task(data: Dataset, target: str | None, task: Task | None) -> Task:
    if target is None or task == "clustering":
        return "clustering"
    if task == "anomaly":
        return "anomaly"
    return "classification" if data.classes else "regression"


def _problem(
    data: Dataset, task: Task, anomaly: str | None, objective: str, probe: float, scenario: Scenario
) -> Anomaly | Classification | Clustering | Regression:
    if anomaly is not None and task != "anomaly":
        raise Refused(
            f"problem.anomaly={anomaly} is of problem.task=anomaly, this is a {task}: add problem.task=anomaly"
        )
    if task in ("anomaly", "classification") and len(data.classes) < 2:
        raise Refused(f"the target has one class, {quoted(data.classes[0])}: there is nothing to tell apart")
    match task:
        case "anomaly":
            if anomaly is None:
                raise Refused(f"problem.task=anomaly needs problem.anomaly=CLASS, one of {listed(list(data.classes))}")
            if anomaly not in data.classes:
                hint = near(anomaly, data.classes)
                raise Refused(f"problem.anomaly: there is no class {quoted(anomaly)}. {hint}")
            return Anomaly(data, anomaly, objective, probe, None, scenario)
        case "classification":
            return Classification(data, objective, probe, None, scenario)
        case "regression":
            return Regression(data, objective, probe, None, scenario)
        case "clustering":
            remedy = (
                f"no target is set: add problem.target=COLUMN, one of {_names(data)}, or pick trainer=unsupervised/..."
            )
            return Clustering(data, objective, None, remedy, scenario)


def _names(data: Dataset) -> str:
    return listed(list(data.space.spaces)) if isinstance(data.space, Dict) else "none: it holds a matrix and no other"


def _summary(place: Path, data: Dataset, found: Task, asked: Task | None, target: str | None) -> Iterator[str]:
    of = "" if target is None else f" of {quoted(target)}"
    how = "no target" if target is None else "as asked" if asked else "inferred: problem.task= sets it"
    yield f"{quoted(place.name)}: {len(data.targets):,} rows, {found}{of} ({how})"
    if data.classes:
        counts = np.bincount(data.targets, minlength=len(data.classes)).tolist()
        named = [f"{name} ({count:,})" for name, count in zip(data.classes, counts, strict=True)]
        yield f"classes: {listed(named, FEW)}"
    if isinstance(data.space, Dict):
        yield from columns_of(data.space)


def columns_of(space: Dict) -> list[str]:
    """A line for each kind of column, with the names of its first columns; of categories, how many values they have."""
    kinds: dict[str, list[str]] = {"numbers": [], "categories": [], "dates": []}
    for name, kind in space.spaces.items():
        if isinstance(kind, Category):
            kinds["categories"].append(f"{name} ({len(kind.values):,})")
        else:
            kinds["dates" if isinstance(kind, Date) else "numbers"].append(name)
    return [f"{kind}: {listed(names, FEW)}" for kind, names in kinds.items() if names]


def _oddities(data: Dataset, rows: Rows) -> Iterator[str]:
    """What the split makes of the rows, that its scores should be read with."""
    shown = np.concatenate([rows.train, rows.valid])
    if len(data.inputs) > ROWS:
        yield f"equal rows are not looked for among more than {ROWS:,}: see paralab data check"
    elif twice := across(data, shown, rows.test):
        yield f"{twice:,} of {len(rows.test):,} test rows have the inputs of a training row: scores may be too good"
    unseen = np.setdiff1d(data.targets[rows.test], data.targets[shown]) if data.classes else ()
    if len(unseen):
        yield f"tested on, but in no training row: class {listed([data.classes[code] for code in unseen], FEW)}"
