"""An npz of one matrix and its answer: (n, d) inputs in a Box, without a name for each of hundreds of columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.errors import Refused
from paralab.readers import typed
from paralab.readers.answer import Answer, Task, answer
from paralab.readers.assemble import unbounded
from paralab.readers.columns import gather
from paralab.readers.files_of_rows import file_of_arrays
from paralab.readers.kinds import quoted
from paralab.readers.opening import format_of


def load_matrix(path: Path, target: str | None, task: Task | None, test_path: Path | None) -> Dataset | None:
    """The Dataset, or None where the file is something else, or has missing values or further columns."""
    files = [each for each in (path, test_path) if each is not None]
    read = [typed.arrays(each) for each in files if format_of(each) == "npz"]
    if len(read) < len(files):
        return None
    whole = [numbers(file, matrix) for file, (matrix, _) in zip(files, read, strict=True)]
    matrices = [each for each in whole if each is not None]
    if len(matrices) < len(files) or any(columns.keys() - {target} for _, columns in read):
        return None
    widths = [each.shape[1] for each in matrices]
    if len(set(widths)) > 1:
        raise Refused(f"{quoted(files[1], 200)} has {widths[1]} columns, the training file {widths[0]}: give as many")
    rows = sum(map(len, matrices))
    found = Answer(np.zeros(rows, np.int64), ())
    if target is not None:
        if any(target not in columns for _, columns in read):
            return None  # a column of the matrix, or a name that is not there: the table says so
        parts = [gather(file_of_arrays(file, columns), {}) for file, (_, columns) in zip(files, read, strict=True)]
        found = answer(parts, target, task, {})
    official = np.arange(len(matrices[0]), rows) if len(files) > 1 else None
    inputs = np.concatenate(matrices) if len(matrices) > 1 else matrices[0]
    if not inputs.size:
        raise Refused(f"{quoted(path, 200)}: its matrix has shape {inputs.shape}: give rows and columns")
    space = unbounded(widths[0])
    return Dataset(inputs, found.targets, space, found.classes, path.name, official=official)


def numbers(path: Path, matrix: Array | None) -> Array | None:
    """The matrix as float64; None where it is not made of numbers or some are missing; raises Refused for infinity."""
    if matrix is None or matrix.dtype.kind not in "biuf":
        return None
    found = matrix.astype(np.float64)
    if np.isfinite(found.sum()):
        return found
    if np.isinf(found).any():
        row, column = (int(each[0]) for each in np.nonzero(np.isinf(found)))
        raise Refused(f"{quoted(path, 200)}, row {row + 1}: column x{column} is infinite: mend it, or make it NaN")
    return None if np.isnan(found).any() else found
