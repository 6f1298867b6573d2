"""Values of the literature: ours are whole and of problems that exist; a user's are checked line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from paralab.compare.compare import compare
from paralab.compare.published import published, read
from paralab.errors import Refused
from paralab.record.read import runs
from tests.unit.fake_runs import write_run

CONF = Path(__file__).parents[2] / "conf"
HEADER = "problem,method,metric,value,source\n"


def test_ours_are_of_problems_and_metrics_that_exist(tmp_path: Path) -> None:
    values = published(tmp_path, "none")
    problems = {path.stem for path in (CONF / "problem").glob("*.yaml")}
    assert {row.problem for row in values if not row.problem.startswith("gym-")} <= problems
    assert {"digits", "wine", "cartpole"} <= {row.problem for row in values}
    assert {row.metric for row in values} == {
        "test/accuracy",
        "test/ari",
        "test/ami",
        "test/homogeneity",
        "test/return",
    }
    assert all(0 <= row.value <= 1 for row in values if row.metric != "test/return")
    assert all(row.source and row.protocol and not row.own for row in values)
    assert len({(row.problem, row.method, row.metric) for row in values}) == len(values)
    zoo = [row for row in values if row.metric == "test/return"]
    assert zoo
    assert all("not a quantitative benchmark" in row.note for row in zoo)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column problem, method, metric, value, source"),
        ("problem,method,metric,value\n", "line 1: no column source"),
        ("problem,method,metric,value,source,sauce\n", "line 1, column 'sauce' is not known. Did you mean 'source'?"),
        ("problem,method,metric,value,source,value\n", "line 1: column value is there twice"),
        (HEADER + "digits,x,test/accuracy,.9,y\ndigits,x,test/accuracy,high,y\n", "line 3, column value: 'high'"),
        (HEADER + "digits,x,test/accuracy,nan,y\n", "line 2, column value: 'nan' is no finite number"),
        (HEADER + "digits,x,test/accuracy,.9,\n", "line 2, column source is empty"),
        (HEADER + "digits,x,valid/accuracy,.9,y\n", "line 2, column metric: 'valid/accuracy'"),
        (HEADER + "digits,x,test/accuracy,.9\n", "line 2 has 4 columns, the header 5"),
        (HEADER + 'digits,"x\ny",test/accuracy,.9,z\ndigits,x,test/accuracy,-,y\n', "line 4, column value"),
        (HEADER.strip() + ",labels\ndigits,x,test/accuracy,.9,y,0\n", "line 2, column labels: '0'"),
        (HEADER.strip() + ",error\ndigits,x,test/accuracy,.9,y,?\n", "line 2, column error"),
        (HEADER + 'digits,"x,test/accuracy,.9,y\n', "line 2"),
    ],
)
def test_an_error_names_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "demo").mkdir()
    path = tmp_path / "demo" / "published.csv"
    path.write_text(text)
    with pytest.raises(Refused) as refused:
        published(tmp_path, "demo")
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "published.csv").write_bytes(HEADER.encode() + b"\xff\xfe\n")
    with pytest.raises(Refused, match="not UTF-8"):
        published(tmp_path, "demo")


def test_blank_lines_and_a_byte_order_mark_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "published.csv").write_bytes(b"\xef\xbb\xbf" + (HEADER + "\nd,x,test/r2,1e-1,y\n\n").encode())
    (row,) = [row for row in published(tmp_path, "demo") if row.own]
    assert (row.problem, row.value, row.labels, row.paradigm) == ("d", 0.1, None, "-")
    assert read(HEADER, "x") == []


def test_a_value_stands_at_its_budget_and_metric_only(tmp_path: Path) -> None:
    for labels in (20, None):
        write_run(tmp_path, labels=labels, more={"test/ari": 0.5})
    (tmp_path / "demo" / "published.csv").write_text(
        "problem,method,metric,value,labels,source\ndigits,few,test/accuracy,.7,20,a\ndigits,most,test/accuracy,.9,,b\n"
        "digits,other,test/r2,.9,,c\niris,elsewhere,test/accuracy,.9,,d\ndigits,never,test/accuracy,.9,77,e\n"
    )
    found = compare(runs(tmp_path))
    foreign = [(row.method, row.budget, row.mean.mean, row.n) for row in found.standings if row.kind == "published"]
    assert foreign == [("few", 20, 0.7, 0), ("most", None, 0.9, 0)]
    ari = [row.method for row in compare(runs(tmp_path), metric="test/ari").standings if row.kind == "published"]
    assert ari == ["k-means, k-means++", "k-means, random", "k-means, PCA-based"]
    assert all("few" not in (pair.one, pair.other) for pair in found.pairs)


def test_values_of_another_environment_are_not_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "reinforcement/ppo", problem="cartpole", objective="return", score=400.0)
    assert any(row.kind == "published" for row in compare(runs(tmp_path)).standings)
    (folder / "config.yaml").write_text("problem: {kwargs: {sutton_barto_reward: true}, wrappers: []}\n")
    assert not any(row.kind == "published" for row in compare(runs(tmp_path)).standings)
