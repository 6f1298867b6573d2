"""What is seen of a sweep while it goes: in a log, on a terminal, under --quiet; and when it is stopped."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paralab.cli.sweep_display import SweepDisplay
from paralab.errors import Failed
from paralab.record.plan import Plan
from paralab.run import Result
from paralab.sweep.drain import Outcome
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

HERE = ["problem=iris", "trainer=supervised/logistic", "executor=inline", "-m"]


class Stop:
    signal = 0


def outcome(root: Path, seed: int, end: str = "finished") -> Outcome:
    folder = write_run(root, seed=seed, score=None if end == "failed" else 0.9, status=end)
    said = ("problem=digits", "trainer=supervised/logistic", f"seed={seed}")
    config = {"name": "demo", "root": str(root), "seed": seed, "split": "holdout"}
    plan = Plan(config, "digits", "supervised/logistic", folder.parent.name, said)
    if end == "failed":
        return Outcome(plan, None, Failed(f"{folder}: broke (traceback in run.log)"), "failed")
    return Outcome(plan, Result({"test/accuracy": 0.9, "cost/seconds": 1.0}, folder, False), None, end)


def test_a_log_has_a_whole_line_a_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paralab.cli.sweep_display.SILENT", 1e9)
    code, _, err = cli("train", *HERE, "trainer.C=1,10", "seed=0,1")
    assert code == 0
    first, *lines = err.splitlines()
    assert first == "0 of 4 finished, 0 running, 4 left"
    found = [re.fullmatch(r"\[(\d)/4\] iris supervised/logistic trainer.C=(1|10) seed=[01]: test/accuracy 0.\d+", line)
             for line in lines]  # fmt: skip
    assert [match and match[1] for match in found] == ["1", "2", "3", "4"]
    _, _, err = cli("train", *HERE, "trainer.C=1,10", "seed=0,1,2")
    assert err.splitlines()[0] == "4 of 6 finished (4 already there), 0 running, 2 left"
    assert len(err.splitlines()) == 3


def test_quiet_and_json_say_failures_alone(cli: Cli) -> None:
    for place, option in enumerate(("--quiet", "--json"), 1):
        code, _, err = cli("train", *HERE, "labels=2,60", option)
        assert code == 2
        why = "labels=2 is fewer than the 3 classes; give at least 3, or null"
        assert err == f"[{place}/2] iris supervised/logistic labels=2: {why}\n"


def test_keys_begin_again_in_a_further_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a study and its winner's report: the first part may end with fewer runs than it has said."""
    ends = [outcome(tmp_path, seed) for seed in range(4)]
    with SweepDisplay(quiet=False, stop=Stop(), trust=()) as display:
        display.expect(5, [])
        for key in (0, 1):
            display.begin(key, ends[key].plan)
            display.end(key, ends[key])
        display.expect(2, [ends[2]])
        display.begin(0, ends[3].plan)
        display.tell(0, 1, 2, {"valid/accuracy": 0.5})
        assert [row.step for row in display.board.running.values()] == [1]
        display.end(0, ends[3])
    assert (display.board.total, display.board.left, display.board.there) == (4, 0, 0)
    assert display.outcomes == [ends[0], ends[1], ends[2], ends[3]]
    assert "[4/4] digits supervised/logistic seed=3: test/accuracy 0.9" in capsys.readouterr().err


def test_what_many_runs_say_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends = [outcome(tmp_path, seed) for seed in range(2)]
    with SweepDisplay(quiet=False, stop=Stop(), trust=()) as display:
        display.expect(2, [])
        for key in (0, 1):
            display.begin(key, ends[key].plan)
            display.say(key, "\n  two rows \x1b[31mdropped")
    assert capsys.readouterr().err.splitlines()[1:] == ["digits supervised/logistic seed=0: two rows  [31mdropped"]


def test_a_stop_is_said_with_what_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop = Stop()
    with SweepDisplay(quiet=False, stop=stop, trust=()) as display:
        display.expect(2, [])
        display.begin(0, outcome(tmp_path, 0).plan)
        capsys.readouterr()
        stop.signal = signal.SIGINT
        while "stopping" not in (said := capsys.readouterr().err):
            assert not said
            display.over.wait(0.05)
    assert said == "stopping: 1 run writes its checkpoint (Ctrl-C again stops at once)\n"


@pytest.fixture
def terminal() -> Callable[..., tuple[int, str]]:
    """A command on a terminal of 80 columns and 20 rows: its exit code, and all that was written there."""

    def call(*words: str, interrupt_at: str = "") -> tuple[int, str]:
        import fcntl
        import struct
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        process = subprocess.Popen(
            [sys.executable, "-m", "paralab", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        seen = b""
        try:
            while True:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # its end is closed
                    break
                seen += data
                if interrupt_at and interrupt_at in seen.decode(errors="ignore"):
                    interrupt_at = ""
                    process.send_signal(signal.SIGINT)
            return process.wait(60), seen.decode()
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    return call


@pytest.mark.slow
def test_on_a_terminal_the_picture_is_drawn_and_gone_at_the_end(terminal: Callable[..., tuple[int, str]]) -> None:
    code, seen = terminal("train", *HERE, "trainer.C=1,10", "labels=2,60")
    assert code == 2
    assert "┈" in seen  # drawn; what it says while it plans may be gone before the first picture
    assert "labels=2 is fewer than the 3 classes" in seen.split("failed: ")[0]  # at once, and again at the end
    last = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen).replace("\r", "").splitlines()
    assert "2 of 4 runs finished, 2 failed" in last
    assert "┈" not in "".join(last[-4:])


@pytest.mark.slow
def test_ctrl_c_prints_what_is_finished_and_goes_on_later(terminal: Callable[..., tuple[int, str]], cli: Cli) -> None:
    words = ["problem=iris", "trainer=supervised/mlp", "executor=inline", "budget.steps=3,100000", "-m"]
    code, seen = terminal("train", *words, interrupt_at="/100000")
    assert code == 130
    assert "1 of 2 runs finished, 0 failed, 1 interrupted" in seen
    assert "stopped with 1 runs finished; the same command goes on from there" in seen
    code, out, _ = cli("train", *words[:-2], "budget.steps=3", "-m", "--json")
    assert [(each["end"], each["error"]) for each in json.loads(out)] == [("there", None)]


def test_until_the_runs_are_known_it_says_that_they_are_planned() -> None:
    class Nobody:
        signal = 0

    display = SweepDisplay(quiet=True, stop=Nobody(), trust=())
    assert str(display._picture()) == "planning the runs"
    display.expect(3, [])
    assert str(display._picture()) != "planning the runs"
