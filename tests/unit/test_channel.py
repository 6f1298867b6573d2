"""The line between workers and driver: in order, proven, and lost without harm."""

from __future__ import annotations

import signal
import socket
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import Any

import pytest

from paralab.sweep import channel
from paralab.sweep.channel import Address, Channel, Line, Lost, hang_up


class Ear:
    """Takes what is told, and answers with a number."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer
        self.told: list[tuple[int, int, int, Any]] = []
        self.said: list[tuple[int, str]] = []

    def tell(self, key: int, step: int, steps: int, scores: Any) -> int:
        self.told.append((key, step, steps, scores))
        return self.answer

    def say(self, key: int, text: str) -> None:
        self.said.append((key, text))


@pytest.fixture(params=[False, True], ids=["here", "remote"])
def remote(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost")
    return bool(request.param)


def test_what_is_told_arrives_whole_and_is_answered(remote: bool) -> None:
    ear = Ear(answer=-1)
    with Channel(ear.tell, ear.say, remote=remote) as driver, Line(driver.address, 7) as line:
        assert line.begin() == -1
        assert line.tell(5, 10, {"valid/accuracy": 0.5}) == -1
        line.say("hello: ü")
    assert ear.told == [(7, -1, 0, {}), (7, 5, 10, {"valid/accuracy": 0.5})]
    assert ear.said == [(7, "hello: ü")]


def test_steps_are_told_ten_times_a_second_and_every_validation() -> None:
    ear = Ear(answer=2)
    with Channel(ear.tell, ear.say) as driver, Line(driver.address, 0) as line:
        answers = [line.tell(step, 100, {"train/loss": 1.0}) for step in range(50)]
        answers += [line.tell(step, 100, {"valid/accuracy": 1.0}) for step in range(5)]
    assert answers[0] == 2
    assert answers[-5:] == [2] * 5
    assert len(ear.told) < 50


def test_many_workers_are_heard_one_at_a_time() -> None:
    inside, seen = threading.Lock(), []

    def told(key: int, step: int, steps: int, scores: Any) -> int:
        assert inside.acquire(blocking=False)
        seen.append((key, step))
        inside.release()
        return 0

    def worker(driver: Channel, key: int) -> None:
        connection = Client(driver.address.place, authkey=driver.address.secret)
        with connection:
            for step in range(20):
                connection.send_bytes(b'{"key": %d, "step": %d, "steps": 0, "scores": {}}' % (key, step))
                assert connection.recv_bytes() == b"0"

    with Channel(told, lambda key, text: None) as driver:
        threads = [threading.Thread(target=worker, args=(driver, key)) for key in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(seen) == [(key, step) for key in range(4) for step in range(20)]
    for key in range(4):
        assert [step for which, step in seen if which == key] == list(range(20))


def test_a_stranger_is_shut_out_and_keeps_nobody_waiting(remote: bool) -> None:
    ear = Ear()
    with Channel(ear.tell, ear.say, remote=remote) as driver:
        with Client(driver.address.place), Line(driver.address, 1) as line:  # proves nothing, says nothing
            assert line.begin() == 0
        with pytest.raises(AuthenticationError):
            Client(driver.address.place, authkey=b"guessed")
    assert len(ear.told) == 1


@pytest.mark.parametrize(("lost", "answer"), [("stop", signal.SIGTERM), ("go on", 0)])
def test_a_driver_that_is_gone_stops_the_run_unless_it_may_outlive_it(lost: Lost, answer: int) -> None:
    ear = Ear()
    with Channel(ear.tell, ear.say, lost=lost) as driver:
        line = Line(driver.address, 0)
        assert line.begin() == 0
    assert line.tell(1, 2, {"valid/accuracy": 1.0}) == answer
    line.say("nobody hears this")
    assert Line(driver.address, 1).begin() == answer


def test_a_driver_that_does_not_answer_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PATIENCE", 0.01)
    waits = threading.Event()

    def told(key: int, step: int, steps: int, scores: Any) -> int:
        waits.wait(60)
        return 0

    with Channel(told, lambda key, text: None) as driver:
        assert Line(driver.address, 0).begin() == signal.SIGTERM
        waits.set()


def test_without_a_driver_nothing_is_asked() -> None:
    with Line(None, 0) as line:
        assert line.begin() == line.tell(1, 2, {}) == 0
        line.say("to nobody")


def test_no_thread_and_no_socket_is_left(remote: bool) -> None:
    before = threading.active_count()
    ear = Ear()
    with Channel(ear.tell, ear.say, remote=remote) as driver:
        other = Client(driver.address.place, authkey=driver.address.secret)
        assert Line(driver.address, 0).begin() == 0
    assert threading.active_count() == before
    with pytest.raises((EOFError, OSError)):
        other.recv_bytes()
    other.close()
    hang_up(Address("nowhere", b"", "stop"))
