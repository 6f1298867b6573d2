"""The local executor on real processes: one that dies, however, takes its own run down and nothing else."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paralab import device
from paralab.errors import Refused
from paralab.record import files
from paralab.record.holder import born
from paralab.record.plan import Plan
from paralab.sweep.cores import cores
from paralab.sweep.drain import Options, Outcome, drain
from paralab.sweep.executors.local import LOG, Local, _Pool, preload
from paralab.sweep.executors.workers import Workers
from paralab.sweep.job import Brief, Ended
from paralab.sweep.pool import death
from paralab.sweep.sweeper import Listed
from tests.ending import ending

Make = Callable[..., Plan]
PLAIN = Options(retry_failed=True, force=False, fail_fast=False, max_retries=0, timeout_s=None)


class Eyes:
    """A watcher that keeps what it is told."""

    trust = ("tests.",)
    signal = 0

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: dict[int, list[int]] = {}

    def begin(self, key: int, plan: Plan) -> None:
        self.steps.setdefault(key, [])

    def tell(self, key: int, step: int, steps: int, scores: Any) -> None:
        self.steps[key].append(step)

    def say(self, key: int, text: str) -> None:
        self.said.append(text)

    def end(self, key: int, outcome: Outcome) -> None:
        """Seen in what `drain` returns."""


def ran(plans: Sequence[Plan], options: Options = PLAIN, **fields: Any) -> tuple[dict[str, Outcome], Eyes]:
    """The outcome of each plan, by its trainer's way to end."""
    local = Local(**({"workers": 2, "gpus": None, "jobs_per_gpu": 1, "grace_s": 0.5} | fields))
    eyes, home = Eyes(), Path("home")
    home.mkdir(exist_ok=True)
    outcomes = drain(Listed(iter(plans)), local, plans, options, eyes, home.resolve())
    assert not multiprocessing.active_children()
    assert len(outcomes) == len(plans)
    return {outcome.plan.config_id: outcome for outcome in outcomes}, eyes


def test_a_run_that_dies_takes_only_itself_down(plan: Make) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5")
    ways = {
        "raises": "on purpose",
        "times out": "its own",
        "exits 0": "ended by itself (exit code 0)",
        "exits 3": "ended by itself (exit code 3)",
        "is killed": "was killed (SIGKILL); out of memory?",
        "crashes": "was killed (SIGSEGV)",
        "calls exit": "SystemExit: enough",
        "eats memory": "Unable to allocate",
        "diverges": "train/loss is nan at step 3",
        "hangs": "no end after 1.5 s",
    }
    sound = [ending(corridor, f"sound {number}") for number in range(4)]
    plans = [
        each
        for way, good in zip(ways, [*sound, *[None] * 9], strict=False)
        for each in (good, ending(corridor, way))
        if each
    ]
    options = Options(retry_failed=True, force=False, fail_fast=False, max_retries=0, timeout_s=1.5)
    outcomes, _ = ran(plans, options)
    for each in sound:
        assert outcomes[each.config_id].end == "finished"
    for way, text in ways.items():
        outcome = outcomes[way.replace(" ", "-")]
        assert text in str(outcome.error)
        assert outcome.end == ("timed out" if way == "hangs" else "failed")
        record = files.read_json(outcome.plan.folder / "record.json")
        assert record["status"] == ("diverged" if way == "diverges" else "failed")
        assert text in record["error"]
    assert "Segmentation fault" in Path("home", LOG).read_text()


@pytest.mark.slow
def test_retries_go_on_from_the_checkpoint_but_not_where_nothing_would_change(plan: Make) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5", "checkpoint_seconds=0")
    ways = ("is killed", "exits 0", "raises", "is told")
    plans = [ending(corridor, way, once=Path(way).resolve()) for way in ways] + [ending(corridor, "diverges")]
    options = Options(retry_failed=True, force=False, fail_fast=False, max_retries=1, timeout_s=None)
    outcomes, eyes = ran(plans, options)
    assert [outcomes[each.config_id].end for each in plans] == ["finished"] * 4 + ["failed"]
    assert sum("attempt 2 goes on from its checkpoint" in text for text in eyes.said) == 3
    assert sum("its worker was told to end; another goes on" in text for text in eyes.said) == 1
    for each in plans[:4]:
        lines = [json.loads(line) for line in (each.folder / "history.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    begun = [line for line in (plans[4].folder / "run.log").read_text().splitlines() if "(diverges)" in line]
    assert len(begun) == 1


@pytest.mark.slow
def test_a_worker_is_where_the_driver_is_and_a_module_that_breaks_is_the_run_s_to_tell(
    plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"broken": "raise RuntimeError('broken at import')", "leaves": "raise SystemExit(3)"}.items():
        Path("packages").mkdir(exist_ok=True)
        Path("packages", f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(Path("packages").resolve()))
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5")
    there = ending(corridor, "is told", once=Path("relative"))  # touched in the driver's working folder
    there = Plan({**there.config, "trainer": {**there.config["trainer"], "once": "relative"}}, *names(there))
    plans = [there]
    for name in ("broken", "leaves"):
        node = {**there.config["trainer"], "_target_": f"{name}.Trainer"}
        plans.append(Plan({**there.config, "trainer": node}, *names(there)[:2], name))
    monkeypatch.setattr(Eyes, "trust", ("tests.", "broken.", "leaves."))
    outcomes, _ = ran(plans)
    assert outcomes["is-told"].end == "finished"
    assert Path("relative").exists()
    assert "broken at import" in str(outcomes["broken"].error)
    assert "SystemExit: 3" in str(outcomes["leaves"].error)


def names(plan: Plan) -> tuple[str, str, str]:
    return plan.problem, plan.trainer, plan.config_id


def test_an_idle_worker_that_is_killed_is_replaced(plan: Make) -> None:
    corridor = plan("corridor", "reinforcement/q_table", "budget.steps=5")
    Path("home").mkdir()
    brief = Brief(("tests.",), None, None)
    from paralab.sweep.pool import Work

    plans = [ending(corridor, f"sound {number}") for number in range(3)]
    local = Local(workers=1, gpus=None, jobs_per_gpu=1, grace_s=1.0)
    with local.open(Work(plans, brief, Path("home").resolve())) as pool:
        for number, how in enumerate((signal.SIGKILL, signal.SIGTERM)):
            assert pool.submit(plans[number], number).result(60).end == "finished"
            (worker,) = multiprocessing.active_children()
            assert worker.pid is not None
            os.kill(worker.pid, how)
            while born(worker.pid):
                time.sleep(0.01)
        assert pool.submit(plans[2], 2).result(60).end == "finished"


def test_preload_is_what_the_runs_import_and_nothing_untrusted(plan: Make) -> None:
    doors = [
        "trainer.estimator._target_=sklearn.pipeline.Pipeline",
        "trainer.estimator.steps=[[a,{_target_: sklearn.decomposition.PCA}],[b,{_target_: sklearn.svm.SVC}]]",
    ]
    door = plan("iris", "supervised/sklearn", *[f"+{each}" if ".steps" in each else each for each in doors])
    found = preload([door, door], [])
    for module in ("paralab.trainers.supervised.sklearn", "sklearn.pipeline", "sklearn.decomposition", "sklearn.svm"):
        assert found.count(module) == 1
    mine = ending(plan("corridor", "reinforcement/q_table"), "sound")
    assert "tests.ending" in preload([mine], ["tests."])
    assert "tests.ending" not in preload([mine], [])
    assert "torch" not in " ".join(found)


class Bench:
    """Stands in for the workers: jobs end when a test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[int | None, Future[Ended]]] = []

    def schedule(self, do: object, arguments: tuple[Any, ...], limit: float | None) -> Future[Ended]:
        self.jobs.append((arguments[0], Future()))
        return self.jobs[-1][1]


def on_gpu(number: int, gpu: bool) -> Plan:
    return Plan({"device": "cuda" if gpu else "cpu"}, "p", "t", str(number))


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 3), st.integers(1, 2), st.data())
def test_gpu_slots_are_exclusive_come_back_from_the_dead_and_keep_no_cpu_run_waiting(
    cuda: list[bool], gpus: int, each: int, data: st.DataObject
) -> None:
    bench = Bench()
    slots = Local(workers=None, gpus=gpus, jobs_per_gpu=each, grace_s=1.0)._slots()
    pool = _Pool(cast(Workers, bench), 2, slots, True, Brief((), None, None), None)
    futures = [pool.submit(on_gpu(number, gpu), number) for number, gpu in enumerate(cuda)]
    assert sum(slot is None for slot, _ in bench.jobs) == cuda.count(False)
    assert pool.workers == 2 + max(0, cuda.count(True) - gpus * each)
    while running := [(slot, job) for slot, job in bench.jobs if not job.done()]:
        for gpu in range(gpus):
            assert sum(slot == gpu for slot, _ in running) <= each
        taken = sum(slot is not None for slot, _ in running)
        assert taken == min(gpus * each, taken + len(pool.waiting))  # none waits beside a free slot
        _, job = data.draw(st.sampled_from(running))
        if data.draw(st.booleans()):
            job.set_result(Ended("finished"))
        else:
            job.set_exception(RuntimeError("dead"))
    assert all(future.done() for future in futures)
    assert sorted(pool.slots) == sorted([*range(gpus)] * each)


def test_runs_spread_over_the_gpus() -> None:
    bench = Bench()
    slots = Local(workers=None, gpus=2, jobs_per_gpu=2, grace_s=1.0)._slots()
    pool = _Pool(cast(Workers, bench), 4, slots, False, Brief((), None, None), None)
    for number in range(5):
        pool.submit(on_gpu(number, True), number)
    assert sorted(slot for slot, _ in bench.jobs[:2] if slot is not None) == [0, 1]
    assert len(bench.jobs) == 4
    assert pool.workers == 4


def test_a_gpu_is_taken_by_index_before_anything_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.delenv(device.WORKSPACE[0], raising=False)
    try:
        device.take(1)
        device.prepare("cuda")
        device.take(None)
        device.prepare("cuda")
    finally:
        device.prepare("cpu")
        os.environ.pop(device.WORKSPACE[0], None)
    assert taken == [1]


@pytest.mark.parametrize("field", ["workers", "gpus", "jobs_per_gpu"])
def test_numbers_out_of_range_are_refused(plan: Make, field: str) -> None:
    from paralab.sweep.pool import Work

    numbers: dict[str, Any] = {"workers": 1, "gpus": 1, "jobs_per_gpu": 1, "grace_s": 1.0} | {field: -1}
    work = Work([Plan({"device": "cuda", "threads": 1}, "p", "t", "0")], Brief((), None, None), Path())
    with pytest.raises(Refused, match=f"executor.{field}=-1"), Local(**numbers).open(work):
        pass
    with pytest.raises(Refused, match=r"executor\.gpus=0"):
        Local(workers=1, gpus=0, jobs_per_gpu=1, grace_s=1.0)._slots()


def test_cores_are_what_the_control_group_grants(tmp_path: Path) -> None:
    free = cores(tmp_path)
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cores(tmp_path) == 1
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores(tmp_path) == free
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cores(tmp_path) == free
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert cores(tmp_path) == 1


def test_deaths_have_names() -> None:
    assert death(-9) == "its process was killed (SIGKILL); out of memory?"
    assert death(-15) == "its process was killed (SIGTERM)"
    assert death(-99) == "its process was killed (signal 99)"
    assert death(7) == "its process ended by itself (exit code 7)"
    assert death(None) == "its process is gone"
