"""Reading run folders: order, damage, strangers, speed of import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from paralab.errors import Refused
from paralab.record.lock import locked
from paralab.record.read import demand, experiments, runs
from tests.unit.fake_runs import write_experiment, write_run


def test_reads_what_was_written(tmp_path: Path) -> None:
    write_run(tmp_path, "semi_supervised/self_training", seed=3, labels=50, score=0.75, seconds=2.5)
    (run,) = runs(tmp_path, "demo")
    assert (run.paradigm, run.trainer) == ("semi_supervised", "semi_supervised/self_training")
    assert (run.problem, run.seed, run.labels, run.status) == ("digits", 3, 50, "finished")
    assert run.score == 0.75
    assert run.scores["cost/seconds"] == 2.5


def test_order_is_fixed_and_budgets_rise(tmp_path: Path) -> None:
    write_experiment(tmp_path, seeds=2)
    found = runs(tmp_path)
    assert found == runs(tmp_path)
    labels = [run.labels for run in found if run.trainer == "supervised/logistic"]
    assert labels == [20, 20, 50, 50, 100, 100, 500, 500, None, None]


def test_only_scores_make_a_run_finished(tmp_path: Path) -> None:
    for seed, said in enumerate(["running", "finished", "interrupted", "failed", "diverged"]):
        write_run(tmp_path, seed=seed, score=None, status=said)
    write_run(tmp_path, seed=5, score=0.5, status="running")  # killed between the last two writes
    found = [run.status for run in runs(tmp_path)]
    assert found == ["interrupted", "interrupted", "interrupted", "failed", "diverged", "finished"]  # nobody holds it
    with locked(runs(tmp_path)[0].folder):
        assert runs(tmp_path)[0].status == "running"


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("record.json", b"{", "record.json cannot be read"),
        ("record.json", b"[]", "record.json holds no JSON object"),
        ("record.json", b'{"format": 9}', "format 9"),
        ("record.json", b'{"format": 1}', "of another run: its problem is None"),
        ("record.json", b"\xff\xfe", "record.json cannot be read"),
        ("scores.json", b"", "scores.json cannot be read"),
        ("scores.json", b'{"test/accuracy": "high"}', "no number for 'test/accuracy'"),
        ("scores.json", b"[" * 100_000, "scores.json cannot be read"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: bytes, named: str) -> None:
    write_run(tmp_path, seed=0)
    (write_run(tmp_path, seed=1) / name).write_bytes(content)
    good, bad = runs(tmp_path, "demo")
    assert good.status == "finished"
    assert bad.status == "damaged"
    assert bad.error is not None
    assert named in bad.error
    assert "\n" not in bad.error
    assert bad.score is None


def test_a_copied_folder_is_not_counted_twice(tmp_path: Path) -> None:
    import shutil

    folder = write_run(tmp_path, seed=1)
    shutil.copytree(folder, folder.with_name("seed-2"))
    assert [run.status for run in runs(tmp_path)] == ["finished", "damaged"]


def test_strangers_and_replaced_runs_are_skipped(tmp_path: Path) -> None:
    folder = write_run(tmp_path, seed=1)
    place = tmp_path / "demo" / "runs"
    aside = place / ".replaced" / "1700" / folder.relative_to(place)
    aside.parent.mkdir(parents=True)
    folder.rename(aside)
    (place / "digits" / "notes.txt").write_text("mine")
    (place / "digits" / "supervised" / "logistic" / "000" / "seed-x").mkdir(parents=True)
    (tmp_path / "loose.txt").write_text("mine")
    assert runs(tmp_path) == []


def test_a_folder_just_made_is_unfinished(tmp_path: Path) -> None:
    (tmp_path / "demo/runs/digits/supervised/logistic/aaaaaaaaaaaa/seed-4").mkdir(parents=True)
    (run,) = runs(tmp_path)
    assert (run.status, run.seed, run.config_id) == ("interrupted", 4, "aaaaaaaaaaaa")


def test_a_score_that_is_no_number_is_no_score(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    (folder / "scores.json").write_text(json.dumps({"test/accuracy": None, "valid/accuracy": float("nan")}))
    (run,) = runs(tmp_path)
    assert run.status == "finished"
    assert run.score is None


def test_unknown_experiment_is_refused_with_the_closest(tmp_path: Path) -> None:
    write_run(tmp_path, experiment="label_efficiency")
    assert experiments(tmp_path) == ["label_efficiency"]
    with pytest.raises(Refused, match="Did you mean 'label_efficiency'"):
        demand(tmp_path, "label_eficiency")
    with pytest.raises(Refused, match="no experiment"):
        demand(tmp_path / "nowhere", "x")


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys, paralab.record.read, paralab.cli.runs, paralab.cli.report;"
        "print([m for m in ('numpy', 'gymnasium', 'yaml', 'matplotlib', 'rich.table', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
