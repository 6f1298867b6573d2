"""`paralab predict`: any finished run on new rows; the same answers in every format, and never half a file."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paralab.cli.answers import WRITERS, columns, formulas
from paralab.cli.rows import new_rows
from paralab.core import Array, Meaning, Signature
from paralab.errors import Refused
from paralab.named import Classes
from paralab.record import files
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

ONE = gym.spaces.Box(-np.inf, np.inf, (1,), np.float64)
REAL = gym.spaces.Box(-np.inf, np.inf, (), np.float64)


def written(kind: str, *batches: Mapping[str, Array]) -> bytes:
    file = io.BytesIO()
    WRITERS[kind](file, iter(batches))
    return file.getvalue()


def table(kind: str, content: bytes) -> pd.DataFrame:
    """As pandas reads it."""
    file = io.BytesIO(content)
    match kind:
        case ".csv" | ".tsv":
            return pd.read_csv(file, sep="," if kind == ".csv" else "\t")
        case ".parquet":
            return pd.read_parquet(file)
        case ".feather":
            return pd.read_feather(file)
        case _:
            return pd.read_json(file, lines=kind == ".jsonl")


# --- columns ----------------------------------------------------------------------------------------------------------


def test_each_answer_has_its_columns() -> None:
    share = gym.spaces.Box(0, 1, (2,), np.float64)
    wide = gym.spaces.Box(-1, 1, (2, 2), np.float64)
    outputs: dict[Meaning, gym.Space[Any]] = {
        Meaning.LABEL: Classes(["no", "yes"]), Meaning.PROBABILITY: share, Meaning.VALUE: REAL,
        Meaning.CLUSTER: gym.spaces.Discrete(9), Meaning.ANOMALY: REAL, Meaning.EMBEDDING: share,
        Meaning.ACTION: wide, Meaning.STATE: share,
    }  # fmt: skip
    pairs = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    flat = np.arange(3)
    said = {
        Meaning.LABEL: np.array([1, 0, 1]), Meaning.PROBABILITY: pairs, Meaning.VALUE: flat / 2, Meaning.CLUSTER: flat,
        Meaning.ANOMALY: -flat / 2, Meaning.EMBEDDING: pairs, Meaning.ACTION: np.stack([pairs, pairs], 1),
        Meaning.STATE: pairs,
    }  # fmt: skip
    found = columns(said, Signature(ONE, outputs))
    assert list(found) == [
        "label", "probability_no", "probability_yes", "value", "cluster", "anomaly", "embedding_0", "embedding_1",
        "action_0", "action_1", "action_2", "action_3",
    ]  # fmt: skip
    assert list(found["label"]) == ["yes", "no", "yes"]
    np.testing.assert_array_equal(found["probability_yes"], pairs[:, 1])
    np.testing.assert_array_equal(found["action_2"], pairs[:, 0])


def test_classes_without_names_are_told_by_their_numbers() -> None:
    outputs: dict[Meaning, gym.Space[Any]] = {
        Meaning.LABEL: gym.spaces.Discrete(2), Meaning.PROBABILITY: gym.spaces.Box(0, 1, (2,), np.float64)
    }  # fmt: skip
    found = columns({Meaning.LABEL: np.array([1]), Meaning.PROBABILITY: np.eye(2)[:1]}, Signature(ONE, outputs))
    assert list(found) == ["label", "probability_0", "probability_1"]
    assert found["label"].tolist() == [1]


ODD = st.sampled_from("=+-@,;\"'\t\r\n 1aé\x00\u2028|")
NAMES = st.lists(st.text(ODD, max_size=4), min_size=1, max_size=5, unique=True)
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(NAMES, st.data())
def test_a_csv_of_any_names_reads_back_and_holds_no_formula(names: list[str], data: st.DataObject) -> None:
    signature = Signature(ONE, {Meaning.LABEL: Classes(names)})
    picked = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=9))
    found = columns({Meaning.LABEL: np.array(picked)}, signature)
    unsafe = formulas(signature)
    for kind, delimiter in ((".csv", ","), (".tsv", "\t")):
        text = written(kind, found, found).decode()
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        cells = [row[0] for row in rows[1:]]
        assert rows[0] == ["label"]
        assert cells == 2 * [f"'{names[each]}" if names[each] in unsafe else names[each] for each in picked]
    assert [row["label"] for row in json.loads(written(".json", found))] == [names[each] for each in picked]


@pytest.mark.parametrize(("name", "unsafe"), [
    ("=1+1", True), ("+cmd|x", True), ("-a", True), ("@SUM(A1)", True), ("\t=1", True), ("a=1", False), ("", False),
    ("-1", False), ("+1", False), ("-1e-3", False), ("'=1", False), (" =1", False),
])  # fmt: skip
def test_a_formula_is_what_a_spreadsheet_would_run(name: str, unsafe: bool) -> None:
    """The sign of a number is none: labels are often -1 and +1."""
    assert formulas(Signature(ONE, {Meaning.LABEL: Classes([name])})) == [name] * unsafe


FLOATS = st.lists(st.floats(width=64), min_size=1, max_size=7)


@SETTINGS
@given(FLOATS, FLOATS)
def test_numbers_keep_every_bit_in_every_format(one: list[float], other: list[float]) -> None:
    batches = [{"value": np.array(each), "place": np.arange(len(each))} for each in (one, other)]
    lines = written(".tsv", *batches).decode().splitlines()[1:]
    np.testing.assert_array_equal([float(line.split("\t")[0]) for line in lines], one + other)
    for kind in (".parquet", ".feather"):
        back = table(kind, written(kind, *batches))
        np.testing.assert_array_equal(back["value"].to_numpy(float), np.array(one + other))
    for kind in (".json", ".jsonl"):
        content = written(kind, *batches)
        rows = json.loads(content) if kind == ".json" else [json.loads(line) for line in content.splitlines()]
        expected = [each if math.isfinite(each) else None for each in one + other]
        assert [row["value"] for row in rows] == expected
        assert b"NaN" not in content
        assert b"Infinity" not in content


def test_plain_names_are_not_quoted() -> None:
    assert written(".csv", {"label": np.array(["a b", "c"], object)}) == b"label\na b\nc\n"


# --- the command ------------------------------------------------------------------------------------------------------


def train(cli: Cli, problem: str, trainer: str, *more: str) -> Path:
    code, out, err = cli("train", f"problem={problem}", f"trainer={trainer}", *more, "--json")
    assert code == 0, err
    return Path(json.loads(out)["folder"])


ORDER = "paralab: taken in the order of the file, as the model's 4 inputs have no names: x0, x1, x2, x3\n"


def table_of(path: Path, rows: Array, names: list[str] | None = None) -> Path:
    names = names or [f"x{place}" for place in range(rows.shape[1])]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    return path


def iris_rows() -> Array:
    from paralab.datasets.bundled import iris

    return iris().inputs


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; read only."""
    import paralab

    root = tmp_path_factory.mktemp("iris")
    return paralab.train("iris", "supervised/logistic", root=root).folder


def predicted(cli: Cli, *words: object) -> pd.DataFrame:
    code, out, err = cli("predict", *map(str, words))
    assert code == 0, err
    return pd.read_csv(io.StringIO(out))


def flowers(count: int, dates: str = "%Y-%m-%d") -> pd.DataFrame:
    """A table with a number, a category and a date, some missing, and a class that follows from them."""
    chance = np.random.default_rng(0)
    petal = chance.normal(size=count)
    colour = chance.choice(["red", "white", "blue"], count)
    picked = pd.Timestamp("2024-01-01") + pd.to_timedelta(chance.integers(0, 700, count), unit="D")
    kind = np.where((petal > 0) ^ (colour == "red"), "=rose", "lily, tall")
    whole = pd.DataFrame({"petal": petal, "colour": colour, "picked": picked.strftime(dates), "kind": kind})
    whole.loc[chance.random(count) < 0.1, "petal"] = np.nan
    whole.loc[chance.random(count) < 0.1, "colour"] = None
    return whole


@pytest.mark.parametrize("trainer", ["supervised/forest", "supervised/logistic"])
def test_a_table_s_model_answers_shuffled_columns_as_it_was_judged(trainer: str, cli: Cli) -> None:
    whole = flowers(120)
    whole.to_csv("flowers.csv", index=False)
    run = train(cli, "table", trainer, "problem.path=flowers.csv", "problem.target=kind")
    evidence = files.read_arrays(run / "predictions.npz")
    shuffled = whole.iloc[evidence["rows"]][["picked", "kind", "colour", "petal"]].assign(more=1)
    shuffled.to_parquet("new.parquet")
    code, out, err = cli("predict", str(run), "new.parquet")
    assert code == 0, err
    assert "'=rose': written with an apostrophe in front" in err
    found = pd.read_csv(io.StringIO(out))
    names = np.array(["'=rose", "lily, tall"])
    assert list(found) == ["label", "probability_=rose", "probability_lily, tall"]
    np.testing.assert_array_equal(found["label"], names[evidence["label"]])
    np.testing.assert_allclose(found.iloc[:, 1:], evidence["probability"], rtol=1e-15)
    shuffled.drop(columns="colour").to_csv("short.csv", index=False)
    code, out, err = cli("predict", str(run), "short.csv")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "colour" in err


def test_every_format_holds_the_same_answers(iris: Path, cli: Cli) -> None:
    new = table_of(Path("new.csv"), iris_rows())
    printed = predicted(cli, iris, new)
    assert printed.columns[0] == "label"
    assert len(printed) == 150
    for kind in WRITERS:
        code, out, err = cli("predict", str(iris), str(new), "-o", f"answers{kind}")
        assert (code, out, err) == (0, f"150 rows answered: answers{kind}\n", ORDER)
        back = table(kind, Path(f"answers{kind}").read_bytes())
        assert list(back) == list(printed)
        np.testing.assert_allclose(back.iloc[:, 1:], printed.iloc[:, 1:], rtol=1e-9)  # pandas reads JSON so
        assert list(back["label"]) == list(printed["label"])
    code, out, err = cli("predict", str(iris), str(new), "--json")
    assert out == Path("answers.json").read_text()
    assert not [path for path in Path.cwd().iterdir() if path.name.startswith(".")]


def test_the_model_folder_itself_will_do(iris: Path, cli: Cli) -> None:
    new = table_of(Path("new.csv"), iris_rows()[:5])
    pd.testing.assert_frame_equal(predicted(cli, iris / "model", new), predicted(cli, iris, new))


def test_rows_go_through_in_batches(iris: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    new = table_of(Path("new.csv"), iris_rows())
    whole = predicted(cli, iris, new)
    from paralab.cli import predict
    from paralab.trainers.skops_models import ClassifierModel

    ask, sizes = ClassifierModel.predict, []
    monkeypatch.setattr(ClassifierModel, "predict", lambda self, rows: sizes.append(len(rows)) or ask(self, rows))
    monkeypatch.setattr(predict, "BATCH", 64)
    pd.testing.assert_frame_equal(predicted(cli, iris, new), whole, rtol=1e-13)
    assert sizes == [64, 64, 22]


@pytest.mark.parametrize(
    ("trainer", "first"),
    [
        ("unsupervised/kmeans", "cluster"),
        ("unsupervised/pca", "embedding_0"),
        ("unsupervised/isolation_forest", "anomaly"),
        ("semi_supervised/label_spreading", "label"),
        ("reinforcement/linucb", "action"),
        ("supervised/mlp", "label"),
    ],
)
def test_every_paradigm_answers_in_its_own_words(trainer: str, first: str, cli: Cli) -> None:
    run = train(cli, "iris", trainer, "budget.steps=1")
    found = predicted(cli, run, table_of(Path("new.csv"), iris_rows()[:20]))
    assert found.columns[0] == first
    assert len(found) == 20
    assert found.notna().all(axis=None)


def test_a_policy_takes_rows_for_observations(cli: Cli) -> None:
    run = train(cli, "frozen_lake", "reinforcement/q_table", "budget.steps=200")
    found = predicted(cli, run, table_of(Path("new.csv"), np.arange(16)[:, None]))
    assert list(found) == ["action"]
    assert set(found["action"]) <= {0, 1, 2, 3}
    for row, says in ((16, "is 16; a whole number from 0 to 15 is needed"), (0.5, "is 0.5; a whole number")):
        code, out, err = cli("predict", str(run), str(table_of(Path("bad.csv"), np.array([[0], [row]]))))
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert says in err


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(-1, 3.4e38, (3,), np.float32),
        gym.spaces.Box(0, 255, (2, 2, 1), np.uint8),
        gym.spaces.Box(0, 1, (), np.float64),
        gym.spaces.Discrete(5, start=3),
        gym.spaces.MultiDiscrete([3, 4], start=[1, 0]),
        gym.spaces.MultiBinary((2, 2)),
    ],
    ids=repr,
)
def test_any_observation_is_a_row_of_numbers(space: gym.Space[Any]) -> None:
    space.seed(0)
    sampled = np.array([space.sample() for _ in range(9)])
    path = table_of(Path("new.csv"), sampled.reshape(9, -1))
    rows, _ = new_rows(path, space, {})
    assert rows.dtype == sampled.dtype
    assert all(space.contains(np.asarray(row)) for row in rows)
    np.testing.assert_array_equal(rows, sampled)


def test_a_space_that_is_no_row_is_refused() -> None:
    space = gym.spaces.Dict({"image": gym.spaces.Box(0, 1, (2, 2))})
    with pytest.raises(Refused, match="which the rows of a table cannot hold"):
        new_rows(table_of(Path("new.csv"), np.zeros((1, 4))), space, {})


# --- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("nowhere new.csv", "nowhere: there is no such run folder"),
        ("empty new.csv", "empty is no run folder"),
        ("IRIS/.. new.csv", "seed-0 is one"),
        ("FAILED new.csv", "this run is failed, not finished"),
        ("CUT new.csv", "this run is interrupted, not finished"),
        ("IRIS nowhere.csv", "nowhere.csv"),
        ("IRIS new.csv -o new.csv", "new.csv holds the rows that are asked about; name another output file"),
        ("IRIS new.csv -o ./empty/../new.csv --force", "holds the rows that are asked about"),
        ("IRIS new.csv -o there.csv", "there.csv is there already; --force replaces it"),
        ("IRIS new.csv -o x.xlsx", "x.xlsx: its suffix decides the format; end it in one of .csv, .tsv, .parquet"),
        ("IRIS new.csv -o no/x.csv", "no/x.csv cannot be written: there is no folder no"),
        ("IRIS new.csv -o folder.csv", "folder.csv cannot be written: it is a folder"),
        ("IRIS new.csv -o x.csv --json", "--json and x.csv: end the file in .json"),
        ("IRIS holes.csv", "holes.csv"),
        ("IRIS", "see paralab predict --help"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(words: str, says: str, iris: Path, cli: Cli) -> None:
    rows = iris_rows()[:5]
    table_of(Path("new.csv"), rows)
    table_of(Path("holes.csv"), np.where(rows == rows[2, 1], np.nan, rows))
    table_of(Path("there.csv"), rows)
    for name in ("empty", "folder.csv"):
        Path(name).mkdir()
    failed = write_run(Path("experiments"), status="failed", score=None)
    cut = write_run(Path("experiments"), status="running", score=None, seed=1)
    before = {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()}
    named = words.replace("IRIS", str(iris)).replace("FAILED", str(failed)).replace("CUT", str(cut))
    code, out, err = cli("predict", *named.split())
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert says in err
    after = {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file() and "state" not in path.parts}
    assert after == before


def test_force_replaces_and_what_fails_half_way_keeps_the_old(
    iris: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = table_of(Path("new.csv"), iris_rows())
    out = Path("out.csv")
    out.write_text("old")
    from paralab.cli import predict
    from paralab.trainers.skops_models import ClassifierModel

    ask, count = ClassifierModel.predict, []

    def full(self: ClassifierModel, rows: Array) -> Mapping[Meaning, Array]:
        count.append(1)
        if len(count) == 2:
            raise OSError(28, "No space left on device")
        return ask(self, rows)

    with monkeypatch.context() as half_way:
        half_way.setattr(predict, "BATCH", 100)
        half_way.setattr(ClassifierModel, "predict", full)
        code, _, err = cli("predict", str(iris), str(new), "-o", str(out), "--force")
    assert code == 1
    assert err.splitlines()[-1] == "paralab: out.csv could not be written: No space left on device"
    assert out.read_text() == "old"
    assert {path.name for path in Path.cwd().iterdir()} == {"new.csv", "out.csv", "state"}
    assert cli("predict", str(iris), str(new), "-o", str(out), "--force")[0] == 0
    assert len(pd.read_csv(out)) == 150


def test_a_changed_model_is_not_used(iris: Path, cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(iris, "copy")
    file = max(Path("copy/model").iterdir(), key=lambda path: path.stat().st_size)
    content = file.read_bytes()
    file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    code, out, err = cli("predict", "copy", str(table_of(Path("new.csv"), iris_rows())))
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "does not match its digest" in err


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_failure(iris: Path) -> None:
    new = table_of(Path("new.csv"), np.tile(iris_rows(), (200, 1)))
    command = f"{sys.executable} -m paralab predict {iris} {new} | head -2"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ORDER)
    assert len(done.stdout.splitlines()) == 2


def test_dates_are_read_as_the_run_read_them(cli: Cli) -> None:
    flowers(120, "%d/%m/%Y").to_csv("flowers.csv", index=False)
    words = ["problem.path=flowers.csv", "problem.target=kind", "+problem.columns.picked='date:%d/%m/%Y'"]
    run = train(cli, "table", "supervised/forest", *words)
    evidence = files.read_arrays(run / "predictions.npz")
    found = predicted(cli, run, "flowers.csv").iloc[evidence["rows"], 1:]
    np.testing.assert_allclose(found, evidence["probability"], rtol=1e-15)


def test_inputs_beyond_the_declared_range_are_said(cli: Cli) -> None:
    run = train(cli, "digits", "supervised/logistic", "labels=50")
    rows = np.zeros((3, 64))
    rows[1, 5] = 255
    _, out, err = cli("predict", str(run), str(table_of(Path("new.csv"), rows)))
    assert len(out.splitlines()) == 4
    assert err.splitlines()[-1] == "paralab: 1 of 3 rows lie outside of the range that the model's inputs have"
