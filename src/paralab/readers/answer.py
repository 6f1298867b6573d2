"""The column that is the answer: classes or values, and which of the two it is taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paralab.core import Array
from paralab.errors import Refused
from paralab.readers.columns import Gathered
from paralab.readers.kinds import Declared, listed, quoted, say
from paralab.readers.settle import cleaned, codes, in_order, not_mixed, too_various

Task = Literal["classification", "regression", "anomaly", "clustering"]
FEW = 20  # distinct whole numbers that are taken for classes
LOOK = 10_000  # rows that settle most questions


@dataclass(frozen=True)
class Answer:
    targets: Array  # (n,) int64 class indices or float64 values
    classes: tuple[str, ...]  # empty: values


def answer(parts: Sequence[Gathered], name: str, task: Task | None, said: Mapping[str, Declared]) -> Answer:
    """The answers of the rows of all files; the first file alone settles classes and task. Raises Refused."""
    part, column = parts[0], parts[0].columns[name]
    where, target = part.file.where, f"target {quoted(name)}"
    if column.kind == "date":
        raise Refused(f"{where}: {target} holds dates: set {say(name, 'category')}, or name another problem.target")
    for each in parts:
        _all_there(each, name)
    if column.kind == "number":
        return _of_numbers(parts, name, task)
    if task == "regression":
        first = next(iter(column.values))
        raise Refused(
            f"{where}: {target} is text ({quoted(first)}, {part.file.place(0)}), regression needs numbers: set "
            f"problem.task=classification, or mend the column"
        )
    if name not in said:
        not_mixed(part, name)
    if column.overflown or (name not in said and too_various(part, column)):
        why = too_various(part, column)
        raise Refused(
            f"{where}: {target} is {why}: not classes; set {say(name, 'category')} if they are, or name another "
            "problem.target"
        )
    classes = tuple(in_order(cleaned(column)))
    for each in parts[1:]:
        strange = [value for value in cleaned(each.columns[name]) if value not in classes]
        if strange:
            spelled = cleaned(each.columns[name])[strange[0]]
            row = each.columns[name].first[each.columns[name].values[spelled]]
            _unknown(each, row, name, strange[0], classes)
    tables = [codes(each.columns[name], classes) for each in parts]
    targets = np.concatenate(
        [table[chunk] for table, each in zip(tables, parts, strict=True) for chunk in each.columns[name].chunks]
    )
    return _classes(part, name, targets.astype(np.int64), classes)


def _of_numbers(parts: Sequence[Gathered], name: str, task: Task | None) -> Answer:
    part = parts[0]
    values = [np.concatenate(each.columns[name].chunks).astype(np.float64, copy=False) for each in parts]
    wanted = task in ("classification", "anomaly")
    distinct = _few_whole(values[0], len(values[0]) if wanted else min(FEW, max(2, len(values[0]) // 2)))
    if task == "regression" or (distinct is None and not wanted):
        targets = np.concatenate(values)
        if part.columns[name].low == part.columns[name].high:
            raise Refused(f"{part.file.where}: target {quoted(name)} is {targets[0]:g} in every row: nothing to learn")
        return Answer(targets, ())
    if distinct is None or (wanted and 2 * len(distinct) > max(len(values[0]), 2 * FEW)):
        broken = values[0][values[0] != np.floor(values[0])]
        what = f"{broken[0]:g}" if len(broken) else f"{len(distinct if distinct is not None else values[0]):,} values"
        raise Refused(
            f"{part.file.where}: target {quoted(name)} holds numbers ({what}), not classes: set "
            f"problem.task=regression, or {say(name, 'category')}"
        )
    classes = tuple(str(int(value)) for value in distinct)
    for each, found in zip(parts[1:], values[1:], strict=True):
        strange = np.flatnonzero(~np.isin(found, distinct))
        if len(strange):
            _unknown(each, int(strange[0]), name, f"{found[strange[0]]:g}", classes)
    targets = np.searchsorted(distinct, np.concatenate(values)).astype(np.int64)
    return _classes(part, name, targets, classes)


def _few_whole(values: Array, most: int) -> Array | None:
    """The distinct values, sorted, where all are whole and few; else None."""
    for some in (values[:LOOK], values):
        distinct = np.unique(some)
        if len(distinct) > most or np.any(distinct != np.floor(distinct)):
            return None
    return distinct


def _classes(part: Gathered, name: str, targets: Array, classes: tuple[str, ...]) -> Answer:
    if len(classes) < 2:
        raise Refused(
            f"{part.file.where}: target {quoted(name)} has only one class, {quoted(classes[0])}: rows of another are "
            "needed, or problem.target=null problem.task=clustering"
        )
    return Answer(targets, classes)


def _all_there(part: Gathered, name: str) -> None:
    column, start = part.columns[name], 0
    if column.overflown:
        return
    table = codes(column, in_order(cleaned(column))) if column.kind != "number" else None
    for chunk in column.chunks:
        gone = np.isnan(chunk) if table is None else table[chunk] < 0
        if gone.any():
            raise Refused(
                f"{part.file.where}, {part.file.place(start + int(np.argmax(gone)))}: the target {quoted(name)} is "
                f"missing ({column.missing:,} in all): fill it in, or take the row out"
            )
        start += len(chunk)


def _unknown(part: Gathered, row: int, name: str, value: str, classes: tuple[str, ...]) -> None:
    raise Refused(
        f"{part.file.where}, {part.file.place(row)}: class {quoted(value)} of target {quoted(name)} is not in the "
        f"training file ({listed([*classes])}): mend it, or add rows of it there"
    )
