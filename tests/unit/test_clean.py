"""`paralab clean`: it tells what lies there, and removes nothing that finished unless a filter says so."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.keep import clean
from paralab.keep.clean import BAD, Removal, candidates, remove
from paralab.keep.filters import STATUSES, Filter, parse
from paralab.keep.sizes import usage
from paralab.record import files, read
from paralab.record.folder import set_aside
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.run import run
from tests.conftest import Cli
from tests.unit.sealed_runs import runs_in, tree, write_sealed

HERE = Path("experiments")
EVERYTHING = Filter({})
WRITTEN = ("finished", "interrupted", "running", "failed", "diverged", "pruned")


def found(root: Path = HERE, where: str = "", **options: bool) -> list[Removal]:
    runs = read.runs(root, "demo")
    chosen = {"checkpoints": True, "replaced": False, **options}
    return list(candidates(root, "demo", runs, parse(where, runs), **chosen))


def ago(path: Path) -> None:
    os.utime(path, (0, 0))


def whats(removals: list[Removal]) -> list[tuple[str, str]]:
    return sorted((each.what, each.path.name) for each in removals)


# --- what is removed --------------------------------------------------------------------------------------------------

RUNS = st.dictionaries(
    st.tuples(st.sampled_from(["supervised/mlp", "supervised/ridge"]), st.sampled_from([None, 20]), st.integers(0, 2)),
    st.sampled_from(WRITTEN),
    min_size=1,
    max_size=5,
)
FILTERS = st.lists(
    st.sampled_from(
        ["status=finished", "status=failed,interrupted", "trainer=*/mlp", "seed=1,2", "labels=all", "labels=20"]
    ),
    unique_by=lambda word: word.split("=")[0],
    max_size=3,
)


@settings(max_examples=20, deadline=None)
@given(RUNS, FILTERS, st.booleans())
def test_just_what_is_meant_goes(
    runs: dict[tuple[str, int | None, int], str], words: list[str], checkpoints: bool
) -> None:
    said = dict(word.split("=") for word in words)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for (trainer, labels, seed), status in runs.items():
            write_sealed(root, trainer, labels=labels, seed=seed, status=status)
        known = read.runs(root)
        which = parse(
            " ".join(word for word in words if "mlp" not in word or any("mlp" in r.trainer for r in known)), known
        )
        before = {run.folder: (run, tree(run.folder)) for run in known}
        removals = list(candidates(root, "demo", known, which, checkpoints=checkpoints, replaced=False))
        assert {place: tree(place) for place in before} == {place: files for place, (_, files) in before.items()}
        assert [remove(root, "demo", each) for each in removals] == [""] * len(removals)
        for place, (was, had) in before.items():
            fits = (
                ("trainer" not in which.values or was.trainer == "supervised/mlp")
                and ("seed" not in said or was.seed in (1, 2))
                and ("labels" not in said or was.labels == (None if said["labels"] == "all" else 20))
            )
            whole = was.status in (said["status"].split(",") if "status" in said else BAD)
            if fits and whole:
                assert not place.exists()
            elif fits and was.status == "finished" and checkpoints and "status" not in said:
                assert tree(place) == {name: data for name, data in had.items() if not name.startswith("checkpoint/")}
            else:
                assert tree(place) == had
        assert not list(root.glob("demo/runs/.*"))
        assert not [
            path for path in root.rglob("*") if path.name != "runs" and path.is_dir() and not any(path.iterdir())
        ]
        again = list(candidates(root, "demo", read.runs(root), Filter(which.values), checkpoints=True, replaced=False))
        assert {each.what for each in again} <= (set() if checkpoints else {"checkpoint"})


def test_a_finished_run_stays_true_without_its_checkpoint(plan: Callable[..., Plan], cli: Cli) -> None:
    words = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5", "trainer.max_leaves=4", "name=demo")
    done = run(plan(*words, "budget.steps=10"))
    code, out, _ = cli("clean", "demo", "--yes")
    assert (code, "Removed: 1 checkpoint, " in out) == (0, True)
    assert not (done.folder / "checkpoint").exists()
    record = files.read_json(done.folder / "record.json")["files"]
    assert all(files.digest(done.folder / name) == digest for name, digest in record.items())
    assert run(plan(*words, "budget.steps=10")).was_there
    assert done.model.signature
    assert cli("clean", "demo")[1].endswith("Nothing to remove.\n")
    from paralab.errors import Refused

    with pytest.raises(Refused, match="extend=true"):
        run(plan(*words, "budget.steps=15", "extend=true"))


def test_dry_by_default(cli: Cli) -> None:
    write_sealed(HERE)
    failed = write_sealed(HERE, seed=1, status="failed")
    was = tree(HERE)
    code, out, err = cli("clean")
    assert (code, err) == (0, "")
    assert tree(HERE) == was
    assert f"run (failed, with a checkpoint to go on from): {failed}\n" in out
    assert "Would be removed: 1 run, 1 checkpoint, " in out
    assert "cannot be continued by budget.steps=" in out
    assert out.endswith("Nothing was changed: --yes does it.\n")
    assert "checkpoint" not in cli("clean", "--no-checkpoints")[1].split("Would be removed")[1]


def test_runs_under_way_are_never_touched(cli: Cli) -> None:
    places = [write_sealed(HERE, seed=seed, status=status) for seed, status in enumerate(WRITTEN)]
    for place in places:
        (place / ".half.123").write_text("")
        ago(place / ".half.123")
    for place in places:
        with locked(place):
            was = tree(place)
            assert not [each for each in found() if each.path.is_relative_to(place)]
            for where in (f"status={','.join(STATUSES)}", ""):
                assert not [each for each in found(where=where) if each.path.is_relative_to(place)]
            assert tree(place) == was
    with locked(places[2]):
        assert "1 run under way: left alone" in cli("clean")[1]


def test_a_run_that_begins_before_it_is_removed_is_left(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_sealed(HERE, status="failed")
    (removal,) = found()
    with locked(place):
        assert "is being written by process" in remove(HERE, "demo", removal)
        files.write_json(place / "scores.json", {"test/accuracy": 1.0})
        files.write_json(place / "record.json", {**files.read_json(place / "record.json"), "status": "finished"})
    was = tree(place)
    assert remove(HERE, "demo", removal) == f"{place}: the run went on meanwhile"
    assert tree(place) == was
    write_sealed(HERE, seed=1, status="failed")
    monkeypatch.setattr(clean, "_discard", lambda path, trash: os.rmdir(path))
    code, out, _ = cli("clean", "--no-checkpoints", "--yes")
    assert code == 1
    assert "cannot be removed (Directory not empty)" in out
    assert "Nothing was removed." in out


def test_leftovers_of_killed_processes_go_once_they_are_old() -> None:
    place = write_sealed(HERE, status="interrupted")
    runs = HERE / "demo" / "runs"
    done = write_sealed(HERE, seed=1)
    half = place / "checkpoint" / ".step-000000000003.9"
    coming, gone = (done.with_name(f".seed-1.{kind}") for kind in ("coming", "gone"))
    lost = place.with_name(".seed-0.coming")
    left = [half, runs / ".trash" / "1-2", runs / ".incoming" / "1-2", coming, gone, lost]
    for folder in left:
        (folder / "seed-0").mkdir(parents=True)
        (folder / "scores.json").write_text("{}")
    for name in (".lock.host.1.2", ".scores.json.77", ".probe.host.9.1"):
        (place / name).write_text("")
        left.append(place / name)
    assert not [each for each in found() if each.what == "leftover"]
    for path in left:
        ago(path)
    meant = {each.path for each in found() if each.what == "leftover"}
    assert meant == set(left) - {lost}  # the only finished one of its kind
    assert not found(where="status=failed")
    with locked(runs / ".incoming" / "1-2"):
        ago(runs / ".incoming" / "1-2")
        assert runs / ".incoming" / "1-2" not in {each.path for each in found()}
    ago(runs / ".incoming" / "1-2")
    for each in found(checkpoints=False):
        assert remove(HERE, "demo", each) == ""
    assert not [path for path in meant if path.exists()]
    assert lost.exists()
    assert {run.status for run in read.runs(HERE)} == {"interrupted", "finished"}
    assert not list(runs.glob(".*"))


def test_replaced_runs_go_when_asked_but_not_the_only_finished_one() -> None:
    first, second = write_sealed(HERE, seed=1), write_sealed(HERE, seed=2)
    third = write_sealed(HERE, seed=3, status="interrupted")
    kept = tree(second)
    for place in (first, second, third):
        set_aside(place)
        place.joinpath("run.log").unlink()
        place.rmdir()
    write_sealed(HERE, seed=1)
    assert not [each for each in found() if each.what == "replaced"]
    assert whats([each for each in found(replaced=True) if each.what == "replaced"]) == [
        ("replaced", "seed-1"), ("replaced", "seed-3"),
    ]  # fmt: skip
    for each in found(replaced=True):
        assert remove(HERE, "demo", each) == ""
    (left,) = (HERE / "demo/runs/.replaced").glob("*/*/*/*/*/seed-*")
    assert tree(left).items() <= kept.items()
    assert "scores.json" in tree(left)


def test_links_are_not_followed() -> None:
    away = write_sealed(Path("away"), seed=1)
    place = write_sealed(HERE, seed=1, checkpoint=False)
    (place / "checkpoint").symlink_to(away.absolute())
    bad = write_sealed(HERE, seed=2, status="failed")
    (bad / "data").symlink_to(Path("away").absolute())
    (away / "large").write_bytes(b"l" * 1_000_000)
    was = tree(Path("away"))
    assert usage(HERE, "demo").total < 500_000
    for each in found():
        assert remove(HERE, "demo", each) == ""
    assert not bad.exists()
    assert tree(Path("away")) == was


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("stats=failed", "--where stats=failed: there is no key 'stats'. Did you mean 'status'?"),
        ("failed", "there is no key 'failed'"),
        ("status", "--where status: write status=VALUE"),
        ("status=", "--where status=: write status=VALUE"),
        ("status=faild", "there is no such status. Did you mean 'failed'?"),
        ("status=running", "a run under way is never removed; stop it first"),
        ("trainer=supervised/mpl", "no run here has it. Did you mean 'supervised/mlp'?"),
        ("problem=mnist", "no run here has it. Known: digits."),
        ("config_id=*x", "no run here has it. Known: "),
        ("seed=one", "--where seed=one: write a whole number\n"),
        ("seed=01", "write a whole number\n"),
        ("seed=all", "write a whole number\n"),
        ("labels=many", "write a whole number or all\n"),
        ("seed=1 seed=2", "seed is given twice; write seed=one,other"),
        ("older=7", "write a number of minutes, hours, days or weeks: 30m, 12h, 7d, 2w"),
        ("older=0d", "write a number of minutes"),
        ("older=1d older=2d", "older is given twice"),
    ],
)
def test_a_filter_that_is_none_is_refused(where: str, says: str, cli: Cli) -> None:
    write_sealed(HERE, status="failed")
    was = tree(HERE)
    code, _, err = cli("clean", "--where", where, "--yes")
    assert code == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert tree(HERE) == was


def test_an_unknown_experiment_is_refused(cli: Cli) -> None:
    write_sealed(HERE, status="failed")
    code, _, err = cli("clean", "dmo", "--yes")
    assert (code, "Did you mean 'demo'?" in err) == (2, True)
    assert cli("clean", "../experiments", "--yes")[0] == 2
    assert len(read.runs(HERE)) == 1


def test_only_the_experiments_named_are_cleaned(cli: Cli) -> None:
    for name in ("one", "two"):
        write_sealed(HERE, experiment=name, status="failed")
    assert cli("clean", "one", "one", "--yes")[0] == 0
    assert read.experiments(HERE) == ["one", "two"]
    assert [run.experiment for run in read.runs(HERE)] == ["two"]


@pytest.mark.parametrize(("older", "seeds"), [("30m", [1, 2]), ("2h", [2]), ("3h", [2]), ("1d", [2]), ("1w", [])])
def test_older_counts_from_a_run_s_end(older: str, seeds: list[int]) -> None:
    for seed, hours in enumerate((0.0, 1.0, 30.0)):
        place = write_sealed(HERE, seed=seed, status="failed")
        ended = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
        files.write_json(place / "record.json", {**files.read_json(place / "record.json"), "ended": ended})
    assert [each.run.seed for each in found(where=f"older={older}") if each.run] == seeds


def test_damaged_and_interrupted_runs_go_only_by_name() -> None:
    (write_sealed(HERE, seed=1) / "record.json").write_text("{")
    write_sealed(HERE, seed=2, status="interrupted")
    assert not found()
    assert whats(found(where="status=damaged")) == [("run", "seed-1")]
    assert whats(found(where="status=damaged,interrupted")) == [("run", "seed-1"), ("run", "seed-2")]
    for each in found(where="status=damaged,interrupted older=1d"):
        assert remove(HERE, "demo", each) == ""


# --- the disk used ----------------------------------------------------------------------------------------------------


def test_each_byte_is_counted_once_and_where_it_belongs(cli: Cli) -> None:
    place = write_sealed(HERE)
    write_sealed(HERE, seed=1, status="interrupted")
    home = HERE / "demo"
    for name in ("report/page.html", "sweeps/ab/manifest.jsonl", "README.md", "runs/.trash/1/x", "runs/digits/note"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("x" * 5000)
    moved = write_sealed(HERE, seed=2)
    set_aside(moved)
    parts = {
        "models": [place / "model"],
        "checkpoints": [place / "checkpoint", place.with_name("seed-1") / "checkpoint"],
        "replaced": [home / "runs" / ".replaced"],
        "reports": [home / "report"],
        "sweeps": [home / "sweeps"],
        "other": [home / "README.md", home / "runs/.trash", home / "runs/digits/note"],
    }
    said = usage(HERE, "demo").bytes
    for kind, paths in parts.items():
        assert said[kind] == sum(_du(path) for path in paths), kind
    assert sum(said.values()) == _du(home)
    assert json.loads(cli("clean", "--json")[1])["experiments"] == [
        {"name": "demo", "total": _du(home), "bytes": dict(said)}
    ]
    assert all(kind in cli("clean")[1] for kind in said)


def _du(path: Path) -> int:
    inside = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    return sum(each.stat().st_blocks * 512 for each in inside)


def test_json_says_all(cli: Cli) -> None:
    place = write_sealed(HERE, status="failed")
    (row,) = json.loads(cli("clean", "--json")[1])["removals"]
    assert row == {
        "path": str(place), "what": "run", "why": "failed, with a checkpoint to go on from", "bytes": _du(place),
        "removed": False, "left": None,
    }  # fmt: skip
    (row,) = json.loads(cli("clean", "--json", "--yes")[1])["removals"]
    assert row["removed"]
    assert not read.runs(HERE)


def test_where_there_are_no_runs_it_says_so(cli: Cli) -> None:
    assert cli("clean") == (
        0, "No runs in experiments yet. Try: paralab train problem=digits trainer=supervised/logistic\n", "",
    )  # fmt: skip


# --- killed in the middle ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_finished(cli: Cli) -> None:
    chance, seeds, killed = random.Random(0), iter(range(10_000)), 0
    finished = {seed: write_sealed(HERE, seed=seed) for seed in (next(seeds) for _ in range(10))}
    kept = {
        place.relative_to(HERE).as_posix(): {k: v for k, v in tree(place).items() if not k.startswith("checkpoint/")}
        for place in finished.values()
    }
    trash = HERE / "demo" / "runs" / ".trash"
    for _ in range(20):
        for _ in range(5):
            place = write_sealed(HERE, seed=next(seeds), status="failed", checkpoint=False)
            (place / "checkpoint").mkdir()
            for name in range(40):
                (place / "checkpoint" / str(name)).write_bytes(b"x")
        null = subprocess.DEVNULL
        before = len(list(trash.iterdir())) if trash.exists() else 0
        child = subprocess.Popen([sys.executable, "-m", "paralab", "clean", "--yes"], stdout=null, stderr=null)
        try:
            while child.poll() is None and (len(list(trash.iterdir())) if trash.exists() else 0) <= before:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.02))
            killed += child.poll() is None
            child.send_signal(signal.SIGKILL)
        finally:
            child.kill()
            child.wait()
        here = runs_in(HERE)
        for name, had in kept.items():
            assert {k: v for k, v in here[name].items() if not k.startswith("checkpoint/") and k != "lock.json"} == had
        assert {run.status for run in read.runs(HERE)} <= {"finished", "failed"}  # nothing half is a run
    assert killed >= 5
    for path in trash.iterdir() if trash.exists() else ():
        ago(path)
    assert cli("clean", "--yes")[0] == 0
    assert {k for k, v in runs_in(HERE).items() if v} == set(kept)
    assert not list((HERE / "demo" / "runs").glob(".*"))
