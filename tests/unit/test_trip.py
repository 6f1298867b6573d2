"""A run that is trained below another root: told of by its own name, and the same whatever broke it off where."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paralab.errors import Failed, Refused
from paralab.record import files, folder, read
from paralab.record.lock import locked
from paralab.record.plan import Plan
from paralab.run import Result, run
from paralab.sweep import trip
from paralab.sweep.channel import Address
from paralab.sweep.executors import ray
from paralab.sweep.job import Brief, Ended
from tests.known import write_files
from tests.unit.test_run import artefacts, without_costs

Make = Callable[..., Plan]
BOOSTING = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5", "trainer.max_leaves=4")
NET = ("iris", "supervised/mlp", "budget.steps=6")
BRIEF = Brief((), None, None)


@pytest.fixture(autouse=True)
def _this_process_is_no_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trip, "ready", lambda: None)
    monkeypatch.setattr(sys, "argv", ["paralab", "train"])
    (tmp_path / "there").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "there"))


def away(plan: Plan, brief: Brief = BRIEF, change: Callable[[trip.Trip], trip.Trip] = lambda bags: bags) -> Ended:
    """As an executor does, but for the cluster."""
    ended = trip.attend(plan, lambda: trip.go(change(trip.pack_for(plan, 0, brief, None))))
    assert not list(Path("there").iterdir())
    assert not (plan.folder / "lock.json").exists()
    assert not list(plan.folder.parent.glob(".seed-*"))
    return ended


def outcome(plan: Plan) -> tuple[object, object]:
    scores = files.read_json(plan.folder / folder.SCORES)
    return artefacts(Result(scores, plan.folder, False)), without_costs(scores)


def test_as_if_it_had_been_trained_here(plan: Make, tmp_path: Path) -> None:
    one, other = (plan(*NET, f"name={name}") for name in ("here", "away"))
    run(one)
    assert away(other) == Ended("finished")
    assert outcome(one) == outcome(other)
    text = (one.folder / "config.yaml").read_text()
    assert (other.folder / "config.yaml").read_text() == text.replace("name: here", "name: away")
    assert files.read_json(other.folder / "record.json")["command"] == sys.argv
    assert away(other) == Ended("there")


@pytest.mark.parametrize("root", ["experiments", "there/../elsewhere/", "{tmp}/abs"])
@pytest.mark.parametrize("first", ["here", "away"])
def test_what_was_interrupted_goes_on_on_another_machine(plan: Make, tmp_path: Path, root: str, first: str) -> None:
    words = (*NET, "select=true", f"root={root.format(tmp=tmp_path)}")
    straight, broken = plan(*words, "name=straight"), plan(*words, "name=broken")
    run(straight)
    late = replace(BRIEF, timeout=0.0)
    ended = away(broken, late) if first == "away" else trip.work(broken, 0, late)
    assert (ended.end, ended.message) == (
        "timed out", f"{broken.folder}: out of time at step 1; the same command goes on from there"
    )  # fmt: skip
    assert read.failure(broken.folder) == ended.message
    assert (broken.folder / "checkpoint").is_dir()
    if first == "away":
        run(broken)
    else:
        assert away(broken) == Ended("finished")
    assert outcome(straight) == outcome(broken)
    assert "resumed from step 1 of 6" in (broken.folder / "run.log").read_text()
    for path in broken.folder.rglob("*"):
        assert path.is_dir() or b"/there/paralab-" not in path.read_bytes(), path


def test_a_longer_run_goes_on_from_the_finished_one_and_names_it(plan: Make, tmp_path: Path) -> None:
    words = (*BOOSTING, f"root={tmp_path / 'abs'}")
    shorter, longer = (plan(*words, f"budget.steps={steps}") for steps in (10, 20))
    run(shorter)
    assert away(longer, replace(BRIEF, timeout=0.0)).end == "timed out"
    assert away(longer) == Ended("finished")
    record = files.read_json(longer.folder / "record.json")
    assert read.parent_in(record) == f"{shorter.folder} at step 10"
    assert f"in {shorter.folder}, from step 10" in (longer.folder / "run.log").read_text()
    assert {path.name for path in longer.folder.parents[1].iterdir()} == {shorter.config_id, longer.config_id}


def test_anew_sets_the_old_run_aside_only_once_the_new_one_has_begun(plan: Make) -> None:
    forced = plan(*NET, "force=true")
    run(forced)
    before = (forced.folder / "record.json").read_bytes()
    assert away(replace(forced, config={**forced.config, "compile": True})).end == "refused"
    assert (forced.folder / "record.json").read_bytes() == before
    assert away(forced) == Ended("finished")
    assert (forced.folder / "record.json").read_bytes() != before
    (old,) = forced.folder.parents[4].glob(f".replaced/*/{'/'.join(forced.folder.parts[-5:])}/record.json")
    assert old.read_bytes() == before
    assert (forced.folder / "run.log").read_text().count("finished") == 2


def test_a_refused_run_leaves_nothing(plan: Make) -> None:
    refused = plan(*NET, "budget.patience=2")
    assert away(refused).end == "refused"
    assert not Path("experiments").exists()


def test_a_run_that_another_process_writes_is_held(plan: Make) -> None:
    decided = plan(*NET)
    decided.folder.mkdir(parents=True)
    with locked(decided.folder):
        ended = trip.attend(decided, lambda: pytest.fail("sent"))
    assert ended.end == "held"


def test_data_must_be_there_and_the_same(plan: Make, tmp_path: Path) -> None:
    write_files(tmp_path)
    decided = plan("table", "supervised/logistic")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def moved(bags: trip.Trip) -> trip.Trip:
        return replace(bags, cwd=str(elsewhere))

    ended = away(decided, change=moved)
    assert ended.end == "refused"
    for word in (socket.gethostname(), "problem.path=rows.csv", "data do not travel", "under the same path"):
        assert word in ended.message
    (elsewhere / "rows.csv").write_text("other")
    assert "are others than the driver's" in away(decided, change=moved).message
    assert not decided.folder.exists()
    assert away(decided) == Ended("finished")


def test_a_worker_that_cannot_reach_the_driver_says_so(plan: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = free.getsockname()
    ended = away(plan(*NET), replace(BRIEF, address=Address(place, b"", "stop")))
    assert ended.end == "failed"
    assert f"cannot reach the driver at {place[0]}:{place[1]}" in ended.message


class Dead(BaseException):
    """The worker's process is gone."""


@pytest.mark.parametrize("late", [False, True])
def test_what_a_dead_worker_left_comes_home_with_its_checkpoint_and_is_gone_on_from(
    plan: Make, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    words = (*NET, "checkpoint_seconds=0", f"root={Path.cwd() / 'abs'}")
    straight, broken = plan(*words, "name=straight"), plan(*words, "name=broken")
    run(straight)

    def die(here: Plan, key: int, brief: Brief) -> Ended:
        def tell(step: int, steps: int, scores: object) -> int:
            if step < 3:
                return 0
            raise Dead

        run(here, tell=tell)
        return Ended("finished")

    def sent() -> trip.Back:
        bags = trip.pack_for(broken, 0, replace(BRIEF, timeout=7.0), None)
        with monkeypatch.context() as patch:
            patch.setattr(trip, "work", die)
            patch.setattr("shutil.rmtree", lambda path, ignore_errors=False: None)
            with pytest.raises(Dead):
                trip.go(bags)
        if late:
            Path("there", bags.name, "late").write_text("Thread 0x1: in sleep\n")
        back = trip.remains(bags)
        assert back is not None
        assert trip.remains(bags) is None
        return back

    ended = trip.attend(broken, sent)
    assert ended.end == ("timed out" if late else "failed")
    assert (read.failure(broken.folder) or "").startswith("no end after 7.0 s" if late else "its worker died")
    assert ended.message == f"{broken.folder}: {read.failure(broken.folder)}"
    assert ("in sleep" in (broken.folder / "run.log").read_text()) is late
    assert away(broken) == Ended("finished")
    assert "resumed from step 2 of 6" in (broken.folder / "run.log").read_text()
    assert outcome(straight) == outcome(broken)


def test_what_no_worker_of_ours_would_send_is_not_taken(plan: Make) -> None:
    decided = plan(*NET)
    with pytest.raises(Failed, match="damaged parcel"):
        trip.attend(decided, lambda: (Ended("finished"), b"x" * 40))
    assert not Path("experiments").exists()


def test_an_address_where_nothing_answers_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for scheme in ("", "ray://"):
            ray._check_answers(f"{scheme}127.0.0.1:{port}")
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "127.0.0.1:99999", f"[::1]:{port}"):
        with pytest.raises(Refused, match="nothing answers there") as refused:
            ray._check_answers(address)
        assert f"executor.address={address}: " in str(refused.value)
    ray._check_answers("auto")
