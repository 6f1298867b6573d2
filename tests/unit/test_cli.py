"""The command line's first page."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paralab.cli import HELP, VERBS
from paralab.cli.list import list_
from paralab.cli.report import report
from paralab.cli.runs import runs
from paralab.cli.train import train


def test_the_first_page_says_what_the_verbs_say_of_themselves() -> None:
    said = {name: str(verb.__doc__).splitlines()[0] for name, verb in
            {"train": train, "report": report, "runs": runs, "list": list_}.items()}  # fmt: skip
    assert said == VERBS
    assert max(map(len, HELP.splitlines())) <= 80


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; sys.argv = ['paralab', *sys.argv[1:]]; from paralab.cli import main; main();"
        "print(sorted({'typer', 'rich', 'hydra', 'numpy', 'gymnasium', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert done.stdout == HELP + "[]\n"


def test_a_run_without_a_network_imports_no_torch() -> None:
    script = (
        "import sys, paralab; paralab.train('iris', 'supervised/logistic'); print('torch' in sys.modules,"
        "'stable_baselines3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_python_m_paralab_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "paralab"], capture_output=True, text=True, check=True)
    assert done.stdout == HELP
