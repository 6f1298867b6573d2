"""The command line's first page, and what Tab offers after the verbs that are not Hydra's."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paralab.cli import HELP, VERBS
from paralab.cli.clean import clean
from paralab.cli.collect import collect
from paralab.cli.compare import compare
from paralab.cli.data import data
from paralab.cli.decide import decide
from paralab.cli.doctor import doctor
from paralab.cli.export import export
from paralab.cli.list import list_
from paralab.cli.new import new
from paralab.cli.plan import plan
from paralab.cli.predict import predict
from paralab.cli.report import report
from paralab.cli.reproduce import reproduce
from paralab.cli.runs import runs
from paralab.cli.sync_mlflow import sync_mlflow
from paralab.cli.train import train
from paralab.cli.verify import verify
from paralab.cli.watch import watch
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

VERB_FUNCTIONS: dict[str, Callable[..., None]] = {
    "train": train, "plan": plan, "watch": watch, "report": report, "collect": collect, "clean": clean,
    "predict": predict, "runs": runs, "list": list_, "data": data, "new": new, "doctor": doctor,
    "compare": compare, "decide": decide, "reproduce": reproduce, "verify": verify, "export": export,
    "sync-mlflow": sync_mlflow,
}  # fmt: skip


def test_the_first_page_says_what_the_verbs_say_of_themselves() -> None:
    said = {name: str(verb.__doc__).splitlines()[0] for name, verb in VERB_FUNCTIONS.items()}
    assert said == VERBS
    assert max(map(len, HELP.splitlines())) <= 80


@pytest.mark.parametrize("verb", [name for name in VERBS if name not in ("train", "plan")])
def test_every_verb_s_help_is_80_columns_wide_and_has_an_example(
    verb: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = cli(verb, "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "Example: paralab " + verb in " ".join(out.split())
    assert "..." not in re.sub(r"(sources|experiments|ARGS)[\]}]?\.\.\.", "", out)  # nothing is cut short


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


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("paralab ", set(VERBS)),
        ("paralab predict ", {"RUN"}),
        ("paralab predict experiments/mi", {"RUN"}),
        ("paralab predict ta", {"table.csv"}),
        ("paralab predict RUN ", {"table.csv", "folder/", "experiments/"}),
        ("paralab predict RUN folder/", {"folder/in.csv"}),
        ("paralab predict RUN table.csv -o fol", {"folder/"}),
        ("paralab predict RUN --", {"--output", "--json", "--force", "--trust"}),
        ("paralab data ", {"check"}),
        ("paralab data check t", {"table.csv"}),
        ("paralab data check table.csv --", {"--target", "--task", "--card", "--test", "--strict", "--json"}),
        ("paralab new mine --trainers supervised/mlp,sup", {"supervised/mlp,supervised/forest"}),
        ("paralab new mine --problem ", {"digits", "iris"}),
        ("paralab new mine --", {"--problem", "--trainers", "--question"}),
        ("paralab doctor --", {"--json", "--deep", "--root"}),
        ("paralab runs --", {"--json", "--root"}),
        ("paralab watch ", {"mine"}),
        ("paralab plan problem=", {"problem=digits"}),
        ("paralab plan problem=digits trainer=supervised/mlp trainer.learn", {"trainer.learning_rate="}),
        ("paralab plan executor=", {"executor=local"}),
        ("paralab collect f", {"folder/"}),
        ("paralab collect folder/ --into exp", {"experiments/"}),
        ("paralab collect --", {"--into", "--dry-run", "--json"}),
        ("paralab compare ", {"mine"}),
        ("paralab compare mine --against supervised/f", {"supervised/forest"}),
        ("paralab compare mine --by ", {"trainer", "paradigm", "labels"}),
        ("paralab export mine -o fol", {"folder/"}),
        ("paralab clean ", {"mine"}),
        ("paralab clean mine --", {"--yes", "--where", "--checkpoints", "--no-checkpoints", "--replaced", "--json"}),
        ("paralab clean mine --where ", {"status=", "trainer=", "seed=", "older="}),
        ("paralab clean --where sta", {"status="}),
        ("paralab clean --where status=f", {"status=failed", "status=finished"}),
        ("paralab clean --where trainer=", {"trainer=supervised/forest"}),
    ],
)
def test_tab_offers(line: str, offers: set[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path("experiments")
    folder = write_run(root, "supervised/forest", experiment="mine").as_posix()
    failed = write_run(root, "supervised/forest", experiment="mine", seed=1, status="failed").as_posix()
    Path("folder").mkdir()
    for name in ("table.csv", "folder/in.csv", ".hidden"):
        Path(name).write_text("a\n1\n")
    monkeypatch.setenv("COMP_LINE", line.replace("RUN", folder))
    code, out, err = cli("-sc", "query=bash")
    assert (code, err) == (0, "")
    assert {each.replace("RUN", folder) for each in offers} <= set(out.split())
    assert not {".hidden", failed} & set(out.split())


def test_the_list_parts_paradigms_and_folds_on_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.catalog import folders, names

    known = names("trainer", folders())
    _, wide, _ = cli("list", "trainers")
    assert [line.split("  ")[0] for line in wide.splitlines() if line] == known
    assert len([line for line in wide.splitlines() if not line]) == len({each.split("/")[0] for each in known}) - 1
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, folded, _ = cli("list", "trainers")
    assert all(len(line) <= 80 or len(line.split()) <= 2 for line in folded.splitlines())  # one word overhangs
    assert folded.split() == wide.split()
    assert [line.split()[0] for line in folded.splitlines() if line and line[0] != " "] == known
