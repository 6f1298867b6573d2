"""`paralab reproduce`: a run again from its record alone, the level that held, and what differs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.audit import levels, weights
from paralab.audit.differences import differences
from paralab.audit.find import find
from paralab.audit.reproduce import reproduce
from paralab.audit.tasks import task_of
from paralab.errors import Failed, Interrupted, Refused
from paralab.record import files
from paralab.record.plan import Plan
from paralab.run import run
from paralab.seeds import TUNING
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

Make = Callable[..., Plan]


def left(folder: Path) -> set[Path]:
    """What lies in the temporary folders of this machine and is ours."""
    return set(folder.glob("paralab-*"))


def change_record(folder: Path, **facts: Any) -> None:
    path = folder / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary folders lie in the test's own."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


# --- in a fresh process -----------------------------------------------------------------------------------------------


def test_a_run_is_strictly_the_same_again(plan: Make, cli: Cli, tmp_path: Path) -> None:
    folder = run(plan("iris", "supervised/logistic", "labels=30")).folder
    code, out, err = cli("reproduce", f"scratch/{folder.parent.name[:6]}", "--json")
    said = json.loads(out)
    assert (code, said["level"], said["faults"], said["notes"]) == (0, "strict", [], [])
    assert [check["same"] for check in said["checks"]] == [True, True, True]
    assert said["score"]["then"] == said["score"]["now"] is not None
    assert "again" in err
    assert not left(tmp_path / "tmp")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [("iris", "supervised/forest"), ("digits", "supervised/mlp", "labels=100", "budget.steps=20"),
     ("table", "supervised/hist_gradient_boosting", "trainer.stride=5", "budget.steps=10"),
     ("iris", "supervised/mlp", "labels=60", "select=true", "budget.steps=20"),
     ("cartpole", "reinforcement/ppo", "budget.steps=512", "problem.episodes=5")],
    ids=lambda words: f"{words[0]} {words[1]}",
)  # fmt: skip
def test_every_paradigm_is_strictly_the_same_again(words: tuple[str, ...], plan: Make) -> None:
    folder = run(plan(*words)).folder
    found = reproduce(folder)
    assert (found.level, found.faults) == ("strict", ())
    assert [each for each in found.differences if not each.minor] == []


@pytest.mark.slow
def test_from_anywhere_and_kept(plan: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(plan("iris", "supervised/logistic")).folder.absolute()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(folder, elsewhere / folder.name)
    shutil.rmtree(tmp_path / "experiments")
    monkeypatch.chdir(elsewhere)
    found = reproduce(Path(folder.name), keep=Path("kept"))
    assert found.level == "strict"
    assert found.kept is not None
    assert found.kept.is_relative_to(elsewhere / "kept")
    assert (found.kept / "scores.json").is_file()
    with pytest.raises(Refused, match="is there already; give --keep another folder"):
        reproduce(Path(folder.name), keep=Path("kept"))


@pytest.mark.slow
def test_an_altered_score_is_said_first_and_exits_1(plan: Make, cli: Cli) -> None:
    folder = run(plan("iris", "supervised/logistic")).folder
    files.write_json(folder / "scores.json", {**files.read_json(folder / "scores.json"), "test/accuracy": 0.999})
    code, out, _ = cli("reproduce", str(folder))
    assert code == 1
    assert out.splitlines()[0] == f"changed: {folder}/scores.json does not match its digest"
    assert out.splitlines()[1].startswith("none: its files are not those")
    assert "test/accuracy 0.999 then" in out


@pytest.mark.slow
def test_other_threads_then_are_set_now(plan: Make) -> None:
    folder = run(plan("digits", "supervised/mlp", "labels=100", "budget.steps=5", "threads=2")).folder
    found = reproduce(folder)
    assert found.level == "strict"
    assert "threads" not in {each.what for each in found.differences}


@pytest.mark.slow
def test_data_that_changed_or_went_is_the_user_s_to_mend(plan: Make, cli: Cli) -> None:
    folder = run(plan("table", "supervised/forest")).folder
    rows = Path("rows.csv").read_text()
    Path("rows.csv").write_text(rows.replace("4.", "5.", 3))
    code, _, err = cli("reproduce", str(folder))
    assert code == 2
    assert "the data are not those of the run" in err
    Path("rows.csv").unlink()
    code, _, err = cli("reproduce", str(folder))
    assert code == 2
    assert "rows.csv" in err


@pytest.mark.slow
def test_trust_is_asked_for(plan: Make, cli: Cli) -> None:
    folder = run(plan("iris", "supervised/logistic")).folder
    text = (folder / "config.yaml").read_text().replace("paralab.trainers.supervised.logistic.Logistic", "mine.Class")
    (folder / "config.yaml").write_text(text)
    code, _, err = cli("reproduce", str(folder))
    assert code == 2
    assert "--trust mine." in err


@pytest.mark.slow
def test_a_run_that_went_on_from_another_is_the_same_from_its_start(plan: Make) -> None:
    words = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5")
    run(plan(*words, "budget.steps=10"))
    folder = run(plan(*words, "budget.steps=20")).folder
    assert files.read_json(folder / "record.json")["parent"]
    found = reproduce(folder)
    assert found.level == "strict"
    assert "went on from" in found.notes[0]


@pytest.mark.slow
def test_an_extended_run_is_had_again_with_its_parents(plan: Make) -> None:
    words = ("cartpole", "reinforcement/ppo", "problem.episodes=5")
    first = run(plan(*words, "budget.steps=512")).folder
    folder = run(plan(*words, "budget.steps=1024", "extend=true")).folder
    found = reproduce(folder)
    assert found.level == "strict"
    assert "by extend=true; that one is run again before it" in found.notes[0]
    shutil.rmtree(first)
    with pytest.raises(Refused, match="is not there: bring it back"):
        task_of(folder)


@pytest.mark.slow
def test_an_interrupted_run_is_the_same_in_one_go(plan: Make) -> None:
    cut = plan("digits", "supervised/mlp", "labels=100", "budget.steps=10")
    with pytest.raises(Interrupted):
        run(cut, tell=lambda step, steps, scores: 15 if step >= 4 else 0)
    found = reproduce(run(cut).folder)
    assert found.level == "strict"
    assert "interrupted" in found.notes[0]


@pytest.mark.slow
def test_the_clock_and_tuning_are_said(plan: Make) -> None:
    plan_ = plan("iris", "supervised/mlp", "labels=60", "select=true", "budget.seconds=0.2", "split_seed=0")
    config = {**plan_.config, "seed": TUNING, "scenario": {**plan_.config["scenario"], "seed": TUNING}}
    problem = {**config["problem"], "scenario": {**config["problem"]["scenario"], "seed": TUNING}}
    folder = run(Plan({**config, "problem": problem}, plan_.problem, plan_.trainer, plan_.config_id)).folder
    found = reproduce(folder)
    assert found.name == "valid/accuracy"
    assert any("tuner's run" in note for note in found.notes)
    assert any(note.startswith("its budget is 0.2 seconds") for note in found.notes)


@pytest.mark.slow
def test_told_to_stop_it_leaves_nothing(plan: Make, tmp_path: Path) -> None:
    folder = run(plan("cartpole", "reinforcement/ppo", "budget.steps=1024", "problem.episodes=5")).folder
    text = (folder / "config.yaml").read_text().replace("  steps: 1024", "  steps: 10000000")
    (folder / "config.yaml").write_text(text)
    command = [sys.executable, "-m", "paralab", "reproduce", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while not list((tmp_path / "tmp").glob("paralab-reproduce-*/*/runs/**/history.jsonl")):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + 15
    finally:
        process.kill()
        process.wait()
    assert not left(tmp_path / "tmp")
    mine = str(tmp_path).encode()
    assert not [each for each in Path("/proc").glob("[0-9]*/cmdline") if _reads(each, b"audit.again", mine)]


def _reads(path: Path, *words: bytes) -> bool:
    try:
        return all(word in path.read_bytes() for word in words)
    except OSError:
        return False


# --- what cannot be had again -----------------------------------------------------------------------------------------


def test_what_is_no_finished_run_is_refused(cli: Cli) -> None:
    folder = write_run(Path("experiments"), status="interrupted", score=None)
    code, _, err = cli("reproduce", str(folder))
    assert code == 2
    assert "is interrupted, not finished" in err
    code, _, err = cli("reproduce", "experiments")
    assert code == 2
    assert f"{folder} is one" in err
    assert cli("reproduce", "nowhere/ab")[0] == 2


def test_damage_fails_in_a_line(cli: Cli) -> None:
    folder = write_run(Path("experiments"))
    (folder / "record.json").write_text("{")
    with pytest.raises(Failed, match="is damaged"):
        task_of(folder)
    assert cli("reproduce", str(folder))[0] == 1


def test_a_run_is_found_by_the_beginning_of_its_name() -> None:
    root = Path("experiments")
    places = [write_run(root, seed=seed) for seed in (1, 12)]
    other = write_run(root, "supervised/forest", seed=1)
    its, others = places[0].parent.name, other.parent.name
    assert find(f"demo/{its}/seed-1", root) == places[0]
    assert find(f"demo/{its}/12/", root) == places[1]
    assert find(f"demo/{others[:5]}", root) == other
    assert find(str(other), Path("nowhere")) == other
    with pytest.raises(Refused, match="fits 3 runs: name one, such as demo/"):
        find("demo", root)
    with pytest.raises(Refused, match="no run of demo begins so"):
        find(f"demo/{its}/seed-2", root)


# --- levels -----------------------------------------------------------------------------------------------------------


def pair(labels: Any, answers: Any, numbers: Any, others: Any, accuracy: tuple[float, float]) -> list[levels.Check]:
    for name, label, number, score in (("then", labels, numbers, accuracy[0]), ("now", answers, others, accuracy[1])):
        place = Path(name)
        (place / "model").mkdir(parents=True, exist_ok=True)
        (place / "model" / "weights.bin").write_bytes(np.asarray(number).tobytes())
        files.write_arrays(place / "predictions.npz", {"label": np.asarray(label), "value": np.asarray(number)})
        files.write_json(place / "scores.json", {"test/accuracy": score, "cost/seconds": np.random.rand()})
    return levels.checks(Path("then"), Path("now"))


@settings(max_examples=30, deadline=None)
@given(off=st.integers(0, 20), scale=st.floats(0, 2e-3))
def test_numeric_holds_up_to_the_declared_share_and_spread(off: int, scale: float) -> None:
    labels, numbers = np.arange(1000) % 10, np.linspace(-1, 1, 1000)
    answers = labels.copy()
    answers[:off] += 1
    others = numbers + scale * numbers.std() * np.where(np.arange(1000) % 2, 0.99, -0.99)
    found = pair(labels, answers, numbers, others, (0.9, 0.9))
    same = not off and np.array_equal(numbers, others)
    expected = "strict" if same else "numeric" if off <= 5 and scale * 0.99 <= 1e-3 else "none"
    assert levels.level(found, inside=False) == expected
    assert levels.level(found, inside=True) == ("statistical" if expected == "none" else expected)


def test_a_score_that_moves_too_far_is_not_numeric() -> None:
    labels, numbers = np.arange(10), np.arange(10.0)
    assert levels.level(pair(labels, labels, numbers, numbers, (0.9, 0.905)), False) == "numeric"
    assert levels.level(pair(labels, labels, numbers, numbers, (0.9, 0.92)), False) == "none"
    assert levels.level(pair(labels, labels[:9], numbers, numbers, (0.9, 0.9)), False) == "none"
    assert (
        levels.level(pair(labels, labels, numbers, np.where(numbers > 8, np.nan, numbers), (0.9, 0.9)), False) == "none"
    )


def test_statistical_needs_six_other_seeds() -> None:
    others = [0.80, 0.82, 0.81, 0.79, 0.83]
    inside, said = levels.of_seeds(0.81, others, "test/accuracy")
    assert not inside
    assert "5 other seeds of this config are finished, 6 are needed" in said
    assert levels.of_seeds(0.81, [*others, 0.81], "test/accuracy")[0]
    assert not levels.of_seeds(0.95, [*others, 0.81], "test/accuracy")[0]
    assert levels.of_seeds(1.0, [1.0] * 6, "test/accuracy")[0]


def test_the_prediction_interval_takes_in_95_of_100_new_seeds() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(0.8, 0.03, (4000, 8))
    held = sum(levels.of_seeds(row[0], row[1:].tolist(), "x")[0] for row in draws)
    assert abs(held / len(draws) - 0.95) < 0.015


def test_weights_are_the_same_however_skops_names_its_parts(plan: Make) -> None:
    one, two = (run(plan("iris", "supervised/logistic", f"root={root}")).folder for root in ("one", "two"))
    other = run(plan("iris", "supervised/logistic", "root=other", "seed=1")).folder
    assert (one / "model" / "estimator.skops").read_bytes() != (two / "model" / "estimator.skops").read_bytes()
    assert weights.digests(one) == weights.digests(two) != weights.digests(other)


# --- differences ------------------------------------------------------------------------------------------------------


def test_each_difference_is_a_short_line() -> None:
    then: dict[str, Any] = {
        "provenance": {
            "python": "3.11.9", "packages": {"numpy": "2.3.1", "attrs": "1", "torch": "2.13"}, "lock": None,
            "os": "Linux-6", "cpu": {"model": "Xeon", "flags": "avx2 avx512f"}, "cores": 2,
            "environment": {"OMP_NUM_THREADS": "1"},
            "git": {"commit": "8979f89c0ffee00", "dirty": False},
            "threads": {"pools": [{"internal_api": "openblas", "num_threads": 1}], "torch": 1, "aten": "AVX2"},
        },
        "device": {"name": "cpu"}, "files": {},
    }  # fmt: skip
    assert differences(then, then) == []
    old = then["provenance"]
    now = {
        "provenance": {
            **old, "python": "3.12.1", "packages": {"numpy": "2.4.6", "attrs": "2"}, "lock": "ab" * 32,
            "cpu": {"model": "EPYC", "flags": "avx2"}, "environment": {},
            "git": {"commit": "1234567890abcdef", "dirty": True},
            "threads": {"pools": [{"internal_api": "mkl", "num_threads": 2}], "torch": 2, "aten": "DEFAULT"},
        },
        "device": {"name": "cpu"}, "files": {"dirty.diff": "cd" * 32},
    }  # fmt: skip
    told = [str(each) for each in differences(then, now)]
    assert told == [
        "numpy 2.3.1 then, 2.4.6 now", "torch 2.13 then, none now", "Python 3.11.9 then, 3.12.1 now",
        "git commit 8979f89c0ffe then, 1234567890ab now", "working tree clean then, changed (cdcdcdcdcdcd) now",
        "constraints.txt none then, abababababab now", "CPU Xeon then, EPYC now",
        "CPU flags also avx512f then, no others now", "torch threads 1 then, 2 now",
        "ATen capability AVX2 then, DEFAULT now", "threads 1 then, 2 now", "thread pools openblas then, mkl now",
        "OMP_NUM_THREADS 1 then, unset now", "attrs 1 then, 2 now",
    ]  # fmt: skip


def test_a_worker_that_had_more_loaded_differs_in_nothing() -> None:
    few = {"provenance": {"threads": {"pools": [{"internal_api": "openblas", "num_threads": 1}]}}}
    pools = [{"internal_api": api, "num_threads": 1} for api in ("openblas", "openmp")]
    many = {"provenance": {"threads": {"pools": pools, "torch": 1, "aten": "AVX2"}}}
    assert differences(few, many) == differences(many, few) == []


def test_the_environment_is_the_recorded_one(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.audit.reproduce import _environment

    folder = run(plan("iris", "supervised/logistic")).folder
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    change_record(folder, provenance={"environment": {"PYTHONHASHSEED": "3", "HOME": "/elsewhere"}})
    found = _environment(task_of(folder)[1])
    assert "ATEN_CPU_CAPABILITY" not in found
    assert (found["OMP_NUM_THREADS"], found["PYTHONHASHSEED"], found.get("HOME")) == ("1", "3", os.environ.get("HOME"))
