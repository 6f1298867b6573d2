"""Tables by their path: kinds, answers, held-out files, formats, and new rows for a model."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from pyarrow import feather, parquet

from paralab.datasets.dataset import Dataset
from paralab.datasets.rows import frame, matrix
from paralab.errors import Refused
from paralab.named import MISSING, UNKNOWN, Category, Date
from paralab.readers.answer import Task
from paralab.readers.table import load, rows_for

ABC = "n,c,d,y\n1,u,2020-01-01,p\n,v,,q\n2.5,,1969-12-31 12:00:00,p\n"


def read(
    path: Path | str,
    target: str | None = "y",
    task: Task | None = None,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
    time: str | None = None,
    test: Path | str | None = None,
) -> Dataset:
    held = None if test is None else Path(test)
    return load(Path(path), target, task=task, columns=columns or {}, group=group, time=time, test_path=held)


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def fields(data: Dataset) -> dict[str, object]:
    assert isinstance(data.space, Dict)
    return dict(data.space.spaces)


def test_kinds_of_columns_and_missing_cells() -> None:
    data = read(write("a.csv", ABC))
    assert fields(data) == {"n": Box(-np.inf, np.inf, (), np.float64), "c": Category(["u", "v"]), "d": Date()}
    assert data.inputs.dtype == np.dtype([("n", "<f8"), ("c", "<i4"), ("d", "<f8")])
    assert data.inputs["c"].tolist() == [0, 1, MISSING]
    np.testing.assert_array_equal(data.inputs["n"], [1, np.nan, 2.5])
    np.testing.assert_array_equal(data.inputs["d"], [18262, np.nan, -0.5])
    assert (data.classes, data.targets.tolist(), data.targets.dtype) == (("p", "q"), [0, 1, 0], np.int64)


def test_rows_as_a_matrix_and_as_a_frame() -> None:
    data = read(write("a.csv", ABC))
    inputs = data.inputs.copy()
    inputs["c"][0] = UNKNOWN
    np.testing.assert_array_equal(matrix(inputs, data.space), [[1, -2, 18262], [np.nan, 1, np.nan], [2.5, -1, -0.5]])
    table = frame(inputs, data.space)
    assert [str(kind) for kind in table.dtypes] == ["float64", "category", "datetime64[us]"]
    assert table["c"].isna().tolist() == [True, False, True]
    assert str(table["d"][2]) == "1969-12-31 12:00:00"
    plain = np.arange(6.0).reshape(3, 2)
    assert np.shares_memory(matrix(plain, Box(-1, 9, (2,))), plain)
    assert frame(plain, Box(-1, 9, (2,)))["x1"].tolist() == [1, 3, 5]


def test_many_rows_as_a_matrix() -> None:
    rows = 5000  # more than two blocks
    text = "".join(f"{row / 7},{'abc'[row % 3]},{row % 2}\n" for row in range(rows))
    data = read(write("a.csv", "n,c,y\n" + text))
    np.testing.assert_array_equal(matrix(data.inputs, data.space)[:, 0], np.arange(rows) / 7)
    np.testing.assert_array_equal(matrix(data.inputs, data.space)[:, 1], np.arange(rows) % 3)


@pytest.mark.parametrize(
    ("cells", "task", "classes", "targets"),
    [
        (["b", "a", "b", "a"], None, ("a", "b"), [1, 0, 1, 0]),
        (["10", "9", "10", "9"], None, ("9", "10"), [1, 0, 1, 0]),
        (["True", "False", "True", "False"], None, ("False", "True"), [1, 0, 1, 0]),
        (["1.0", "0", "1", "0"], None, ("0", "1"), [1, 0, 1, 0]),
        (["1.5", "0", "1", "0"], None, (), [1.5, 0, 1, 0]),
        (["1", "2", "3", "4"], None, (), [1, 2, 3, 4]),
        (["1", "2", "3", "4"], "classification", ("1", "2", "3", "4"), [0, 1, 2, 3]),
        (["1", "0", "1", "0"], "regression", (), [1, 0, 1, 0]),
        (["1", "0", "1", "0"], "anomaly", ("0", "1"), [1, 0, 1, 0]),
    ],
)
def test_answers(cells: list[str], task: Task | None, classes: tuple[str, ...], targets: list[float]) -> None:
    data = read(write("a.csv", "x,y\n" + "".join(f"{n}.5,{cell}\n" for n, cell in enumerate(cells))), task=task)
    assert (data.classes, data.targets.tolist()) == (classes, targets)
    assert data.targets.dtype == (np.int64 if classes else np.float64)


def test_without_a_target() -> None:
    data = read(write("a.csv", ABC), None)
    assert (data.classes, data.targets.tolist(), list(fields(data))) == ((), [0, 0, 0], ["n", "c", "d", "y"])


def test_what_is_no_input_is_left_out_with_a_notice() -> None:
    lines = "".join(f"{row},name {row},{row % 3},,k,{'pq'[row % 2]},{row * row}\n" for row in range(30))
    data = read(write("a.csv", "id,name,c,empty,same,y,out\n" + lines), columns={"out": "drop"})
    assert list(fields(data)) == ["c", "same"]
    for said in (
        "empty (nothing",
        "id (it counts",
        "name (text, 30 distinct",
        "out (as asked)",
        "which tells nothing: s",
    ):
        assert any(said in line for line in data.notices), said


def test_columns_as_declared() -> None:
    lines = "".join(f"{row},name {row},{row % 28 + 1:02d}/03/2020,{'pq'[row % 2]}\n" for row in range(30))
    declared = {"id": "number", "name": "category", "d": "date:%d/%m/%Y"}
    path = write("a.csv", "id,name,d,y\n" + lines)
    data = read(path, columns=declared)
    assert [type(kind) for kind in fields(data).values()] == [Box, Category, Date]
    assert data.inputs["d"][:2].tolist() == [18322.0, 18323.0]
    rows, _ = rows_for(path, data.space, {"d": declared["d"]})
    assert rows.tobytes() == data.inputs.tobytes()
    codes = read(write("zip.csv", "zip,y\n01,p\n10,q\n01,p\n"), columns={"zip": "category"})
    assert fields(codes)["zip"] == Category(["01", "10"])


def test_a_column_that_is_text_only_after_the_first_block() -> None:
    text = "a,b,y\n" + "1,,p\n2,,q\n" * 150_000 + "x,2020-01-01,p\n"
    data = read(write("a.csv", text))
    assert len(data.inputs) == 300_001
    assert fields(data) == {"a": Category(["1", "2", "x"]), "b": Date()}
    assert data.inputs["a"][-1] == 2
    assert data.inputs["b"][-1] == 18262


def test_a_row_longer_than_a_block_comes_late() -> None:
    text = "a,y\n" + "1,p\n2,q\n" * 200_000 + f"{'x' * 3_000_000},p\n"
    data = read(write("a.csv", text))
    assert len(data.inputs) == 400_001


def test_decimal_comma_semicolons_and_byte_order_mark() -> None:
    data = read(write("a.csv", '\ufeff"n"; c ;y\r\n1,5; u;p\r\n-2,25;?;q\r\n'))
    assert data.inputs["n"].tolist() == [1.5, -2.25]
    assert (fields(data)["c"], data.inputs["c"].tolist()) == (Category(["u"]), [0, MISSING])


def test_held_out_file() -> None:
    train = write("a.csv", "c,n,g,y\nu,1,a,p\nv,2,b,q\n")
    test = write("b.csv", "y,extra,n,c,g\nq,0,7,w,b\np,0,8,u,c\nq,0,8,,a\n")
    data = read(train, test=test, group="g")
    assert data.official is not None
    assert data.groups is not None
    assert (data.official.tolist(), data.targets.tolist()) == ([2, 3, 4], [0, 1, 1, 0, 1])
    assert (fields(data)["c"], data.inputs["c"].tolist()) == (Category(["u", "v", "w"]), [0, 1, 2, 0, MISSING])
    assert data.inputs["n"].tolist() == [1, 2, 7, 8, 8]
    assert data.groups[0] == data.groups[4]
    assert data.groups[1] == data.groups[2]
    assert len(set(data.groups.tolist())) == 3
    assert any("3 rows of 'b.csv'" in line for line in data.notices)
    assert any("not read from 'b.csv': extra" in line for line in data.notices)


@pytest.mark.parametrize("text", ["31/02/2020", "29/02/2021", "31/04/2020", "02/01/20"])
def test_a_day_that_no_calendar_has_is_no_date(text: str) -> None:
    path = write("t.csv", f"d,x,y\n01/03/2020,1.5,p\n{text},2.5,q\n,3.5,q\n")
    with pytest.raises(Refused, match=rf"line 3: '{text}' in column 'd' is not a date"):
        read(path, columns={"d": "date:%d/%m/%Y"})
    path = write("t.csv", "d,x,y\n01/03/2020,1.5,p\n29/02/2020,2.5,q\n3/4/1900,3.5,q\n")
    assert read(path, columns={"d": "date:%d/%m/%Y"}).inputs["d"].tolist() == [18322.0, 18321.0, -25475.0]


def test_whole_numbers_are_no_dates_by_themselves() -> None:
    columns = {"d": [None, 20200101, 20200103], "x": [1.5, 2.5, 3.5], "y": ["p", "q", "p"]}
    parquet.write_table(pa.table(columns), "t.parquet")
    with pytest.raises(Refused, match=r"row 2: '20200101' in column 'd' is not a date"):
        read("t.parquet", columns={"d": "date"})
    assert read("t.parquet", columns={"d": "date:%Y%m%d"}).inputs["d"][1:].tolist() == [18262.0, 18264.0]


def test_a_null_among_the_values_of_a_dictionary_is_missing() -> None:
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0], pa.int32()), pa.array(["a", None, "b"]))
    feather.write_feather(pa.table({"g": codes, "x": [1.5, 2.5, 3.5, 4.5], "y": ["p", "q", "p", "q"]}), "t.feather")
    assert read("t.feather").inputs["g"].tolist() == [0, MISSING, 1, 0]
    with pytest.raises(Refused, match=r"row 2: the group 'g' is missing"):
        read("t.feather", group="g")


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ns"])
def test_any_unit_of_time_and_any_order_of_bytes_in_an_npz(unit: str) -> None:
    days = np.array(["2020-01-02", "1960-05-06", "NaT"], f"datetime64[{unit}]")
    wanted = days.astype("datetime64[us]").astype("datetime64[D]").astype(float)
    wanted[2] = np.nan
    np.savez("t.npz", d=days, x=np.array([1.5, -2.0, 3.0], ">f8"), y=np.array([3, 4, 3], ">i4"))
    found = read("t.npz")
    np.testing.assert_array_equal(found.inputs["d"], wanted)
    assert (found.inputs["x"].tolist(), found.targets.tolist()) == ([1.5, -2.0, 3.0], [0, 1, 0])


def test_blanks_around_a_group_are_no_part_of_it() -> None:
    assert read(write("t.csv", "g,x,y\na,1.5,p\n a ,2.5,q\nb,3.5,p\n"), group="g").groups.tolist() == [0, 0, 1]  # type: ignore[union-attr]


def test_whole_numbers_that_begin_with_a_zero_are_names() -> None:
    data = read(write("zip.csv", "zip,n,y\n01328,0,a\n99938,0.5,b\n01328,10,a\n"))
    assert fields(data)["zip"] == Category(["01328", "99938"])
    assert data.inputs["zip"].tolist() == [0, 1, 0]
    assert data.inputs["n"].tolist() == [0, 0.5, 10]
    plain = read(write("plain.csv", "zip,y\n1328,a\n0,b\n-7,a\n"))
    assert plain.inputs["zip"].tolist() == [1328, 0, -7]


def test_a_day_that_may_be_a_month_is_left_to_the_user() -> None:
    rows = "".join(f"{1 + row % 28:02}/{1 + row % 12:02}/2021,{row % 3},{'ab'[row % 2]}\n" for row in range(60))
    path = write("days.csv", f"d,n,y\n{rows}")
    (notice,) = [line for line in read(path).notices if line.startswith("left out: d")]
    assert notice.endswith("\"+problem.columns={d: 'date:%d/%m/%Y'}\" keeps it")
    assert fields(read(path, columns={"d": "date:%d/%m/%Y"}))["d"] == Date()


def test_groups_and_times_are_no_inputs() -> None:
    path = write("a.csv", "x,who,day,y\n1,anna,2020-01-02,p\n2,ben,2020-01-01,q\n3,anna,2020-01-03,p\n")
    data = read(path, group="who", time="day")
    assert data.groups is not None
    assert data.times is not None
    assert (list(fields(data)), data.groups.tolist(), data.times.tolist()) == (["x"], [0, 1, 0], [18263, 18262, 18264])
    assert any("who, day" in line for line in data.notices)


def gz(path: Path) -> Path:
    return squeezed(path, gzip.compress, ".gz")


def squeezed(path: Path, by: Callable[[bytes], bytes], suffix: str) -> Path:
    packed = Path(path.name + suffix)
    packed.write_bytes(by(path.read_bytes()))
    return packed


def test_every_format_says_the_same() -> None:
    path = write("a.csv", ABC)
    whole = read(path)
    table = pa.table(
        {
            "n": [1.0, None, 2.5],
            "c": pa.array(["u", "v", None]).dictionary_encode(),
            "d": pa.array(["2020-01-01", None, "1969-12-31 12:00:00"]).cast(pa.timestamp("ns")),
            "y": ["p", "q", "p"],
        }
    )
    parquet.write_table(table, "a.parquet")
    feather.write_feather(table, "a.feather")
    np.savez(
        "a.npz",
        n=np.array([1, np.nan, 2.5]),
        c=np.array(["u", "v", ""]),
        d=np.array(["2020-01-01", "NaT", "1969-12-31T12:00"], "datetime64[s]"),
        y=np.array(["p", "q", "p"]),
    )
    tabs = write("a.tsv", ABC.replace(",", "\t"))
    with pa.output_stream("a.csv.zst", compression="zstd") as stream:
        stream.write(path.read_bytes())
    files = [gz(path), squeezed(path, bz2.compress, ".bz2"), squeezed(path, lzma.compress, ".xz"), gz(tabs), tabs]
    for each in [*files, *map(Path, ("a.csv.zst", "a.parquet", "a.feather", "a.npz"))]:
        data = read(each)
        assert data.inputs.tobytes() == whole.inputs.tobytes(), each
        assert (data.space, data.classes) == (whole.space, whole.classes), each
        assert data.targets.tobytes() == whole.targets.tobytes()


def test_a_matrix_in_an_npz_is_a_box() -> None:
    inputs, targets = np.arange(12, dtype=np.uint8).reshape(6, 2), np.arange(6) % 2
    np.savez("a.npz", X=inputs, y=targets)
    np.savez("b.npz", X=inputs[:2] + 1, y=targets[:2])
    data = read("a.npz", test="b.npz")
    assert data.space == Box(-np.inf, np.inf, (2,), np.float64)
    assert data.inputs.tolist() == [*inputs.tolist(), [1, 2], [3, 4]]
    assert data.official is not None
    assert (data.official.tolist(), data.classes) == ([6, 7], ("0", "1"))
    rows, _ = rows_for(Path("a.npz"), data.space)
    assert rows.tolist() == inputs.tolist()
    gaps = inputs.astype(float)
    gaps[0, 1] = np.nan
    np.savez("gaps.npz", X=gaps, y=targets)
    assert list(fields(read("gaps.npz"))) == ["x0", "x1"]


def test_new_rows_by_name() -> None:
    data = read(write("a.csv", ABC))
    path = write("new.csv", "extra,d,c,n\n0,2020-01-02,w,7\n0,,,\n0,2020-01-02,v,8\n1,,w,\n")
    rows, notices = rows_for(path, data.space)
    assert rows.dtype == data.inputs.dtype
    assert rows["c"].tolist() == [UNKNOWN, MISSING, 1, UNKNOWN]
    np.testing.assert_array_equal(rows["n"], [7, np.nan, 8, np.nan])
    assert any("ignored: extra" in line for line in notices)
    assert any("'c': 2 rows hold values that the model never saw: w" in line for line in notices)


def test_new_rows_of_plain_numbers() -> None:
    path = write("new.csv", "b,a,name\n1,2,x\n3,4,y\n")
    rows, notices = rows_for(path, Box(-1, 9, (2,), np.float64))
    assert rows.tolist() == [[1, 2], [3, 4]]
    assert any("in the order of the file" in line for line in notices)
    assert any("ignored: name" in line for line in notices)
    assert rows_for(path, Box(-1, 9, (2, 1), np.float32))[0].shape == (2, 2, 1)
    for wanted, space in (("2 columns of numbers, the model takes 3", Box(0, 1, (3,))), ("no rows", Discrete(3))):
        with pytest.raises(Refused, match=wanted):
            rows_for(path, space)
    with pytest.raises(Refused, match=r"line 3: column 'a' is empty"):
        rows_for(write("gap.csv", "a,b\n1,2\n,3\n"), Box(-1, 9, (2,)))


def test_a_table_is_read_once_until_it_changes() -> None:
    path = write("a.csv", ABC)
    once = read(path)
    assert read(path) is once
    assert not once.inputs.flags.writeable
    write("a.csv", ABC + "3,u,2020-01-01,q\n")
    assert len(read(path).inputs) == 4
