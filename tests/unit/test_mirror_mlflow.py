"""`paralab sync-mlflow`: MLflow's own client reads back what the folders say; a second time changes nothing."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from paralab.errors import Failed, Refused
from paralab.mirror import content, mlflow
from paralab.record import read
from tests.conftest import Cli
from tests.unit.fake_runs import write_run
from tests.unit.test_mirror import ROOT, with_history

if TYPE_CHECKING:
    from mlflow.entities import Run as Copy

URI = "sqlite:///mlflow.db"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as MLflow makes it: three seconds, so once."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    mlflow.open_store(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def _store(empty_store: Path) -> None:
    shutil.copy(empty_store, "mlflow.db")


def bring(artifacts: bool = False, uri: str = URI) -> list[str]:
    return [step.done for step in mlflow.sync(read.runs(ROOT), uri, artifacts)]


def copies(experiment: str = "demo") -> Sequence[Copy]:
    client = mlflow.open_store(URI)
    there = client.get_experiment_by_name(experiment)
    found: Sequence[Copy] = client.search_runs([there.experiment_id]) if there else []
    return found


def test_a_run_is_there_with_settings_record_curves_and_scores() -> None:
    home = with_history(settings={"C": 3.0, "class_weight": None, "hidden": [64, 64]}, labels=20)
    assert bring() == ["new"]
    (copy,) = copies()
    assert copy.info.status == "FINISHED"
    assert copy.info.run_name == "digits supervised/logistic labels=20 seed=0"
    said = copy.data.params
    assert said["trainer.C"] == "3.0"
    assert said["trainer.class_weight"] == "null"
    assert said["trainer.hidden"] == "[64, 64]"
    assert (said["seed"], said["labels"]) == ("0", "20")
    tags = copy.data.tags
    assert tags["paralab.run"] == home.relative_to(ROOT).as_posix().replace("/runs/", "/")
    assert tags["paralab.folder"] == home.resolve().as_uri()
    assert tags["paralab.provenance.python"] == "3.11.9"
    assert tags["mlflow.source.git.commit"] == "8979f89c0ffee"
    assert copy.data.metrics == {"train/loss": 1 / 3, "test/accuracy": 0.9, "cost/seconds": 0.1, "cost/feedback": 20.0}
    curve = mlflow.open_store(URI).get_metric_history(copy.info.run_id, "train/loss")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 1 / 2), (3, 1 / 3)]
    assert [point.timestamp - curve[0].timestamp for point in curve] == [0, 100, 200]
    assert not Path("mlruns").exists()


def test_a_second_time_changes_nothing_and_brings_what_is_new() -> None:
    with_history(0)
    with_history(1)
    assert bring() == ["new", "new"]
    before = {copy.info.run_id for copy in copies()}
    with_history(2)
    assert bring() == ["there", "there", "new"]
    assert before < {copy.info.run_id for copy in copies()}


def test_a_run_that_changed_takes_the_place_of_its_old_copy() -> None:
    home = with_history()
    bring()
    (home / "scores.json").write_text(json.dumps({"test/accuracy": 0.5}))
    assert bring() == ["replaced"]
    (copy,) = copies()
    assert copy.data.metrics["test/accuracy"] == 0.5
    assert bring() == ["there"]


def test_a_copy_that_was_cut_short_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    with_history()
    client = type(mlflow.open_store(URI))

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(client, "set_terminated", cut)
        with pytest.raises(KeyboardInterrupt):
            bring()
    assert len(copies()) == 1
    assert bring() == ["replaced"]
    (copy,) = copies()
    assert copy.info.status == "FINISHED"


def test_a_root_that_moved_is_linked_anew() -> None:
    global_root = with_history().resolve()
    bring()
    shutil.move(ROOT, "elsewhere")
    assert [step.done for step in mlflow.sync(read.runs(Path("elsewhere")), URI)] == ["there"]
    assert copies()[0].data.tags["paralab.folder"] == global_root.as_uri().replace("/experiments/", "/elsewhere/")


@pytest.mark.parametrize(
    ("status", "there"), [("failed", "FAILED"), ("diverged", "FAILED"), ("interrupted", "KILLED"), ("pruned", "KILLED")]
)
def test_runs_that_did_not_finish_are_told_so(status: str, there: str) -> None:
    with_history(status=status, score=None, error="boom")
    assert bring() == ["new"]
    (copy,) = copies()
    assert (copy.info.status, copy.data.tags["paralab.error"]) == (there, "boom")
    assert copy.data.metrics == {"train/loss": 1 / 3}


def test_running_and_damaged_runs_are_left_out_and_named(cli: Cli) -> None:
    from paralab.record.lock import locked

    with_history(0)
    running = with_history(1, status="running", score=None)
    (with_history(2) / "record.json").write_text("{")
    (with_history(3, score=None) / "record.json").unlink()
    with locked(running):
        code, out, err = cli("sync-mlflow", "demo")
    assert (code, err) == (0, "")
    assert out.startswith("demo: 1 new, 3 left out\n")
    assert f"left out: {running}: still running\n" in out
    assert out.endswith(f"4 runs, {URI}\n")


def test_nan_is_nan_and_a_long_history_comes_in_batches() -> None:
    home = with_history(more={"test/x": math.nan})
    rows = [{"step": n, "seconds": n / 10, "a": float(n), "b": -float(n)} for n in range(1, 1302)]
    (home / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    bring()
    client, (copy,) = mlflow.open_store(URI), copies()
    assert math.isnan(copy.data.metrics["test/x"])
    for name, sign in (("a", 1), ("b", -1)):
        curve = client.get_metric_history(copy.info.run_id, name)
        assert [(point.step, point.value) for point in curve] == [(n, sign * n) for n in range(1, 1302)]


def test_artifacts_are_copied_where_asked_also_later() -> None:
    home = with_history()
    (home / "model").mkdir()
    (home / "model" / "manifest.json").write_text("{}")
    bring()
    client, (copy,) = mlflow.open_store(URI), copies()
    assert not client.list_artifacts(copy.info.run_id)
    assert bring(artifacts=True) == ["there"]
    assert {"model", "scores.json", "record.json"} < {each.path for each in client.list_artifacts(copy.info.run_id)}
    assert [each.path for each in client.list_artifacts(copy.info.run_id, "model")] == ["model/manifest.json"]


def test_experiments_stay_apart_and_a_deleted_one_is_named(cli: Cli) -> None:
    with_history(0)
    write_run(ROOT, experiment="other")
    code, out, _ = cli("sync-mlflow", "--all", "--json")
    assert code == 0
    assert json.loads(out)["runs"] == {"new": 2, "replaced": 0, "there": 0, "left out": 0}
    client = mlflow.open_store(URI)
    client.delete_experiment(client.get_experiment_by_name("other").experiment_id)
    code, _, err = cli("sync-mlflow", "other")
    assert code == 2
    assert "mlflow experiments restore" in err


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mlflow.db", "did you mean sqlite:///mlflow.db?"),
        ("file:///tmp/runs", "sqlite, postgresql"),
        ("sqlite:///text", "no sqlite database"),
        ("sqlite:///text/x.db", "cannot be written"),
        ("sqlite://", "cannot be written"),
    ],
)
def test_a_store_that_cannot_be_is_refused_at_once(uri: str, said: str, cli: Cli) -> None:
    with_history()
    Path("text").write_text("some text that is no database")
    code, out, err = cli("sync-mlflow", "demo", "--uri", uri)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert Path("text").read_text() == "some text that is no database"


def test_a_password_is_not_shown() -> None:
    assert mlflow.shown("postgresql://me:secret@host/db") == "postgresql://...@host/db"
    assert mlflow.shown(URI) == URI


def test_a_store_that_fails_in_between_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    def fail(*_: Any, **__: Any) -> None:
        raise MlflowException("first line\nsecond")

    with_history()
    monkeypatch.setattr(type(mlflow.open_store(URI)), "create_run", fail)
    with pytest.raises(Failed, match=r"^MLflow at sqlite:///mlflow\.db failed: first line$"):
        bring()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"pip install 'paralab\[mlflow\]'"):
        bring()


@settings(max_examples=100, deadline=None)
@given(some.dictionaries(some.text("aé/._-()% \n", max_size=260), some.integers(), max_size=6))
def test_any_setting_has_a_name_that_mlflow_takes(names: dict[str, int]) -> None:
    from mlflow.utils.validation import _validate_param_name

    said = content.Content(0, 0, 0, {"x": names}, {}, {})
    told = content.params(said)
    assert sorted(told.values()) == sorted(map(str, names.values()))
    for name in told:
        _validate_param_name(name)
        assert len(name) <= 250


@pytest.mark.slow
def test_a_sync_is_silent_and_asks_nothing_of_a_network() -> None:
    """As outside of a test: MLflow reports home unless a variable of a test or a CI tells it that it is one."""
    with_history()
    Path("mlflow.db").unlink()
    script = (
        "import socket, sys\n"
        "def refuse(*a, **k): print('NETWORK', a, flush=True); raise OSError('none')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "sys.argv = ['paralab', 'sync-mlflow', 'demo']\n"
        "from paralab.cli import main\nmain()"
    )
    hidden = ("PYTEST", "CI", "GITHUB", "MLFLOW", "DO_NOT_TRACK", "PYTHONWARNINGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120)
    assert done.stdout == f"demo: 1 new\n1 runs, {URI}\n"
    assert set(done.stderr.splitlines()) <= {"1 of 1 runs"}  # how far it is, where that takes long
