"""A table by its path: the problem that its target makes it, in every view, and what is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from paralab.core import Environment, Labelled, Meaning, Mismatch, PartlyLabelled, Problem, Unlabelled, show
from paralab.datasets import encoding
from paralab.errors import Refused
from paralab.named import Category, Classes, Date
from paralab.problems.anomaly import Anomaly
from paralab.problems.classification import Classification
from paralab.problems.clustering import Clustering
from paralab.problems.regression import Regression
from paralab.problems.table import table
from paralab.record import log
from paralab.trainers.reinforcement.linucb import LinearPolicy, LinUCB
from tests.conftest import Cli
from tests.known import PLAIN, write_files

OPEN = {
    "target": None, "task": None, "columns": {}, "group": None, "time": None, "test_path": None, "anomaly": None,
    "objective": None, "probe": 10.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    write_files(tmp_path)
    rows = (tmp_path / "rows.csv").read_text().splitlines()
    (tmp_path / "more.csv").write_text("\n".join([rows[0], *rows[1:31]]))
    numbered = [f"{line},{'who' if place == 0 else place // 10},{'y' if place == 0 else place / 7:.4}" if place else
                f"{line},who,y" for place, line in enumerate(rows)]  # fmt: skip
    (tmp_path / "who.csv").write_text("\n".join(numbered))


def made(path: str = "rows.csv", scenario: dict[str, object] | None = None, **fields: object) -> Problem:
    told = replace(PLAIN, **(scenario or {}))  # type: ignore[arg-type]
    return table(path, scenario=told, **{**OPEN, **fields})  # type: ignore[arg-type]


def test_the_target_makes_the_problem() -> None:
    for fields, kind, objective in (
        ({"target": "kind"}, Classification, "accuracy"),
        ({"target": "kind", "task": "anomaly", "anomaly": "b"}, Anomaly, "average_precision"),
        ({"path": "who.csv", "target": "y"}, Regression, "r2"),
        ({}, Clustering, "silhouette"),
        ({"target": "kind", "task": "clustering", "objective": "ari"}, Clustering, "ari"),
        ({"target": "kind", "objective": "macro_f1"}, Classification, "macro_f1"),
    ):
        problem = made(**fields)  # type: ignore[arg-type]
        assert isinstance(problem, kind)
        assert problem.objective == objective


def test_every_view_shows_structured_rows_and_the_names_of_classes() -> None:
    problem = made(target="kind", scenario={"labels": 30})
    names = ("size", "weight", "colour", "bought")
    for view in (Labelled, PartlyLabelled, Unlabelled):
        shown = show(problem, view)
        assert shown.inputs.dtype.names == names
        assert shown.inputs.flags.writeable
        assert isinstance(shown.task.inputs, gym.spaces.Dict)
        assert list(shown.task.inputs) == list(names)
    assert show(problem, Labelled).task.outputs == {Meaning.LABEL: Classes(["a", "b", "c"])}
    assert show(problem, Unlabelled).task.outputs == {}
    kinds = show(problem, Labelled).task.inputs.spaces  # type: ignore[attr-defined]
    assert isinstance(kinds["colour"], Category)
    assert isinstance(kinds["bought"], Date)


def test_a_context_is_the_columns_of_a_row_with_its_gaps() -> None:
    problem = made(target="kind")
    shown = show(problem, Environment)
    env = shown.make(0)
    assert isinstance(env.observation_space, gym.spaces.Dict)
    contexts = [env.reset()[0] for _ in range(200)]
    assert all(set(context) == {"size", "weight", "colour", "bought"} for context in contexts)
    sizes = np.array([context["size"] for context in contexts])
    assert 0 < np.isnan(sizes).sum() < 100
    assert {int(context["colour"]) for context in contexts} == {-1, 0, 1, 2}
    whole = next(context for context in contexts if not np.isnan(context["size"]))
    assert env.observation_space.contains(whole)
    many = shown.make_vec(3)
    observed, _ = many.reset()
    assert observed["colour"].shape == (3,)


def test_linucb_learns_from_rows_and_answers_them_raw(tmp_path: Path) -> None:
    problem = made(target="kind")
    trainer = LinUCB(scale="auto", alpha=0.3, ridge=1.0, stride=20, horizon=1000)
    whole = list(trainer.train(show(problem, Environment), 0))
    model = whole[-1].model
    assert isinstance(model, LinearPolicy)
    assert problem.evaluate(model, "test").scores["accuracy"] > 0.8
    assert np.isfinite(model.weights).all()
    np.testing.assert_array_equal(model.shift[2:5], 0)  # a colour is 0 or 1 already
    np.testing.assert_array_equal(model.factor[2:5], 1)

    view = show(problem, Environment)
    stream = trainer.train(view, 0)
    stopped = next(stream)
    state = {name: np.array(array) for name, array in stopped.state().items()}
    stream.close()
    later = show(problem, Environment)
    later.meter.used, later.meter.reward = view.meter.used, view.meter.reward
    *_, resumed = trainer.train(later, 0, state)
    assert isinstance(resumed.model, LinearPolicy)
    assert resumed.model.weights.tobytes() == model.weights.tobytes()

    place = tmp_path / "model"
    place.mkdir()
    model.save(place)
    loaded, inputs = LinearPolicy.load(place), show(problem, Unlabelled).inputs
    assert loaded.signature == model.signature
    np.testing.assert_array_equal(loaded.predict(inputs)[Meaning.ACTION], model.predict(inputs)[Meaning.ACTION])


def test_running_moments_are_those_of_what_was_not_missing() -> None:
    problem = made(target="kind")
    view = show(problem, Environment)
    env = view.make(0)
    seen = [env.reset()[0] for _ in range(int(view.meter.left) + 1)]
    *_, last = LinUCB(scale="standard", alpha=0.3, ridge=1.0, stride=20, horizon=1000).train(view, 0)
    assert isinstance(last.model, LinearPolicy)
    sizes = np.array([context["size"] for context in seen])
    np.testing.assert_allclose(last.model.shift[0], np.nanmean(sizes))
    np.testing.assert_allclose(1 / last.model.factor[0], np.nanstd(sizes))


def test_linucb_refuses_what_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.trainers.reinforcement import linucb

    monkeypatch.setattr(linucb, "MOST", 1000)
    with pytest.raises(Refused, match="leave out columns of many categories"):
        next(LinUCB("auto", 0.3, 1.0, 20, 100).train(show(made(target="kind"), Environment), 0))


def test_encoding_is_by_what_is_declared() -> None:
    space = gym.spaces.Dict([
        ("size", gym.spaces.Box(0, 9, (), np.float64)), ("colour", Category(["red", "blue"])), ("day", Date()),
    ])  # fmt: skip
    rows = np.array(
        [(1.0, 0, 5.0), (np.nan, 1, 7.0), (3.0, -1, np.nan), (2.0, -2, 6.0)],
        [("size", "<f8"), ("colour", "<i4"), ("day", "<f8")],
    )
    nan = np.nan
    np.testing.assert_array_equal(
        encoding.encode(rows, space), [[1, 1, 0, 5], [nan, 0, 1, 7], [3, 0, 0, nan], [2, 0, 0, 6]]
    )
    flat = encoding.flat(space)
    assert isinstance(flat, gym.spaces.Box)
    assert list(flat.high) == [9, 1, 1, np.inf]
    assert list(encoding.numbers(space)) == [True, False, False, True]
    prepared = encoding.standardised(rows, space)
    np.testing.assert_allclose(prepared[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5), 0])
    np.testing.assert_array_equal(prepared[:, 1:3], [[1, 0], [0, 1], [0, 0], [0, 0]])
    plain = np.ones((2, 3))
    assert encoding.encode(plain, flat) is plain
    assert encoding.standardised(plain, flat) is plain
    nested = gym.spaces.Dict({"far": gym.spaces.Box(0, 1, (2,), np.float64)})
    assert encoding.flat(nested) is nested


def test_clusters_of_a_table_are_judged_without_a_label(cli: Cli) -> None:
    code, out, err = cli("train", "problem=table", "problem.path=rows.csv", "trainer=unsupervised/kmeans", "-q")
    assert code == 0, err
    assert "test/silhouette" in out
    assert "test/ari" not in out
    assert "cost/feedback   0" in out or "cost/feedback" in out
    code, out, err = cli("train", "problem=table", "problem.path=rows.csv", "trainer=unsupervised/pca", "-q")
    assert code == 0, err
    assert "test/" not in out
    problem = made(scenario={"split": "all"})
    assert len(show(problem, Unlabelled).inputs) == 150


def test_what_was_supposed_is_told(cli: Cli) -> None:
    code, _, err = cli("train", "problem=table", "problem.path=rows.csv", "problem.target=kind",
                       "trainer=supervised/logistic")  # fmt: skip
    assert code == 0
    said = err.splitlines()
    assert any("'rows.csv': 150 rows, classification of 'kind' (inferred" in line for line in said), said
    assert any("categories: colour (3)" in line for line in said)
    assert any("numbers: size, weight" in line for line in said)
    assert any("dates: bought" in line for line in said)
    assert all(len(line) <= 80 for line in said[1:])


def test_a_sweep_tells_it_once_and_every_log_has_it(cli: Cli) -> None:
    code, _, err = cli("train", "problem=table", "problem.path=rows.csv", "problem.target=kind", "executor=inline",
                       "trainer=supervised/logistic", "seed=0,1,2", "-m")  # fmt: skip
    assert code == 0
    assert err.count("classification of 'kind'") == 1
    logs = [path.read_text() for path in Path.cwd().glob("experiments/*/runs/*/*/*/*/*/run.log")]
    assert [text.count("classification of 'kind'") for text in logs] == [1, 1, 1]


def test_what_a_refused_run_noted_is_not_the_next_ones(cli: Cli) -> None:
    table = ("problem=table", "problem.path=rows.csv", "problem.target=kind", "trainer=supervised/logistic")
    code, _, err = cli("train", *table, "labels=1")
    assert code == 2, err
    code, _, err = cli("train", "problem=iris", "trainer=supervised/logistic")
    assert code == 0
    assert "rows.csv" not in err


def test_rows_on_both_sides_of_the_split_are_counted() -> None:
    with log.noting() as noted:
        made(target="kind", test_path="more.csv", scenario={"split": "official"})
    assert "30 of 30 test rows have the inputs of a training row" in " ".join(noted)
    with log.noting() as noted:
        made(target="kind")
    assert noted
    assert "training row" not in " ".join(noted)


def test_a_class_of_the_future_is_told(tmp_path: Path) -> None:
    lines = [f"{n},{n % 7},{'abc'[n // 80 * 2 or n % 2]}" for n in range(100)]
    (tmp_path / "late.csv").write_text("\n".join(["when,x,y", *lines]))
    with log.noting() as noted:
        problem = made("late.csv", {"split": "time"}, target="y", time="when")
    assert "tested on, but in no training row: class c" in " ".join(noted)
    assert len(show(problem, Labelled).inputs) == 70


@pytest.mark.parametrize(
    ("fields", "scenario"),
    [
        ({"path": "who.csv", "target": "kind", "group": "who"}, {"split": "group"}),
        ({"path": "who.csv", "target": "kind", "group": "who"}, {"split": "cv", "fold": 1}),
        ({"path": "who.csv", "target": "kind", "time": "y"}, {"split": "time", "select": True}),
        ({"path": "who.csv", "target": "y", "time": "bought"}, {"split": "time"}),
        ({"target": "kind", "test_path": "more.csv"}, {"split": "official"}),
        ({"path": "who.csv", "group": "who"}, {"split": "group"}),
    ],
)
def test_every_split_has_its_column_or_file(fields: dict[str, object], scenario: dict[str, object]) -> None:
    problem = made(scenario=scenario, **fields)  # type: ignore[arg-type]
    assert isinstance(problem, Classification | Clustering | Regression)
    data, rows = problem.data, problem.rows
    show(problem, Unlabelled)
    if data.groups is not None:
        assert not set(data.groups[rows.test]) & set(data.groups[rows.train])
    if data.times is not None:
        assert data.times[rows.train].max() < data.times[rows.test].min()
    if data.official is not None:
        np.testing.assert_array_equal(rows.test, np.arange(150, 180))


@pytest.mark.parametrize(
    ("fields", "scenario", "said"),
    [
        (
            {"task": "classification"},
            {},
            "problem.task=classification needs problem.target=COLUMN, one of size, weight",
        ),
        ({"target": "kind", "task": "anomaly"}, {}, "needs problem.anomaly=CLASS, one of a, b, c"),
        ({"target": "kind", "task": "anomaly", "anomaly": "d"}, {}, "there is no class 'd'"),
        ({"target": "kind", "anomaly": "a"}, {}, "this is a classification: add problem.task=anomaly"),
        ({"target": "kind", "test_path": "more.csv"}, {}, "not by split=holdout: add split=official"),
        ({"target": "kind"}, {"split": "official"}, "add problem.test_path=FILE"),
        ({"path": "who.csv", "target": "kind", "group": "who"}, {}, "not of split=holdout: add split=group"),
        ({"path": "who.csv", "target": "kind", "time": "y"}, {}, "not of split=holdout: add split=time"),
        ({"target": "kind"}, {"split": "group"}, "add problem.group=COLUMN"),
        ({"target": "kind"}, {"split": "time"}, "add problem.time=COLUMN"),
        ({"target": "kind", "objective": "r2"}, {}, "problem.objective=r2 is no score of this problem"),
        ({"objective": "ari"}, {}, "problem.objective=ari is no score"),
        ({}, {"labels": 5}, "labels=5: a clustering has no labels to grant"),
        ({}, {"select": True}, "select=true chooses by validation labels"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    fields: dict[str, object], scenario: dict[str, object], said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        made(scenario=scenario, **fields)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("view", [Labelled, PartlyLabelled, Environment])
def test_a_target_that_was_forgotten_is_said(view: type[Labelled]) -> None:
    with pytest.raises(Mismatch, match=r"no target is set: add problem\.target=COLUMN, one of size"):
        show(made(), view)


def test_row_23(tmp_path: Path, cli: Cli) -> None:
    """0 labels, more labels than rows, fewer rows than classes, one class: exit 2, one line with the remedy."""
    write = {
        "few.csv": "x,y\n1,a\n2,b\n3,c",
        "one.csv": "x,y\n1,a\n2,a\n3,a\n4,a",
        "none.csv": "x,y",
        "lone.csv": "x,y\n" + "\n".join(f"{n},{'a' if n else 'b'}" for n in range(12)),
        "single.csv": "x,y\n1,2.5",
    }
    for name, text in write.items():
        (tmp_path / name).write_text(text)
    for path, more, said in (
        ("rows.csv", ("labels=0", "problem.target=kind"), "labels=0 grants no answer at all"),
        ("rows.csv", ("labels=2", "problem.target=kind"), "labels=2 is fewer than the 3 classes"),
        ("rows.csv", ("labels=500", "problem.target=kind"), "labels=500 is more than the 105 training rows"),
        ("few.csv", ("problem.target=y",), "no row of class 'a'"),
        ("lone.csv", ("problem.target=y",), "class 'b'"),
        ("one.csv", ("problem.target=y",), "one class"),
        ("none.csv", ("problem.target=y",), "rows"),
        ("single.csv", ("problem.target=y",), "single.csv"),
        ("rows.csv", ("problem.target=kin",), "Did you mean 'kind'"),
        ("rows.csv", (), "problem.target=COLUMN"),
    ):
        code, out, err = cli("train", "problem=table", f"problem.path={path}", "trainer=supervised/forest", "-q", *more)
        assert (code, out) == (2, ""), (path, more, err)
        assert len(err.splitlines()) == 1
        assert said in err
