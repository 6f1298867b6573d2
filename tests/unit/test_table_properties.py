"""Any table that can be written is read with as many rows and equal values, or refused in one printable line."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pytest
from gymnasium.spaces import Dict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from paralab.core import Array, Space
from paralab.datasets.rows import frame, matrix
from paralab.errors import Refused
from paralab.named import Category, Date
from paralab.readers import delimited
from paralab.readers.kinds import MISSING_SPELLINGS
from paralab.readers.table import load, rows_for

FAST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
NASTY = [
    "", " ", "NA", "?", "=1+1", "@x", "-", '"', "a,b", "a;b", "é", "\n", "\r", "\u2028", "\0", "1e999", "inf", "0x1",
    "1_0", "1,5", "2020-01-01", "2020-13-01", "true", "٣", "\ufeff", "\x1b[2J", "'", "a\tb", "x" * 300,
]  # fmt: skip
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
TEXTS = st.text(max_size=6) | st.sampled_from(NASTY)
DATES = st.dates().map(str)
CELLS = {
    "number": NUMBERS,
    "text": TEXTS,
    "few": st.sampled_from(["a", "b", ""]),
    "date": DATES,
    "any": NUMBERS | TEXTS,
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    name = st.sampled_from(["a", "b", "y", "1", "a b"]) | st.text(max_size=5)
    names = draw(st.lists(name, min_size=1, max_size=4, unique_by=str.strip))
    cells = [CELLS[draw(st.sampled_from(sorted(CELLS)))] for _ in names]
    empty = draw(st.sampled_from([0.0, 0.5]))
    some = [cell if not empty else st.just("") | cell for cell in cells]
    rows = draw(st.lists(st.tuples(*some).map(list), max_size=12))
    return names, rows


def read(path: Path, target: str | None = None) -> tuple[Array, Space, tuple[str, ...]] | Refused:
    try:
        data = load(path, target, task=None, columns={}, group=None, time=None, test_path=None)
    except Refused as refused:
        said: Refused | None = refused
    else:
        said = None
    if said is not None:
        assert str(said).isprintable(), repr(str(said))
        return said
    assert all(line.isprintable() for line in data.notices)
    return data.inputs, data.space, data.notices


def plain(text: str) -> str | None:
    found = text.strip()
    return None if found in MISSING_SPELLINGS else found


def holds(inputs: Array, space: Dict, names: list[str], rows: list[list[str]]) -> None:
    """Every cell of every column that was kept is what was written."""
    assert len(inputs) == len(rows)
    named = [name.strip() or f"column {place}" for place, name in enumerate(names, 1)]
    for name, kind in space.spaces.items():
        for value, row in zip(inputs[name], rows, strict=True):
            cell = plain(row[named.index(name)])
            if isinstance(kind, Category):
                assert (kind.values[value] if value >= 0 else None) == cell
            elif isinstance(kind, Date):
                wanted = None if cell is None else float(np.datetime64(cell, "D").astype(np.int64))
                assert math.isnan(value) if wanted is None else value == wanted
            else:
                assert math.isnan(value) if cell is None else value == float(cell)


def keeps_every_row(table: tuple[list[str], list[list[str]]], quoting: int, end: str, block: int) -> None:
    names, rows = table
    if any("\r" in cell for line in (names, *rows) for cell in line):
        quoting = csv.QUOTE_ALL  # Python's writer would leave it bare, and then it ends a line
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows(rows)
    with TemporaryDirectory() as folder, patch.object(delimited, "BLOCK", block):
        path = Path(folder, "a.csv")
        path.write_bytes(text.getvalue().encode("utf-8", "replace"))
        found = read(path)
        if isinstance(found, Refused):
            return
        inputs, space, _ = found
        assert isinstance(space, Dict)
        holds(inputs, space, names, rows)
        again, _ = rows_for(path, space)
        assert matrix(again, space).tobytes() == matrix(inputs, space).tobytes()
        assert len(frame(inputs, space)) == len(rows)
        path.unlink()


QUOTES, ENDS = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"])
GIVEN = given(tables(), QUOTES, ENDS, st.sampled_from([1 << 20, 20, 50]))  # small blocks: the first misleads
test_keeps_every_row = FAST(GIVEN(keeps_every_row))
test_keeps_every_row_of_many = pytest.mark.slow(LONG(GIVEN(keeps_every_row)))


def never_a_traceback(content: bytes, suffix: str, target: str | None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(content)
        read(path, target)


BYTES = st.binary(max_size=80) | st.text("ab1,\"'\n\r;=. \t", max_size=60).map(str.encode)
SUFFIXES = st.sampled_from([".csv", ".tsv", ".csv.gz", ".csv.zst", ".csv.xz", ".parquet", ".feather", ".npz"])
WHATEVER = given(BYTES, SUFFIXES, st.sampled_from([None, "a", "b"]))
test_never_a_traceback = FAST(WHATEVER(never_a_traceback))
test_never_a_traceback_of_many = pytest.mark.slow(LONG(WHATEVER(never_a_traceback)))


def damaged_is_refused(seed: int, suffix: str) -> None:
    """Flipped bytes of a real file: other values, or one line."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    table = pa.table({"a": [1.5, None, 3.0], "b": ["x", "y", "x"], "y": [1, 0, 1], "t": [["u"], [], None]})
    stream = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        if suffix == ".npz":
            np.savez(path, X=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 0]))
        else:
            (parquet.write_table if suffix == ".parquet" else feather.write_feather)(table, path)
        content = bytearray(path.read_bytes())
        for place in stream.integers(0, len(content), stream.integers(1, 4)):
            content[place] = stream.integers(0, 256)
        path.write_bytes(content[: stream.integers(1, len(content) + 1)] if seed % 3 == 0 else content)
        read(path, "y")


DAMAGE = given(st.integers(0, 2**32), st.sampled_from([".parquet", ".feather", ".npz"]))
test_damaged_is_refused = FAST(example(63451, ".npz")(example(3851, ".feather")(DAMAGE(damaged_is_refused))))
test_damaged_is_refused_of_many = pytest.mark.slow(LONG(DAMAGE(damaged_is_refused)))
