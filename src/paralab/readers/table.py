"""A table by its path as a Dataset: every row of the file, columns typed, nothing left out without a word."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gymnasium.spaces import Dict

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.errors import Refused
from paralab.named import MISSING
from paralab.readers.answer import Answer, Task, answer
from paralab.readers.assemble import structured
from paralab.readers.columns import Gathered, gather
from paralab.readers.files_of_rows import open_file
from paralab.readers.kinds import Declared, declared, listed, near, quoted, say
from paralab.readers.matrix_file import load_matrix
from paralab.readers.new_rows import rows_for
from paralab.readers.opening import format_of
from paralab.readers.settle import Input, LeftOut, left_out, settle
from paralab.readers.suspects import suspects

__all__ = ["Task", "load", "rows_for"]

DATED = "'date:%d/%m/%Y'"
KEPT = 2  # tables that a process holds on to, so that the runs of a sweep read theirs once
_loaded: OrderedDict[Hashable, Dataset] = OrderedDict()


@dataclass(frozen=True)
class Roles:
    """What the user names; checked against the columns of the file."""

    target: str | None
    group: str | None
    time: str | None

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(name for name in (self.target, self.group, self.time) if name is not None)


def load(
    path: Path,
    target: str | None,
    *,
    task: Task | None,
    columns: Mapping[str, str],
    group: str | None,
    time: str | None,
    test_path: Path | None,
) -> Dataset:
    """Read CSV, TSV (compressed too), Parquet, Feather or npz; the arrays are read-only and shared between calls.

    A cell that is empty or spelled as in kinds.MISSING_SPELLINGS is missing; blanks around texts are no part of them.
    Inputs are structured, one field a column, or (n, d) where an npz holds nothing else but one matrix. The rows of
    `test_path` follow those of `path`, and are `official`. Raises Refused, one line naming the file, the line or
    column, and the remedy.
    """
    key = (_stamp(path), target, task, tuple(columns.items()), group, time, test_path and _stamp(test_path))
    if key not in _loaded:
        roles = Roles(target, group, time)
        if len(set(roles.named)) < len(roles.named):
            raise Refused("problem.target, problem.group and problem.time name three different columns")
        if target is None and task in ("classification", "regression"):
            raise Refused(f"problem.task={task} needs an answer to learn: name its column by problem.target")
        if test_path is not None and _stamp(test_path) == _stamp(path):
            raise Refused(f"{quoted(path, 200)} cannot be held out of itself: name another file")
        made = load_matrix(path, target, task, test_path) if not columns and not (group or time) else None
        made = made or _load(path, roles, task, columns, test_path)
        for array in (made.inputs, made.targets, made.groups, made.times, made.official):
            if array is not None:
                array.setflags(write=False)
        _loaded[key] = replace(made, notices=(*made.notices, *suspects(made)))
    _loaded.move_to_end(key)
    while len(_loaded) > KEPT:
        _loaded.popitem(last=False)
    return _loaded[key]


def _load(path: Path, roles: Roles, task: Task | None, columns: Mapping[str, str], test_path: Path | None) -> Dataset:
    said, part = _read(path, roles, columns)
    inputs, notices, more = _columns(part, roles, said, test_path)
    parts = [part] if more is None else [part, more]
    found = Answer(np.zeros(sum(each.rows for each in parts), np.int64), ())
    if roles.target is not None:
        found = answer(parts, roles.target, task, said)
    groups = None if roles.group is None else _groups(parts, roles.group)
    times = None if roles.time is None else _times(parts, roles.time)
    space = Dict([(each.name, each.space) for each in inputs])
    official = None if more is None else np.arange(part.rows, part.rows + more.rows)
    rows = structured(parts, space)
    return Dataset(rows, found.targets, space, found.classes, path.name, groups, times, official, tuple(notices))


def _read(path: Path, roles: Roles, columns: Mapping[str, str]) -> tuple[dict[str, Declared], Gathered]:
    names = open_file(path, {}).names if columns else None
    said = declared(columns, names, quoted(path, 200)) if names is not None else {}
    file = open_file(path, said)
    for role in ("target", "group", "time"):
        name = getattr(roles, role)
        if name is None:
            continue
        if name not in file.names:
            raise Refused(f"problem.{role}: {file.where} has no column {quoted(name)}. {near(name, file.names)}")
        if file.kinds[name] == "drop":
            why = (file.strange or {}).get(name)
            raise Refused(
                f"problem.{role}={quoted(name)[1:-1]}: it holds {why}, which cannot be compared: save it as text"
                if why
                else f"problem.{role}={quoted(name)[1:-1]}, but problem.columns drops it: take one of the two back"
            )
    part = gather(file, said, uncapped=[] if roles.group is None else [roles.group])
    if part.rows == 0:
        raise Refused(f"{file.where} has a line of names and no rows: add rows below it")
    return said, part


def _columns(
    part: Gathered, roles: Roles, said: Mapping[str, Declared], test_path: Path | None
) -> tuple[list[Input], list[str], Gathered | None]:
    """The inputs, what to say about all other columns, and the held-out rows, read by the same kinds."""
    names = [name for name in part.columns if name not in roles.named]
    settled = [settle(part, name, said, None) for name in names]
    gone = [each for each in settled if isinstance(each, LeftOut)]
    strange = part.file.strange or {}
    gone += [LeftOut(name, f"of type {strange[name]}") for name in part.file.names if name in strange]
    dropped = [name for name, each in said.items() if each.kind == "drop"]
    gone += [LeftOut(name, "as asked") for name in dropped]
    notices = left_out(gone)
    if roles.group or roles.time:
        notices.append(
            f"no inputs, as they part the rows: {listed([name for name in (roles.group, roles.time) if name])}"
        )
    inputs = [each for each in settled if isinstance(each, Input)]
    if not inputs:
        raise Refused(f"{part.file.where} has no column to learn from: {'; '.join(notices) or 'only the target'}")
    if test_path is None:
        return inputs, notices, None
    more, ignored = _held_out(part, test_path, [*(each.name for each in inputs), *roles.named], said, roles)
    again = [settle(part, each.name, said, more) for each in inputs]
    notices.append(f"held out for testing: {more.rows:,} rows of {quoted(test_path.name)}")
    if ignored:
        notices.append(f"not read from {quoted(test_path.name)}: {listed(ignored)}")
    return [each for each in again if isinstance(each, Input)], notices, more


def _held_out(
    part: Gathered, path: Path, wanted: list[str], said: Mapping[str, Declared], roles: Roles
) -> tuple[Gathered, list[str]]:
    kinds = {name: Declared(part.columns[name].kind, said[name].format if name in said else None) for name in wanted}
    file = open_file(path, kinds)
    for name in wanted:
        if name not in file.names:
            raise Refused(f"{file.where}: there is no column {quoted(name)}, as in training. {near(name, file.names)}")
    more = gather(file, kinds, uncapped=wanted, only=wanted)
    if more.rows == 0:
        raise Refused(f"{file.where} has a line of names and no rows: add rows below it")
    return more, [name for name in file.names if name not in wanted and name not in part.file.names]


def _groups(parts: list[Gathered], name: str) -> Array:
    """Group numbers, (n,) int64, the same for the same value in both files."""
    found: list[Array] = []
    numbers: dict[str, int] = {}
    for part in parts:
        column = part.columns[name]
        _present(part, name, "group")
        if column.kind in ("number", "date"):
            found.append(np.concatenate(column.chunks))
        else:
            places = [numbers.setdefault(text.strip(), len(numbers)) for text in column.values]
            found.append(np.asarray(places)[np.concatenate(column.chunks)])
    return np.unique(np.concatenate(found), return_inverse=True)[1].astype(np.int64)


def _times(parts: list[Gathered], name: str) -> Array:
    if parts[0].columns[name].kind not in ("number", "date"):
        raise Refused(
            f"problem.time={quoted(name)[1:-1]}: {parts[0].file.where} holds text there, not numbers or dates: set "
            f"{say(name, DATED)} or how its dates are written"
        )
    for part in parts:
        _present(part, name, "time")
    return np.concatenate([chunk for part in parts for chunk in part.columns[name].chunks]).astype(np.float64)


def _present(part: Gathered, name: str, role: str) -> None:
    column, start = part.columns[name], 0
    for chunk in column.chunks if column.missing else []:
        gone = np.isnan(chunk) if chunk.dtype.kind == "f" else chunk == MISSING
        if gone.any():
            place = part.file.place(start + int(np.argmax(gone)))
            raise Refused(f"{part.file.where}, {place}: the {role} {quoted(name)} is missing: fill it in")
        start += len(chunk)


def _stamp(path: Path) -> tuple[str, int, int]:
    format_of(path)  # refuses what is no file
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns
