"""What the fault tests share: the command line, in warm processes and in cold ones, ended with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    code: int  # negative: killed by that signal
    out: str
    err: str
    calls: list[str]  # where they were counted

    def line(self) -> str:
        """What it said is wrong, which must be one line for the user."""
        assert "Traceback" not in self.err, self.err
        (line,) = self.err.splitlines()
        assert line.startswith("paralab: "), line
        return line


Warm = Callable[..., Done]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def server() -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "tests.faults.server"]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()  # which ends it


@pytest.fixture
def warm(server: subprocess.Popen[str], tmp_path: Path) -> Warm:
    """warm("train", ..., folder=tmp_path / "a", fault={"kind": "kill", "at": 7}): a command, run to its end."""

    def command(*words: str, fault: dict[str, Any] | None = None, folder: Path | None = None) -> Done:
        place, calls = (folder or tmp_path).absolute(), tmp_path / ".calls"
        place.mkdir(exist_ok=True, parents=True)
        calls.unlink(missing_ok=True)
        order = {"words": words, "folder": str(place), "fault": fault, "calls": str(calls)}
        assert server.stdin
        assert server.stdout
        print(json.dumps(order), file=server.stdin, flush=True)
        answer = json.loads(server.stdout.readline())
        return Done(**answer, calls=calls.read_text().splitlines() if calls.exists() else [])

    return command


@pytest.fixture
def start() -> Iterator[Start]:
    """start("train", ..., **of Popen): a command under way in a process group of its own, killed at the test's end."""
    begun: list[subprocess.Popen[str]] = []

    def command(*words: str, **options: Any) -> subprocess.Popen[str]:
        whole = [sys.executable, "-m", "paralab", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        begun.append(subprocess.Popen(whole, **{**pipes, **options}))
        return begun[-1]

    yield command
    for process in begun:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
