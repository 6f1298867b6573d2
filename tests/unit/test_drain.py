"""The driver's loop by its promises: of each run one outcome, whatever the order of ends; none starts after a stop."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paralab.core import Metrics
from paralab.errors import Failed, Interrupted, Refused
from paralab.record import files
from paralab.record.plan import Plan
from paralab.sweep import again
from paralab.sweep import drain as module
from paralab.sweep.channel import Line
from paralab.sweep.drain import Options, Outcome, drain
from paralab.sweep.job import Brief, Ended
from paralab.sweep.pool import Lost, Pool, Work
from paralab.sweep.sweeper import Listed

END = ("finished", "there", "refused", "failed", "timed out", "pruned")
TRIES = (*END, "held", "interrupted", "not started", "final", "lost", "late", "cancelled")
Script = list[list[str]]  # of each run, how its attempts end; the last ends it for good


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)
    monkeypatch.setattr(module, "HELD_AGAIN", 0.001)
    monkeypatch.setattr(again, "HELD_AGAIN", 0.001)


@dataclass
class Scripted:
    """An executor whose runs end as a script says, in an order drawn by the test."""

    script: Script
    count: int
    order: Any  # picks one of those that run
    remote = False
    outlives = False
    started: list[int] = field(default_factory=list)  # in order, with repeats
    forced: list[bool] = field(default_factory=list)
    running: dict[int, Future[Ended]] = field(default_factory=dict)
    most: int = 0
    stopped: bool = False
    breaks: int | None = None  # how many runs it takes before it takes none
    ended: int = 0

    @contextmanager
    def open(self, work: Work) -> Iterator[Pool]:
        self.brief: Brief = work.brief
        yield self

    @property
    def workers(self) -> int:
        if self.running:  # asked whenever the loop has something to wait for
            self._finish()
        return self.count

    def submit(self, plan: Plan, key: int) -> Future[Ended]:
        if self.breaks is not None and len(self.started) >= self.breaks:
            raise RuntimeError("broken")
        number = plan.config["seed"]
        self.started.append(number)
        self.forced.append(plan.config["force"])
        self.running[number] = Future()
        self.most = max(self.most, len(self.running))
        return self.running[number]

    def stop(self) -> None:
        self.stopped = True

    def _finish(self) -> None:
        number = self.order(sorted(self.running))
        future, how = self.running.pop(number), self.script[number][self.started.count(number) - 1]
        self.ended += 1
        match how:
            case "lost":
                future.set_exception(Lost("its process is gone\nand more"))
            case "late":
                future.set_exception(TimeoutError())
            case "cancelled":
                future.cancel()
                future.set_running_or_notify_cancel()
            case "final":
                future.set_result(Ended("failed", "as ever", final=True))
            case _:
                if how in ("finished", "there"):
                    finish(number)
                future.set_result(Ended(how, f"run {number} {how}"))


@dataclass
class Task:
    """A watcher that may stop the sweep after some ends, or break."""

    stop_after: int | None = None
    breaks: str = ""
    trust: Sequence[str] = ()
    ended: list[Outcome] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def signal(self) -> int:
        return 2 if self.stop_after is not None and len(self.ended) >= self.stop_after else 0

    def begin(self, key: int, plan: Plan) -> None:
        if self.breaks == "begin":
            raise ZeroDivisionError(self.breaks)

    def tell(self, key: int, step: int, steps: int, scores: Metrics) -> None:
        """Not told here."""

    def say(self, key: int, text: str) -> None:
        self.said.append(text)

    def end(self, key: int, outcome: Outcome) -> None:
        self.ended.append(outcome)
        if self.breaks == "end":
            raise ZeroDivisionError(self.breaks)


def runs(count: int, **more: object) -> list[Plan]:
    root = str(Path("experiments").resolve())
    return [
        Plan({"root": root, "name": "n", "seed": seed, "force": False, **more}, "p", "a/t", "0" * 12)
        for seed in range(count)
    ]


def finish(number: int) -> None:
    place = runs(number + 1)[number].folder
    place.mkdir(parents=True, exist_ok=True)
    files.write_json(place / "scores.json", {"test/accuracy": 1.0})


def options(**said: Any) -> Options:
    return Options(
        **({"retry_failed": True, "force": False, "fail_fast": False, "max_retries": 0, "timeout_s": None} | said)
    )


def number_of(outcome: Outcome) -> int:
    number: int = outcome.plan.config["seed"]
    return number


def attempts(retries: int) -> st.SearchStrategy[list[str]]:
    """How the attempts at one run may end: those tried again first, then enough of what is not."""
    tried = st.lists(
        st.sampled_from(["held", "interrupted", "not started", *(["failed", "lost", "late"] * bool(retries))]),
        max_size=4,
    )
    last = st.sampled_from([*END, "final"])
    return st.tuples(tried, last).map(lambda said: [*said[0], *[said[1]] * (retries + 1)])


drawn = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@drawn
@given(data=st.data(), workers=st.integers(0, 3), retries=st.integers(0, 2), fail_fast=st.booleans())
def test_any_order_of_any_ends_gives_each_run_one_outcome(
    data: st.DataObject, workers: int, retries: int, fail_fast: bool
) -> None:
    script = data.draw(st.lists(attempts(retries), max_size=6))
    stop_after = data.draw(st.none() | st.integers(0, 3))
    executor = Scripted(script, workers, lambda running: data.draw(st.sampled_from(running)))
    task = Task(stop_after)
    outcomes: Sequence[Outcome] = task.ended
    asked = options(max_retries=retries, fail_fast=fail_fast)
    with suppress(*([Interrupted] if stop_after is not None else [])):
        outcomes = drain(Listed(iter(runs(len(script)))), executor, runs(len(script)), asked, task, Path())
    assert executor.most <= workers + 1
    assert not executor.running
    count = Counter(number_of(outcome) for outcome in outcomes)
    assert set(count.values()) <= {1}
    assert set(count) == set(executor.started)
    assert list(outcomes) == task.ended  # in the order of their ends
    if stop_after is None and not fail_fast:
        assert sorted(count) == list(range(len(script)))
    for outcome in outcomes:
        said = script[number_of(outcome)]
        if not fail_fast and stop_after is None:
            tried = executor.started.count(number_of(outcome))
            failures = sum(how in ("failed", "lost", "late", "timed out") for how in said[:tried])
            assert failures <= retries + 1
            assert said[tried - 1] not in ("held", "interrupted", "not started")
        without = ("finished", "there", "pruned", "interrupted", "not started", "held")
        assert (outcome.error is None) == (outcome.end in without)
        assert (outcome.result is None) == (outcome.end not in ("finished", "there"))


@pytest.mark.parametrize("how", ["interrupt", "fail"])
def test_no_run_is_started_after_a_stop(how: str) -> None:
    executor = Scripted([["failed"]] * 20, 2, min)
    task = Task(stop_after=1 if how == "interrupt" else None)
    if how == "interrupt":
        with pytest.raises(Interrupted, match="0 runs finished"):
            drain(Listed(iter(runs(20))), executor, runs(20), options(), task, Path())
    else:
        outcomes = drain(Listed(iter(runs(20))), executor, runs(20), options(fail_fast=True), task, Path())
        assert isinstance(outcomes[0].error, Failed)
        assert len(outcomes) == len(executor.started)
    assert len(executor.started) <= 4
    assert not executor.stopped or how == "interrupt"


def test_a_failure_that_waits_for_its_retry_when_all_stops_is_told_as_a_failure() -> None:
    executor = Scripted([["failed", "failed"], ["refused"]], 1, min)
    asked = options(max_retries=1, fail_fast=True)
    outcomes = drain(Listed(iter(runs(2))), executor, runs(2), asked, Task(), Path())
    ends = {number_of(outcome): type(outcome.error) for outcome in outcomes}
    assert ends == {0: Failed, 1: Refused}


def test_a_held_run_is_waited_for_said_once_and_not_forced_again() -> None:
    executor = Scripted([["held", "held", "held", "there"]], 1, min)
    task = Task()
    plans = runs(1, force=True)
    (outcome,) = drain(Listed(iter(plans)), executor, plans, options(), task, Path())
    assert outcome.end == "there"
    assert outcome.plan is plans[0]
    assert task.said == ["run 0 held; this sweep waits"]
    assert executor.forced == [True, False, False, False]


def test_a_run_lost_before_it_began_is_forced_again() -> None:
    executor, plans = Scripted([["lost", "interrupted", "finished"]], 1, min), runs(1, force=True)
    drain(Listed(iter(plans)), executor, plans, options(max_retries=1), Task(), Path())
    assert executor.forced == [True, True, True]


@pytest.mark.parametrize("ended", ["cancelled", "not started"])
def test_what_never_began_is_told_as_not_started(ended: str) -> None:
    executor, task = Scripted([["finished"], [ended], [ended]], 2, min), Task(stop_after=1)
    with pytest.raises(Interrupted, match="1 runs finished"):
        drain(Listed(iter(runs(3))), executor, runs(3), options(), task, Path())
    assert Counter(outcome.end for outcome in task.ended) == {"finished": 1, "not started": 2}


@pytest.mark.parametrize("saved", [True, False])
def test_another_attempt_says_whether_there_is_a_checkpoint_to_go_on_from(saved: bool) -> None:
    (plan,) = runs(1)
    place = plan.folder / "checkpoint"
    place.mkdir(parents=True)
    (place / ("5" if saved else ".5.tmp")).mkdir()
    task = Task()
    drain(
        Listed(iter([plan])), Scripted([["failed", "finished"]], 1, min), [plan], options(max_retries=1), task, Path()
    )
    assert task.said == [f"run 0 failed; attempt 2 {'goes on from its checkpoint' if saved else 'begins anew'}"]


def test_what_always_ends_its_workers_is_given_up() -> None:
    executor = Scripted([["interrupted"] * 100], 1, min)
    (outcome,) = drain(Listed(iter(runs(1))), executor, runs(1), options(), Task(), Path())
    assert outcome.end == "interrupted"
    assert len(executor.started) == again.MOVES + 1


def test_a_run_lost_after_it_finished_is_finished_unless_that_was_the_old_one() -> None:
    finish(0)
    executor = Scripted([["lost"]], 1, min)
    (outcome,) = drain(Listed(iter(runs(1))), executor, runs(1), options(), Task(), Path())
    assert outcome.end == "finished"
    forced = runs(1, force=True)
    (outcome,) = drain(Listed(iter(forced)), Scripted([["lost"]], 1, min), forced, options(), Task(), Path())
    assert str(outcome.error) == f"{forced[0].folder}: its process is gone"


def test_scores_that_cannot_be_read_are_a_failure_that_names_them() -> None:
    finish(0)
    (runs(1)[0].folder / "scores.json").write_text("{")
    executor = Scripted([["pruned"]], 1, min)
    executor._finish = lambda: executor.running.popitem()[1].set_result(Ended("finished"))  # type: ignore[method-assign]
    (outcome,) = drain(Listed(iter(runs(1))), executor, runs(1), options(), Task(), Path())
    assert "scores.json cannot be read" in str(outcome.error)


def test_what_a_watcher_raises_comes_out_after_the_runs_under_way() -> None:
    executor = Scripted([["finished"]] * 9, 2, min)
    with pytest.raises(ZeroDivisionError, match="end"):
        drain(Listed(iter(runs(9))), executor, runs(9), options(), Task(breaks="end"), Path())
    assert executor.ended == len(executor.started) <= 4


def test_what_a_source_raises_comes_out_too() -> None:
    def plans() -> Iterator[Plan]:
        yield from runs(2)
        raise ZeroDivisionError("source")

    executor = Scripted([["finished"]] * 2, 4, min)
    with pytest.raises(ZeroDivisionError, match="source"):
        drain(Listed(plans()), executor, runs(2), options(), Task(), Path())
    assert executor.ended == 2


def test_an_executor_that_breaks_is_one_line_and_all_its_runs_are_told_of() -> None:
    executor, task = Scripted([["finished"]] * 5, 1, min, breaks=3), Task()
    with pytest.raises(Failed, match="takes no more runs: RuntimeError: broken"):
        drain(Listed(iter(runs(5))), executor, runs(5), options(), task, Path())
    assert Counter(outcome.end for outcome in task.ended) == {"finished": 3, "not started": 1}


class Asking(Scripted):
    """Its worker asks, in threads of the channel, before it ends."""

    answers: list[int]

    def _finish(self) -> None:
        (number,) = self.running
        with Line(self.brief.address, number) as line:
            self.answers = [line.begin(), line.tell(1, 2, {"valid/accuracy": 0.5})]
        with Line(self.brief.address, 77) as line:
            self.answers.append(line.begin())
        super()._finish()


class Pruner(Listed):
    def tell(self, plan: Plan, step: int, scores: Metrics) -> int:
        return -1


def test_a_source_prunes_and_a_key_that_is_not_known_does_no_harm() -> None:
    executor = Asking([["pruned"]], 0, min)
    (outcome,) = drain(Pruner(iter(runs(1))), executor, runs(1), options(), Task(), Path())
    assert outcome.end == "pruned"
    assert executor.answers == [0, -1, 0]


def test_what_a_watcher_raises_in_a_thread_stops_the_run_and_comes_out() -> None:
    executor = Asking([["finished"]], 0, min)
    with pytest.raises(ZeroDivisionError, match="begin"):
        drain(Listed(iter(runs(1))), executor, runs(1), options(), Task(breaks="begin"), Path())
    assert executor.answers == [15, 15, 15]


def test_a_second_signal_stops_the_pool_at_once() -> None:
    def press(running: list[int]) -> int:
        raise KeyboardInterrupt

    executor = Scripted([["finished"]], 1, press)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        drain(Listed(iter(runs(1))), executor, runs(1), options(), Task(), Path())
    assert executor.stopped
    assert time.monotonic() - begun < 60
