"""The Ray executor on a real cluster of one machine, whose workers are told nothing of the driver's folders."""

from __future__ import annotations

import itertools
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from paralab.errors import Interrupted, Refused
from paralab.record import files, folder, history
from paralab.record.plan import Plan
from paralab.run import Result, run
from paralab.sweep.drain import Options, Outcome, drain
from paralab.sweep.executors.ray import Ray
from paralab.sweep.sweeper import Listed
from tests.conftest import Cli
from tests.ending import ending
from tests.unit.test_run import artefacts, stop_at, without_costs

Make = Callable[..., Plan]
ROOT = Path(__file__).parents[2]
PLAIN = Options(retry_failed=True, force=False, fail_fast=False, max_retries=0, timeout_s=None)
RAY = Ray(address=None, workers=None, cpus=None, gpus=0.0, memory_gb=None, resources={}, grace_s=1.0)
NET = ("iris", "supervised/mlp", "budget.steps=6", "select=true")


CLUSTER = """
import sys
from paralab.sweep.executors.ray import _cluster
with _cluster(None) as (ray, _):
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster's that is running in processes of its own, for the whole module."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")  # before ray is imported, which reads both
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", CLUSTER], text=True, **pipes) as process:
            assert process.stdin
            assert process.stdout
            try:
                yield process.stdout.readline().strip()
            finally:
                process.stdin.close()  # which ends it
                process.wait(60)


class Eyes:
    """A watcher that stops all once a run is at step `until`."""

    trust = ("tests.",)

    def __init__(self, until: int | None) -> None:
        self.until, self.signal = until, 0
        self.said: list[str] = []

    def begin(self, key: int, plan: Plan) -> None:
        """Seen in the record."""

    def tell(self, key: int, step: int, steps: int, scores: Any) -> None:
        if self.until is not None and step >= self.until:
            self.signal = signal.SIGTERM

    def say(self, key: int, text: str) -> None:
        self.said.append(text)

    def end(self, key: int, outcome: Outcome) -> None:
        """Seen in what `drain` returns."""


def ran(plans: Sequence[Plan], ray: Ray, options: Options = PLAIN, until: int | None = None) -> list[Outcome]:
    home = Path("home").resolve()
    home.mkdir(exist_ok=True)
    by_plan = {each.plan.folder: each for each in drain(Listed(iter(plans)), ray, plans, options, Eyes(until), home)}
    return [by_plan[plan.folder] for plan in plans]


def at(address: str) -> Ray:
    return replace(RAY, address=address)


def outcome(place: Path) -> tuple[object, object]:
    scores = files.read_json(place / folder.SCORES)
    return artefacts(Result(scores, place, False)), without_costs(scores)


@pytest.mark.slow
def test_a_grid_is_the_same_as_inline_with_no_trace_of_where_it_ran(cli: Cli, address: str) -> None:
    words = ("-m", "problem=iris,wine", "trainer=supervised/mlp,supervised/logistic", "budget.steps=4", "seed=1,2")
    for name, executor in {"one": ("inline",), "two": ("ray", f"executor.address={address}")}.items():
        last = [f"executor={executor[0]}", *executor[1:], f"name={name}"]
        code, out, err = cli("train", *words, *last)
        assert (code, "Traceback" in err) == (0, False), err
        assert "(raylet)" not in out
    places = sorted(path.parent for path in Path("experiments/one").glob("runs/*/*/*/*/*/scores.json"))
    assert len(places) == 8
    for place in places:
        away = Path("experiments/two", *place.parts[2:])
        assert outcome(place) == outcome(away)
        text = (place / "config.yaml").read_text()
        assert (away / "config.yaml").read_text() == text.replace("name: one", "name: two")
        command = files.read_json(away / "record.json")["command"]
        assert command[-1] == "name=two"
        assert {path.name for path in away.iterdir()} == {path.name for path in place.iterdir()}
        for path in away.rglob("*"):
            assert path.is_dir() or b"/paralab-" not in path.read_bytes()
    code, out, _ = cli("train", *words, "executor=ray", f"executor.address={address}", "name=two")
    assert "8 of them already there" in out


@pytest.mark.slow
def test_a_worker_that_dies_takes_only_its_run_down_and_its_record_comes_home(plan: Make, address: str) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5", "checkpoint_seconds=0")
    ways = {
        "raises": "on purpose", "exits 3": "its worker died", "is killed": "its worker died",
        "calls exit": "enough", "hangs": "no end after 20.0 s",
    }  # fmt: skip
    sound = [ending(corridor, f"sound {number}") for number in range(3)]
    ill = [ending(corridor, way) for way in ways]
    outcomes = ran([*ill, *sound], at(address), options=replace(PLAIN, timeout_s=20.0))
    assert [each.end for each in outcomes] == ["failed"] * 4 + ["timed out"] + ["finished"] * 3
    for each, text in zip(outcomes, ways.values(), strict=False):
        record = files.read_json(each.plan.folder / "record.json")
        assert record["status"] == "failed"
        assert text in record["error"]
        assert text in str(each.error)
        assert [row["step"] for row in history.read(each.plan.folder / "history.jsonl")] == [1, 2]
        assert (each.plan.folder / "checkpoint").is_dir()
        assert not (each.plan.folder / "lock.json").exists()
    assert "in end" in (ill[4].folder / "run.log").read_text()  # where it hung


@pytest.mark.slow
def test_another_attempt_goes_on_from_what_a_dead_worker_left(plan: Make, address: str) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5", "checkpoint_seconds=0")
    plans = [ending(corridor, way, once=Path(way).resolve()) for way in ("is killed", "is told")]
    assert [each.end for each in ran(plans, at(address), options=replace(PLAIN, max_retries=1))] == ["finished"] * 2
    for each in plans:
        assert [row["step"] for row in history.read(each.folder / "history.jsonl")] == [1, 2, 3, 4, 5]
        assert "resumed from step" in (each.folder / "run.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("first", ["here", "ray"])
def test_what_was_stopped_in_one_place_goes_on_in_the_other(plan: Make, address: str, first: str) -> None:
    straight, broken = (plan(*NET, f"name={name}") for name in ("straight", "broken"))
    run(straight)
    with pytest.raises(Interrupted):
        run(broken, tell=stop_at(3)) if first == "here" else ran([broken], at(address), until=1)
    record = files.read_json(broken.folder / "record.json")
    assert (record["status"], (broken.folder / "checkpoint").is_dir()) == ("interrupted", True)
    if first == "here":
        assert ran([broken], at(address))[0].end == "finished"
    else:
        run(broken)
    assert outcome(straight.folder) == outcome(broken.folder)
    assert "resumed from step" in (broken.folder / "run.log").read_text()


@pytest.mark.slow
def test_what_can_never_run_is_refused(plan: Make, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    iris = plan(*NET)
    for ray, text in (
        (replace(at(address), gpus=1.0), "a run takes 1 GPU, all machines together have 0"),
        (replace(at(address), resources={"tpu": 2.0}), "a run takes 2 tpu"),
        (replace(at(address), cpus=1000.0), "a run takes 1000 CPU"),
    ):
        with pytest.raises(Refused, match=text):
            ran([iris], ray)
    assert not iris.folder.exists()


def test_without_ray_the_refusal_says_what_to_install(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(
        Refused, match=re.escape("executor=ray needs Ray, which is not installed: pip install paralab[ray]")
    ):
        ran([plan(*NET)], RAY)


def write_conf() -> None:
    """The trainer of tests.ending, slow, as a user's own."""
    text = "_target_: tests.ending.Ending\ndefault_steps: 500\nhow: sound\nat: 3\nonce: ''\npause: 0.05\n"
    place = Path("conf/trainer/reinforcement/slow.yaml")
    place.parent.mkdir(parents=True)
    place.write_text(text)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A command under way in a session of its own, killed at the test's end."""
    begun: list[subprocess.Popen[str]] = []

    def command(*words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MARK": str(Path.cwd())}
        line = [sys.executable, "-m", "paralab", "train", "-m", "problem=corridor", "trainer=reinforcement/slow"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        begun.append(subprocess.Popen([*line, "--trust", "tests.", *words], env=environment, **pipes))  # type: ignore[call-overload]
        return begun[-1]

    yield command
    for process in begun:
        with process, suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def until(said: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what must come."""
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def locks() -> list[Path]:
    return list(Path("experiments").glob("*/runs/*/*/*/*/*/lock.json"))


def on_workers(name: str) -> set[Path]:
    """Temporary folders of runs of an experiment; of a cluster started for it they lie in one of its own."""
    found = itertools.chain.from_iterable(Path("/tmp").glob(f"{deep}paralab-*/root/{name}/runs") for deep in ("", "*/"))
    return {path.parents[2] for path in found}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_told_once_to_stop_the_runs_come_home_with_their_checkpoints(
    start: Callable[..., subprocess.Popen[str]], address: str, number: int, code: int
) -> None:
    write_conf()
    name = f"told-{os.getpid()}"
    process = start("seed=0,1,2,3", "executor=ray", f"executor.address={address}", f"name={name}")
    until(lambda: len(on_workers(name)) == 2 or process.poll() is not None)
    time.sleep(0.5)  # some steps
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (code, False), err
    records = [files.read_json(path) for path in Path("experiments").glob("*/runs/*/*/*/*/*/record.json")]
    assert [record["status"] for record in records] == ["interrupted"] * 2
    assert len(list(Path("experiments").glob("*/runs/*/*/*/*/*/checkpoint/step-*"))) == 2
    assert not locks()
    assert not on_workers(name)


def marked() -> list[str]:
    """Processes that a command of this test started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"MARK={Path.cwd()}".encode() in place.read_bytes():
                found.append(place.parent.name)
    return found


@pytest.mark.slow
def test_told_twice_all_ends_at_once_with_the_cluster_that_was_started_for_it(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    write_conf()
    here, name = set(Path.cwd().iterdir()), f"twice-{os.getpid()}"
    process = start("seed=0,1,2,3", "executor=ray", f"name={name}")
    until(lambda: len(on_workers(name)) == 2 or process.poll() is not None)
    folders = on_workers(name)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, len(folders), "Traceback" in err) == (130, 2, False), err
    until(lambda: not marked())
    assert not locks()
    assert not any(path.parent.exists() for path in folders)  # the cluster's own folder
    assert set(Path.cwd().iterdir()) - here == {Path.cwd() / "experiments"}
