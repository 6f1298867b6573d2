"""Around the report's tables: the answer, curves as text, pages of runs, the card, the index."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paralab.compare.compare import compare
from paralab.compare.gather import blocks
from paralab.errors import Refused
from paralab.page.line import line
from paralab.page.numbers import size
from paralab.record.read import runs
from paralab.report.advice import advice
from paralab.report.answer import leaders
from paralab.report.card import card
from paralab.report.runs_pages import FEW, MOST, pages, told
from paralab.report.sparks import BLOCKS, WIDTH, spark, sparks
from paralab.seeds import TUNING
from tests.conftest import Cli
from tests.unit.fake_runs import write_run


def two(root: Path, gap: float, seeds: int = 10) -> None:
    for seed in range(seeds):
        wiggle = 0.01 * math.sin(7 * seed)
        write_run(root, "supervised/low", seed=seed, score=0.8 + wiggle)
        write_run(root, "supervised/high", seed=seed, score=0.8 + gap - wiggle)


@pytest.mark.parametrize(("gap", "said"), [(0.1, "is told apart"), (0.0005, "is not told apart")])
def test_the_leader_is_told_apart_or_not(tmp_path: Path, gap: float, said: str) -> None:
    two(tmp_path, gap)
    found = leaders(compare(runs(tmp_path)))
    assert found is not None
    assert said in found.head
    assert found.lines[0].startswith("digits: high (")
    assert f"ahead by {gap:.3f}"[:12].replace("0.", ".") in found.lines[0]
    assert "[" in found.lines[0]


def test_one_method_leads_nobody(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert leaders(compare(runs(tmp_path))) is None


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=200))
def test_a_spark_spans_from_least_to_greatest(values: list[float]) -> None:
    drawn = spark(values)
    known = [value for value in values if math.isfinite(value)]
    assert len(drawn) == (min(len(values), WIDTH) if known else 0)
    assert set(drawn) <= set(BLOCKS) | {" "}
    if len(values) <= WIDTH and len(known) > 1 and max(known) - min(known) > 1e-9:
        assert drawn[values.index(min(known))] == BLOCKS[0]
        assert drawn[values.index(max(known))] == BLOCKS[-1]


def test_curves_come_from_histories_where_there_is_one_budget(tmp_path: Path) -> None:
    for seed in range(2):
        folder = write_run(tmp_path, seed=seed)
        rows = [{"step": step, "train/loss": 2.0 - step / 10 + seed} for step in range(11)]
        (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (block,) = blocks(runs(tmp_path))
    (curve,) = sparks(block)
    assert (curve.what, curve.first, curve.last) == ("train loss by step", "2.50", "1.500")
    assert curve.line[0] == BLOCKS[-1]
    assert curve.line[-1] == BLOCKS[0]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=50))
def test_a_line_stays_in_its_frame(values: list[float]) -> None:
    drawn = line(list(range(len(values))), values, "<step>", "loss", "#000")
    assert "<step>" not in drawn
    points = drawn.split('points="')[1].split('"')[0].split()
    assert all(0 <= float(y) <= 200 and 0 <= float(x) <= 640 for x, y in (point.split(",") for point in points))


def test_many_runs_have_few_pages(tmp_path: Path) -> None:
    for seed in range(MOST):
        write_run(tmp_path, seed=seed, score=seed / MOST)
    write_run(tmp_path, seed=MOST, score=None, status="failed")
    found = runs(tmp_path)
    shown = pages(found, blocks(found))
    assert {run.seed for run, _ in shown.values()} == {0, MOST - 1, MOST}
    assert f"3 of {MOST + 1} runs have a page" in told(found, shown)
    assert str(FEW) in told(found, shown)
    few = found[:MOST]
    assert len(pages(few, blocks(few))) == MOST
    assert told(few, pages(few, blocks(few))) == ""


def test_the_card_says_for_whom(tmp_path: Path) -> None:
    folder = write_run(tmp_path, seed=1)
    found = runs(tmp_path)
    said = dict(card("demo", "", blocks(found), found))
    assert said["For whom"] == ["Not said: the experiment's config has no plan."]
    (folder / "config.yaml").write_text("plan: {serves: the ward}\ntest_size: 0.3\n")
    said = dict(card("demo", "", blocks(found), found))
    assert said["For whom"] == ["Serves: the ward"]
    assert "0.3 of the rows tested on" in said["Data"][0]


def test_all_writes_an_index(tmp_path: Path, cli: Cli) -> None:
    write_run(tmp_path, experiment="one", question="Why?")
    write_run(tmp_path, experiment="two", score=None, status="failed")
    code, out, _ = cli("report", "--all", "--json", "--root", str(tmp_path))
    assert code == 0
    assert [each["experiment"] for each in json.loads(out)["experiments"]] == ["one"]
    page = (tmp_path / "index.html").read_text()
    assert 'href="one/report/index.html"' in page
    assert "1 failed" in page
    assert "two/report" not in page


@pytest.mark.parametrize("words", [[], ["one", "--all"]])
def test_one_experiment_or_all(cli: Cli, words: list[str]) -> None:
    code, _, error = cli("report", *words)
    assert code == 2
    assert "--all" in error


def test_advice_says_a_key_once(tmp_path: Path) -> None:
    words = ["paralab", "train", "experiment=tuned", "hydra.sweeper.report_seeds=3", "hydra.sweeper.n_trials=5"]
    for seed in (0, TUNING):
        folder = write_run(tmp_path, seed=seed)
        record = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps(record | {"command": words}))
    found = runs(tmp_path)
    commands = [command for command, _ in advice("demo", found, blocks(found))]
    again = next(command for command in commands if "report_seeds" in command)
    assert again.count("report_seeds") == 1
    assert again.endswith("hydra.sweeper.report_seeds=10")


@pytest.mark.parametrize(("count", "said"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (3_400_000, "3.4 MB")])
def test_sizes_in_words(count: int, said: str) -> None:
    assert size(count) == said


def test_what_cannot_be_compared_is_still_reported(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Refused("folds do not match")

    monkeypatch.setattr("paralab.report.write.compare", refuse)
    write_run(tmp_path)
    code, _, _ = cli("report", "demo", "--root", str(tmp_path))
    assert code == 0
    assert "Not compared: folds do not match" in (tmp_path / "demo/report/index.html").read_text()
