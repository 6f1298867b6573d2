"""`paralab collect`: what is finished anywhere is whole here afterwards, and nothing finished here has changed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.errors import Failed, Refused
from paralab.keep import copying
from paralab.keep.beside import bring_extras
from paralab.keep.collect import Step, merge, plan
from paralab.record import files
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.record.read import runs as read_runs
from paralab.run import run
from tests.conftest import Cli
from tests.unit.sealed_runs import runs_in, tree, write_checkpoint, write_sealed

HERE = Path("experiments")
BOOSTING = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5", "trainer.max_leaves=4")
STATUSES = ("finished", "interrupted", "running", "failed", "diverged", "pruned")


def collect(*sources: Path, into: Path = HERE, dry: bool = False) -> list[Step]:
    found, extras = plan(sources, into)
    steps = list(merge(found, into, dry))
    list(bring_extras(extras, into, {step.experiment for step in steps}, dry))
    return steps


def actions(steps: list[Step]) -> list[str]:
    return [step.action for step in steps]


# --- what is merged ---------------------------------------------------------------------------------------------------


@st.composite
def machines(draw: st.DrawFn) -> list[dict[tuple[str, int], tuple[str, float]]]:
    """Up to three machines: a run (experiment, seed) -> its status and score there."""
    keys = st.tuples(st.sampled_from(["one", "two"]), st.integers(0, 2))
    said = st.tuples(st.sampled_from(STATUSES), st.sampled_from([0.5, 0.9]))
    return draw(st.lists(st.dictionaries(keys, said, max_size=4), min_size=2, max_size=3))


@settings(max_examples=15, deadline=None)
@given(machines())
def test_merging_keeps_all_that_finished_and_changes_none(
    machines: list[dict[tuple[str, int], tuple[str, float]]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        roots = [Path(name, f"m{place}") for place in range(len(machines))]
        for root, runs in zip(roots, machines, strict=True):
            for (experiment, seed), (status, score) in runs.items():
                write_sealed(
                    root, seed=seed, experiment=experiment, status=status, score=score, checkpoint=status == "running"
                )
        here, *others = roots
        here.mkdir(exist_ok=True)
        sources = [root for root, runs in zip(others, machines[1:], strict=True) if runs]
        before, theirs = runs_in(here), [tree(root) for root in sources]
        if not sources:
            return
        said = [(step.target, step.action) for step in collect(*sources, into=here, dry=True)]
        assert runs_in(here) == before
        steps = collect(*sources, into=here)
        assert [(step.target, step.action) for step in steps] == said
        after = runs_in(here)
        assert [tree(root) for root in sources] == theirs
        everywhere = [before, *(runs_in(root) for root in sources)]
        for place in {place for runs in everywhere for place in runs}:
            copies = [runs[place] for runs in everywhere if place in runs]
            finished = [copy for copy in copies if "scores.json" in copy]
            assert after[place] == (finished or copies)[0]
        conflicts = {step.target for step in steps if step.action == "conflict"}
        for place in after:
            scores = {runs[place].get("scores.json") for runs in everywhere if place in runs} - {None}
            assert (here / place in conflicts) == (len(scores) > 1)
        again = collect(*sources, into=here)
        assert set(actions(again)) <= {"here", "conflict"}
        assert runs_in(here) == after
        assert not list(here.glob("*/runs/.incoming"))


def test_a_real_run_that_was_collected_is_taken_for_finished_and_goes_on(plan: Callable[..., Plan]) -> None:
    done = run(plan(*BOOSTING, "budget.steps=10", "root=b"))
    (step,) = collect(Path("b"))
    assert (step.action, step.why) == ("collected", "")
    assert tree(step.target) == tree(done.folder)
    home = plan(*BOOSTING, "budget.steps=10")
    assert run(home).was_there
    assert run(home).scores == done.scores
    longer = run(plan(*BOOSTING, "budget.steps=20"))
    assert longer.parent is not None
    assert actions(collect(done.folder)) == ["here"]


def test_an_interrupted_run_comes_with_its_checkpoint(plan: Callable[..., Plan]) -> None:
    from paralab.errors import Interrupted

    away = plan(*BOOSTING, "budget.steps=20", "root=b")
    with pytest.raises(Interrupted):
        run(away, tell=lambda step, steps, scores: 15 if step == 10 else 0)
    (step,) = collect(Path("b"))
    assert step.action == "collected"
    said: list[str] = []
    done = run(plan(*BOOSTING, "budget.steps=20"), say=said.append)
    assert "resumed from step 10 of 20" in said
    whole = run(plan(*BOOSTING, "budget.steps=20", "root=c"))
    assert files.digest(done.folder / "predictions.npz") == files.digest(whole.folder / "predictions.npz")


@pytest.mark.parametrize("depth", ["root", "experiment", "run", "moved"])
def test_a_source_is_a_root_an_experiment_or_a_run(depth: str) -> None:
    place = write_sealed(Path("b"), seed=3)
    given = {"root": Path("b"), "experiment": Path("b/demo"), "run": place, "moved": Path("elsewhere/seed-3")}[depth]
    if depth == "moved":
        shutil.copytree(place, given)
    (step,) = collect(given)
    assert (step.action, step.target) == ("collected", HERE / place.relative_to("b"))
    assert tree(step.target) == tree(place)


def test_a_finished_run_takes_the_place_of_an_unfinished_one_which_is_kept() -> None:
    old = write_sealed(HERE, status="interrupted")
    was, new = tree(old), write_sealed(Path("b"))
    (step,) = collect(Path("b"))
    assert step.action == "replaced"
    assert tree(old) == tree(new)
    (moved,) = (HERE / "demo" / "runs" / ".replaced").iterdir()
    assert tree(moved / old.relative_to(HERE / "demo" / "runs")) == was
    assert len(read_runs(HERE)) == 1


def test_an_empty_folder_here_is_no_run() -> None:
    place = write_sealed(Path("b"), status="interrupted")
    (HERE / place.relative_to("b")).mkdir(parents=True)
    assert actions(collect(Path("b"))) == ["collected"]


def test_costs_may_differ_between_machines() -> None:
    mine = write_sealed(HERE, seconds=1.0)
    was = tree(mine)
    write_sealed(Path("b"), seconds=2.0)
    assert actions(collect(Path("b"))) == ["here"]
    assert tree(mine) == was


@pytest.mark.parametrize(
    ("other", "says"),
    [({"score": 0.8}, r"in test/accuracy \(0.9 here, 0.8 there\)"), ({"answers": b"others"}, "in predictions.npz")],
)
def test_another_outcome_is_a_conflict_that_is_named_and_left(other: dict[str, object], says: str, cli: Cli) -> None:
    mine, theirs = write_sealed(HERE), write_sealed(Path("b"), **other)  # type: ignore[arg-type]
    was = tree(Path("."))
    (step,) = collect(Path("b"))
    assert step.action == "conflict"
    assert f"{mine} differs from {theirs} {says}".replace("\\", "") in step.why
    code, out, err = cli("collect", "b")
    assert (code, err) == (1, "")
    assert f"conflict: {step.why}" in out
    assert tree(Path(".")) == was


def test_a_damaged_run_here_is_said_and_left() -> None:
    mine = write_sealed(HERE)
    write_sealed(Path("b"))
    (mine / "predictions.npz").write_bytes(b"answerz")
    (step,) = collect(Path("b"))
    assert step.action == "conflict"
    assert f"{mine}/predictions.npz does not match its digest: the run here is damaged" in step.why
    (mine / "record.json").write_text("{")
    (step,) = collect(Path("b"))
    assert step.action == "conflict"
    assert "record.json cannot be read" in step.why


# --- what a source may hold -------------------------------------------------------------------------------------------


def _flip(place: Path) -> None:
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)


def _link(place: Path) -> None:
    place.rename(place.with_name("real"))
    place.symlink_to(place.with_name("real"))


@pytest.mark.parametrize("name", ["model/weights", "predictions.npz", "scores.json", "history.jsonl", "config.yaml"])
@pytest.mark.parametrize("harm", [_flip, Path.unlink, _link])
def test_a_damaged_source_is_named_and_skipped(name: str, harm: Callable[[Path], None]) -> None:
    place = write_sealed(Path("b"), seed=1)
    write_sealed(Path("b"), seed=2)
    harm(place / name)
    by_name = {step.source.name: step for step in collect(Path("b"))}
    assert by_name["seed-2"].action == "collected"
    if (name, harm) == ("scores.json", Path.unlink):  # then it is unfinished, but its digests tell
        assert "scores.json is missing" in by_name["seed-1"].why
    assert by_name["seed-1"].action == "damaged"
    assert f"{place}/{name}" in by_name["seed-1"].why
    assert [read.seed for read in read_runs(HERE)] == [2]


def test_what_is_vouched_for_by_nobody_stays() -> None:
    place = write_sealed(Path("b"))
    for name in ("notes.txt", "model/more", ".scores.json.12", "lock.json"):
        (place / name).write_text("{}")
    os.utime(place / "lock.json", (0, 0))  # of a process on another machine, long dead
    half = place / "checkpoint" / ".step-000000000003.9"
    half.mkdir()
    (half / "state.npz").write_text("half")
    _flip(place / "checkpoint" / "step-000000000002" / "state.npz")
    (step,) = collect(Path("b"))
    found = set(tree(step.target))
    left = {name for name in tree(place) if name not in found}
    broken = {f"checkpoint/step-000000000002/{name}" for name in ("state.npz", "manifest.json", "last/weights")}
    assert left == {"notes.txt", "model/more", ".scores.json.12", "lock.json", *broken} | {
        "checkpoint/.step-000000000003.9/state.npz"
    }


def test_a_finished_run_without_digests_is_damaged() -> None:
    place = write_sealed(Path("b"))
    record = files.read_json(place / "record.json")
    files.write_json(place / "record.json", {**record, "files": {}})
    (step,) = collect(Path("b"))
    assert (step.action, "holds no digest of scores.json" in step.why) == ("damaged", True)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("experiment", "../../out", "name=../../out: an experiment's name is"),
        ("experiment", "/tmp/x", "name=/tmp/x: an experiment's name is"),
        ("experiment", None, "name=None"),
        ("problem", "..", "names '..', which is no name of a folder"),
        ("trainer", "../x", "names '..', which is no name of a folder"),
        ("trainer", "a/.b", "names '.b', which is no name of a folder"),
        ("config_id", "a\n/../..", "which is no name of a folder"),
        ("seed", -1, "of another run"),
    ],
)
def test_no_name_leaves_the_root(key: str, value: object, says: str) -> None:
    place = Path("moved/seed-0")
    shutil.copytree(write_sealed(Path("b")), place)
    files.write_json(place / "record.json", {**files.read_json(place / "record.json"), key: value})
    before = tree(Path("."))
    (step,) = collect(place)
    assert step.action == "damaged"
    assert says in step.why
    assert tree(Path(".")) == before


def test_links_are_not_followed_at_any_depth() -> None:
    place = write_sealed(Path("away"), seed=7)
    mine = write_sealed(Path("b"), seed=1)
    (mine.parent / "seed-7").symlink_to(place.absolute())
    (Path("b/linked")).symlink_to(Path("away/demo").absolute())
    (mine / "tensorboard").symlink_to(Path("away").absolute())
    secret = Path("secret")
    secret.write_text("secret")
    (mine / "run.log").unlink()
    (mine / "run.log").symlink_to(secret.absolute())
    (step,) = collect(Path("b"))
    assert step.action == "collected"
    assert not {"run.log", "tensorboard"} & set(os.listdir(step.target))
    assert not [path for path in HERE.rglob("*") if path.is_symlink()]
    record = mine / "record.json"
    _link(record)
    (step,) = collect(Path("b"))
    assert (step.action, step.why) == ("damaged", f"{record} is a link, which is not followed")
    fifo = write_sealed(Path("b"), seed=2) / "pipe"
    os.mkfifo(fifo)  # would block who opens it
    assert "collected" in actions(collect(Path("b")))


def test_runs_under_way_and_runs_that_never_began_are_skipped(cli: Cli) -> None:
    held = write_sealed(Path("b"), seed=1, status="running")
    (held.parent / "seed-2").mkdir()
    with locked(held):
        code, out, _ = cli("collect", "b")
    assert code == 0
    assert f"skipped: {held} is being written" in out
    assert f"skipped: {held.parent / 'seed-2'}: nothing recorded yet" in out
    assert not read_runs(HERE)
    assert actions(collect(Path("b"))) == ["collected", "skipped"]  # killed since


def test_a_run_under_way_here_is_left() -> None:
    mine = write_sealed(HERE, status="running")
    was = tree(mine)
    write_sealed(Path("b"))
    with locked(mine):
        (step,) = collect(Path("b"))
        assert (step.action, step.why) == ("skipped", f"{mine} is being written")
    assert tree(mine) == was


def test_of_two_sources_the_finished_one_wins_and_the_other_is_not_copied() -> None:
    write_sealed(Path("b"), status="interrupted")
    whole = write_sealed(Path("c"))
    assert actions(collect(Path("b"), Path("c"))) == ["collected", "here"]
    assert tree(HERE / whole.relative_to("c")) == tree(whole)
    assert not (HERE / "demo" / "runs" / ".replaced").exists()


def test_what_lies_beside_runs_comes_along_once(cli: Cli) -> None:
    write_sealed(Path("b"))
    sweep = Path("b/demo/sweeps/0123456789ab")
    sweep.mkdir(parents=True)
    (sweep / "manifest.jsonl").write_text("{}\n")
    (sweep / "lock.json").write_text("{}")
    assert "is being written: left as it is" in cli("collect", "b", "--dry-run")[1]
    os.utime(sweep / "lock.json", (0, 0))
    Path("b/demo/README.md").write_text("why")
    _, out, _ = cli("collect", "b", "--dry-run")
    assert "README.md would come along" in out
    assert not HERE.exists()
    cli("collect", "b")
    assert (HERE / "demo/README.md").read_text() == "why"
    assert os.listdir(HERE / "demo/sweeps/0123456789ab") == ["manifest.jsonl"]
    (HERE / "demo/README.md").write_text("mine")
    (sweep / "manifest.jsonl").write_text("{} \n")
    code, out, _ = cli("collect", "b")
    assert (code, "sweeps/0123456789ab: left as it is" in out) == (0, True)
    assert (HERE / "demo/README.md").read_text() == "mine"
    assert (HERE / "demo/sweeps/0123456789ab/manifest.jsonl").read_text() == "{}\n"


def test_a_sweep_that_cannot_be_copied_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sealed(Path("b"))
    sweep = Path("b/demo/sweeps/0123456789ab")
    sweep.mkdir(parents=True)
    (sweep / "study.json").write_text("{}\n")
    cli("collect", "b")
    (HERE / "demo/sweeps/0123456789ab/study.json").unlink()
    (HERE / "demo/sweeps/0123456789ab").rmdir()
    monkeypatch.setattr(copying.shutil, "copyfileobj", lambda source, target, length: target.write(b"other"))
    code, out, _ = cli("collect", "b")
    assert (code, f"{sweep} was left: {sweep}/study.json changed while it was copied" in out) == (0, True)
    assert not (HERE / "demo/sweeps/0123456789ab").exists()


# --- what is refused, and what fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "nowhere is no folder: give a root"),
        (["empty"], "empty holds no runs: give a root"),
        (["experiments"], "experiments lies in experiments, where runs are merged to"),
        (["experiments/demo"], "experiments/demo lies in experiments"),
        (["renamed"], "renamed is no run's folder: its name must be seed-N"),
        (["b", "--into", "b/demo/README.md"], "b/demo/README.md cannot be written (File exists)"),
        ([], "Missing argument 'sources'; see paralab collect --help"),
    ],
)
def test_refused(words: list[str], says: str, cli: Cli) -> None:
    write_sealed(HERE)
    shutil.copytree(write_sealed(Path("b")), "renamed")
    Path("b/demo/README.md").write_text("why")
    Path("empty").mkdir()
    before = tree(Path("."))
    code, _, err = cli("collect", *words)
    assert code == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert {name: data for name, data in tree(Path(".")).items() if "error.log" not in name} == before


@pytest.mark.skipif(os.getuid() == 0, reason="root may read and write anywhere")
def test_what_may_not_be_read_or_written_is_said() -> None:
    place = write_sealed(Path("b"))
    (place / "model" / "weights").chmod(0)
    (step,) = collect(Path("b"))
    assert step.action == "damaged"
    assert "weights cannot be read (Permission denied)" in step.why
    HERE.mkdir(exist_ok=True)
    HERE.chmod(0o555)
    (place / "model" / "weights").chmod(0o644)
    with pytest.raises(Failed, match="Permission denied"):
        collect(Path("b"))
    with pytest.raises(Refused, match="Permission denied"):
        collect(Path("b"), into=HERE / "deeper")


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_full_disk_leaves_nothing_half(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1, 2):
        write_sealed(Path("b"), seed=seed)
    copied, true = 0, shutil.copyfileobj

    def full(source: object, target: object, length: int = 0) -> None:
        nonlocal copied
        copied += 1
        if copied > after + 10:
            raise OSError(28, "No space left on device")
        true(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(copying.shutil, "copyfileobj", full)
        with pytest.raises(Failed, match=r"No space left on device; what was collected before is whole"):
            collect(Path("b"))
    assert {run.status for run in read_runs(HERE)} <= {"finished"}
    assert not list(HERE.rglob(".incoming"))
    assert set(actions(collect(Path("b")))) <= {"collected", "here"}
    assert runs_in(HERE) == runs_in(Path("b"))


def test_a_copy_that_went_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_sealed(Path("b"))
    monkeypatch.setattr(copying.shutil, "copyfileobj", lambda source, target, length: target.write(b"other"))
    (step,) = collect(Path("b"))
    assert step.action == "damaged"
    assert f"{place}/" in step.why
    assert "changed while it was copied" in step.why
    assert not read_runs(HERE)


def test_json_says_all(cli: Cli) -> None:
    place = write_sealed(Path("b"))
    code, out, _ = cli("collect", "b", "--json")
    said = json.loads(out)
    (row,) = said["runs"]
    assert (code, row["action"], row["source"], row["experiment"]) == (0, "collected", str(place), "demo")
    assert row["bytes"] == sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    assert (said["into"], said["dry_run"]) == ("experiments", False)


# --- killed in the middle ---------------------------------------------------------------------------------------------


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    null = subprocess.DEVNULL
    child = subprocess.Popen([sys.executable, "-m", "paralab", *words], stdout=null, stderr=null)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_finished(cli: Cli) -> None:
    chance = random.Random(0)
    for seed in range(40):
        place = write_sealed(Path("b"), seed=seed)
        (place / "tensorboard").mkdir()
        (place / "tensorboard" / "events").write_bytes(b"e" * 1_000_000)
        write_checkpoint(place / "checkpoint", 3)
    write_sealed(Path("c"), seed=50)
    for seed in range(0, 40, 2):
        write_sealed(HERE, seed=seed, status="interrupted")
    theirs, killed = runs_in(Path("b")), 0
    incoming = HERE / "demo" / "runs" / ".incoming"
    for _ in range(20):
        before = set(incoming.iterdir()) if incoming.exists() else set()
        with started("collect", "b", "c") as child:
            while child.poll() is None and not (incoming.exists() and set(incoming.iterdir()) - before):
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.1))
            killed += child.poll() is None
            child.send_signal(signal.SIGKILL)
        here = runs_in(HERE)
        for place, found in here.items():
            if "scores.json" in found:
                assert found == {**theirs, **runs_in(Path("c"))}[place]
    assert killed >= 5
    assert len(list(incoming.iterdir())) > 0
    assert cli("collect", "b", "c")[0] == 0
    assert runs_in(HERE) == {**theirs, **runs_in(Path("c"))}
    assert runs_in(Path("b")) == theirs
    for path in incoming.iterdir():
        os.utime(path, (0, 0))  # long ago
    assert cli("clean", "--no-checkpoints", "--yes")[0] == 0
    assert not incoming.exists()
    assert runs_in(HERE) == {**theirs, **runs_in(Path("c"))}
