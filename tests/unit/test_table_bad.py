"""Row 23 of the faults: one printable line that names file, line or column, and the remedy."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paralab.errors import Refused
from paralab.readers import opening
from paralab.readers.table import load, rows_for

NO = {"task": None, "columns": {}, "group": None, "time": None, "test_path": None}


def refusal(content: str | bytes, target: str | None = "y", name: str = "a.csv", **options: Any) -> str:
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Refused) as found:
        load(path, target, **{**NO, **options})
    assert str(found.value).isprintable()
    return str(found.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "'a.csv' is empty: give"),
        ("\n \n", "holds only blank lines"),
        ("x,y\n", "has a line of names and no rows: add"),
        ("x,y", "has a line of names and no rows: add"),
        ("x,y\n1,p\n2,p\n", "'y' has only one class, 'p': rows of another"),
        ("x,y\n1,3.5\n2,3.5\n", "is 3.5 in every row"),
        ("y\np\nq\n", "no column to learn from"),
        ("x,y\n,p\n,q\n", "no column to learn from: left out: x (nothing in it)"),
        ("x,x,y\n1,2,p\n", "columns 1 and 2 are both named 'x': rename"),
        ("x,y\n1,p\n\n2\n", "line 4: 1 cells, the line of names has 2: add 1"),
        ("x,y\n1,p\n2,q,3\n", "line 3: 3 cells, the line of names has 2: take out 1"),
        ('x,y\n"1\n2",p\n2,q,3\n', "line 4: 3 cells"),
        ("x,y\n1,p\n2,\n", "line 3: the target 'y' is missing (1 in all): fill"),
        ("x,y\n1,p\n\n-inf,q\n", "line 4: the number in column 'x' is infinite"),
        ("x,y\n1,p\n=1+1,q\n", "line 3, column 'x': '=1+1' looks like a formula, which is never computed"),
        ("x,y\n1,p\n=cmd|' /C calc'!A0,q\n", "looks like a formula"),
        (b"x,y\n1,p\n2,q\xff\n", "line 3: not UTF-8: save the file in UTF-8"),
        (b"x,y\n1,p\n\xff,2,3\n", "line 3: 3 cells, the line of names has 2"),
        (b"x\xff,y\n1,p\n", "line 1: the names are not UTF-8"),
        ("x,y\n1,p\n".encode("utf-16"), "is UTF-16: save it"),
        (b"\x89PNG\0\0\n\n", "line 1 holds a zero byte"),
        ('x,y\n1,p\n2,"q\n3,p\n', "a quote is opened and never closed"),
        ("5.1,3.5\n4.9,3.0\n", "line 1 holds numbers (5.1, ...): put a line of names above"),
        ("x,yy\n1,p\n", "has no column 'y'. Did you mean 'yy'?"),
        ("x,\x1b[2Jy\n1,p\n", "has no column 'y'"),
    ],
)
def test_bad_tables(content: str | bytes, said: str) -> None:
    assert said in refusal(content)


def test_a_few_texts_among_numbers() -> None:
    cells = "".join(f"{n},{'pq'[n % 2]}\n" for n in range(5, 40))
    assert "line 37, column 'x': 'oops' is not a number, as the others are: mend" in refusal(f"x,y\n{cells}oops,p\n")
    many = "1.5,p\n" + "".join(f"{n},{'pq'[n % 2]}\n" for n in range(300_000))
    assert "line 300003, column 'x': 'oops' is not a number" in refusal(f"x,y\n{many}oops,p\n2,q\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": {"c": "number"}}, "line 2: 'u' in column 'c' is not a number, as the column is read"),
        ({"columns": {"c": "date"}}, "line 2: 'u' in column 'c' is not a date (YYYY-MM-DD)"),
        ({"columns": {"c": "date:%d.%m.%Y"}}, "line 2: 'u' in column 'c' is not a date"),
        ({"columns": {"x": "numbr"}}, "'x' cannot be 'numbr'. Did you mean 'number'?"),
        ({"columns": {"zz": "number"}}, "has no column 'zz'. Known: c, x, y"),
        ({"group": "zz"}, "problem.group: 'a.csv' has no column 'zz'"),
        ({"time": "c"}, "problem.time=c: 'a.csv' holds text there"),
        ({"group": "x", "time": "x"}, "name three different columns"),
        ({"group": "x", "columns": {"x": "drop"}}, "but problem.columns drops it"),
        ({"task": "regression"}, "'y' is text ('p', line 2), regression needs numbers"),
        ({"target": "x", "task": "classification"}, "holds numbers (1.5), not classes: set problem.task=regression"),
        ({"target": None, "task": "classification"}, "needs an answer to learn: name its column by problem.target"),
        ({"test_path": Path("a.csv")}, "cannot be held out of itself"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], said: str) -> None:
    assert said in refusal("x,c,y\n1.5,u,p\n2,v,q\n", **{"target": "y", **options})


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        ("x,yy\n1,p\n", "'b.csv': there is no column 'y', as in training. Did you mean 'yy'?"),
        ("x,y\n1,p\n2,r\n", "'b.csv', line 3: class 'r' of target 'y' is not in the training file (p, q)"),
        ("x,y\n1,p\noops,q\n", "'b.csv', line 3: 'oops' in column 'x' is not a number"),
        ("x,y\n", "'b.csv' has a line of names and no rows"),
    ],
)
def test_bad_held_out_files(held_out: str, said: str) -> None:
    Path("b.csv").write_text(held_out)
    assert said in refusal("x,y\n1,p\n2,q\n", test_path=Path("b.csv"))


def test_targets_that_are_no_answer() -> None:
    names = "".join(f"{n}.5,name {n},2020-01-{n + 1:02d}\n" for n in range(30))
    assert "'n' is text, 30 distinct values, as 'name 0': not classes" in refusal(f"x,n,d\n{names}", "n")
    assert "'d' holds dates" in refusal(f"x,n,d\n{names}", "d")


def test_paths_that_are_no_table() -> None:
    Path("folder.csv").mkdir()
    Path("table.csv").write_text("x,y\n1,p\n")
    for path, said in (
        ("folder.csv", "is a folder, a file of rows is needed"),
        ("tabel.csv", "there is no file 'tabel.csv'. Did you mean 'table.csv'?"),
        ("nowhere/a.csv", "there is no file 'nowhere/a.csv'. Check the path."),
    ):
        with pytest.raises(Refused) as found:
            load(Path(path), "y", **NO)
        assert said in str(found.value)
    assert "what a '.xls' file is, is not known; known are .csv" in refusal("x", name="a.xls")
    assert "is damaged" in refusal(gzip.compress(b"x,y\n1,p\n" * 9999)[:-9], name="a.csv.gz")
    assert "is damaged" in refusal("no gzip", name="b.csv.gz")
    for suffix in ("parquet", "feather", "npz"):
        assert "is no whole " in refusal("garbage, long enough to be looked at", name=f"a.{suffix}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission() -> None:
    Path("a.csv").touch(mode=0)
    with pytest.raises(Refused, match=r"cannot be read|is empty"):
        load(Path("a.csv"), "y", **NO)


def test_bad_npz() -> None:
    def saved(**arrays: Any) -> bytes:
        np.savez("made.npz", **arrays)
        return Path("made.npz").read_bytes()

    targets = np.array([0, 1])
    for content, said in (
        (
            saved(X=np.array([{}, {}], object), y=targets),
            "array 'X' is a pickle, which could run code and is never read",
        ),
        (saved(X=np.ones((2, 2, 2)), y=targets), "array 'X' has shape (2, 2, 2): reshape"),
        (saved(X=np.ones((3, 2)), y=targets), "its arrays differ in length"),
        (saved(X=np.ones((2, 2)), Z=np.ones((2, 2)), y=targets), "holds 2 matrices (X, Z)"),
        (saved(X=np.array([[1, 2], [3, np.inf]]), y=targets), "row 2: column x1 is infinite"),
        (saved(X=np.ones((2, 2)), y=np.array([1j, 2])), "array 'y' holds complex128"),
        (saved(X=np.ones((2, 2))), "has no column 'y'"),
    ):
        assert said in refusal(content, name="a.npz")


def test_ten_million_columns_are_refused_by_the_beginning_of_the_header() -> None:
    with open("a.csv", "wb") as file:
        for _ in range(100):
            file.write(b"name," * 100_000)
    with pytest.raises(Refused, match="has more than 209,715 columns, at most 10,000 are taken"):
        load(Path("a.csv"), "y", **NO)
    assert "has 10,001 columns, at most 10,000" in refusal(",".join(map(str, range(10_001))) + "\n")


def test_too_large_for_the_memory_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "x,z,y\n" + "1,2,p\n3,4,q\n" * 100_000
    monkeypatch.setattr(opening, "free_memory", lambda: 4_000_000)
    for name, data in (("a.csv", content.encode()), ("a.csv.gz", gzip.compress(content.encode()))):
        assert " rows x 3 columns x 8 bytes x 2 copies = 0.0 GB, 0.0 GB are free" in refusal(data, name=name)
    with open("big.csv", "wb") as file:  # 5 GB of which 1 MiB is there
        file.write(content.encode())
        file.truncate(5_000_000_000)
    monkeypatch.setattr(opening, "free_memory", lambda: 24_000_000_000)
    with pytest.raises(
        Refused, match=r"about 833,\d\d\d,\d\d\d rows x 3 columns x 8 bytes x 2 copies = 40.0 GB, 24.0 GB"
    ):
        load(Path("big.csv"), "y", **NO)


def test_new_rows_that_do_not_fit() -> None:
    Path("a.csv").write_text("x,c,y\n1,u,p\n2,v,q\n")
    space = load(Path("a.csv"), "y", **NO).space
    for content, said in (
        ("x,d\n1,u\n", "'new.csv': there is no column 'c', which the model needs. Known: d, x"),
        ("x,c\n1,u\noops,u\n", "'new.csv', line 3: 'oops' in column 'x' is not a number"),
        ("x,c\n", "'new.csv' has a line of names and no rows"),
    ):
        Path("new.csv").write_text(content)
        with pytest.raises(Refused) as found:
            rows_for(Path("new.csv"), space)
        assert said in str(found.value)
