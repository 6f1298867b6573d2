"""Threads are fixed before anything numeric is imported, and nothing is written outside tmp_path."""

from __future__ import annotations

import os
import sys

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paralab.record.plan import Plan
from tests.known import NEEDS, write_files

CONF = Path(__file__).parent / "conf"  # problems of known optimum, as a user's own conf folder
TRUST = ["tests."]
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own working folder, state folder and one torch thread."""
    from paralab.threads import set_threads

    set_threads(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """plan("digits", "supervised/logistic", "labels=20"): a decided run under the test's own folder."""
    from paralab.compose import compose, loader
    from paralab.sweep.plan import freeze

    def make(problem: str, trainer: str, *overrides: str) -> Plan:
        if problem in ("table", "images"):
            write_files(Path.cwd())
        needs = [*NEEDS.get(problem, ()), *NEEDS.get(trainer, ())]
        return freeze(compose(loader(CONF), [f"problem={problem}", f"trainer={trainer}", *needs, *overrides]))

    return make


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process: exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["paralab", *arguments])
        capsys.readouterr()
        from paralab.cli import main

        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return call
