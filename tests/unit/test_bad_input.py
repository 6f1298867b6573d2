"""What the user got wrong is one line on stderr that names what, where and the remedy; nothing half-written is left."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from paralab.record.holder import born
from paralab.record.plan import Plan
from tests.conftest import Cli

DIGITS, LOGISTIC = "problem=digits", "trainer=supervised/logistic"


def refused(cli: Cli, *arguments: str) -> str:
    """The one line that refuses; asserts that nothing but it is said, and nothing is written but the log."""
    before = {path for path in Path.cwd().rglob("*") if "state" not in path.parts}
    code, out, err = cli(*arguments)
    assert (code, out) == (2, ""), (code, out, err)
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    assert {path for path in Path.cwd().rglob("*") if "state" not in path.parts} == before
    assert "Traceback" in (Path.cwd() / "state" / "paralab" / "error.log").read_text()
    assert err.startswith("paralab: ")
    return err.removeprefix("paralab: ").strip()


# What is asked for beside digits and logistic, and what the one line says.
WRONG = {
    # names that are not there; the closest is offered
    "problem=digts": "problem 'digts' is not known. Did you mean 'digits'?",
    "problem=": "problem '' is not known. Known: acrobot, breast_cancer, ",
    "problem=null": "problem 'null' is not known. Known: acrobot, breast_cancer, ",
    "problem=[digits,iris]": "problem '['digits', 'iris']' is not known.",
    "problem={a:1}": "problem= is missing: choose one of acrobot, ",
    "trainer=supervised/logistc": "trainer 'supervised/logistc' is not known. Did you mean 'supervised/logistic'?",
    "trainer=logistic": "trainer 'logistic' is not known. Did you mean 'supervised/logistic'?",
    "trainer=5": "trainer '5' is not known.",
    "experiment=label_eficiency": "experiment 'label_eficiency' is not known. Did you mean 'label_efficiency'?",
    "+experiment=nope": "experiment 'nope' is not known. Known: label_efficiency",
    "budget=null": "budget 'null' is not known. Known: default.",
    "trainer.CC=1": "there is no 'CC' in trainer. Did you mean 'C'?",
    "+trainer.max_iters=1": "trainer: there is no 'max_iters' in Logistic. Did you mean 'max_iter'?",
    "lables=5": "there is no 'lables' in the config. Did you mean 'labels'?",
    "+lables=5": "there is no 'lables' in the config. Did you mean 'labels'?",
    "budget.step=5": "there is no 'step' in budget. Did you mean 'steps'?",
    # values of another type
    "labels=1.5": "labels: Value '1.5' of type 'float' could not be converted to Integer",
    "labels=many": "labels: Value 'many' of type 'str' could not be converted to Integer",
    "seed=null": "field 'seed' is not Optional",
    "select=maybe": "select: Value 'maybe' is not a valid bool",
    "split=al": "split: Invalid value 'al', expected one of [holdout, all, cv, official, group, time]",
    "device=gpu": "device: Invalid value 'gpu', expected one of [cpu, cuda, auto]",
    "trainer.C=abc": "trainer.C='abc': a value of type float is needed",
    "trainer.C=[1]": "trainer.C=[1]: a value of type float is needed",
    "trainer.C=true": "trainer.C=True: a value of type float is needed",
    "trainer.max_iter=1.5": "trainer.max_iter=1.5: a value of type int is needed",
    "trainer.scale=standart": "trainer.scale=standart is not known. Did you mean 'standard'?",
    "problem.data=5": "problem.data: a data set is needed here, its _target_ is missing",
    "problem.bounds=5": "problem.bounds=5: a value of type Bounds is needed",
    "problem.bounds={floor:1}": "problem.bounds needs ceiling",
    "~trainer.C": "trainer: Logistic needs C",
    "~seed": "seed cannot be removed; give it another value",
    "~trainer": "trainer cannot be removed; give it another value",
    # numbers out of range
    "labels=0": "labels=0 grants no answer at all; give 1 or more, or null for every training row",
    "labels=-1": "labels=-1 grants no answer at all",
    "labels=5000": "labels=5000 is more than the 1257 training rows; give at most 1257, or null",
    "labels=5": "labels=5 is fewer than the 10 classes; give at least 10, or null",
    "seed=-1": "seed=-1: at least 0",
    "split_seed=-1": "split_seed=-1: at least 0",
    "folds=1": "folds=1: at least 2",
    "fold=-1": "fold=-1: at least 0",
    "threads=0": "threads=0: at least 1",
    "checkpoint_seconds=-1": "checkpoint_seconds=-1.0: at least 0",
    "budget.steps=0": "budget.steps=0: at least 1",
    "budget.seconds=-1": "budget.seconds=-1.0: at least",
    "budget.evaluate_every=0": "budget.evaluate_every=0: at least 1",
    "trainer.default_steps=0": "trainer.default_steps=0: a whole number of steps, at least 1",
    "trainer.default_steps=x": "trainer.default_steps",
    "~trainer.default_steps": "trainer.default_steps=None: a whole number of steps, at least 1",
    "budget.seconds=nan": "not a finite number",
    "trainer.C=inf": "not a finite number",
    # what does not go together
    "split=all": "supervised/logistic learns from Labelled; digits can only be shown as Unlabelled. "
    "Pick a trainer under trainer/unsupervised",
    "split=all labels=20": "split=all judges without labels: set labels=null and select=false, or use split=holdout",
    "budget.patience=3": "budget.patience stops on validation scores, and there are none: add select=true",
    "select=true labels=12": "select=true needs 2 labels (of every class), 12 give fewer; raise labels",
    "select=true budget.patience=0": "budget.patience=0: at least 1",
    "scenario.seed=7": "scenario.seed is another than seed=0, which the run is named by; set seed=",
    "compile=true": "compile=true: no trainer of this version compiles; leave it false",
    "name=../x": "name=../x: an experiment's name is 1 to 64 of a-z, 0-9, _ and -",
    "name=A": "name=A: an experiment's name is",
    # overrides that are none
    "labels": "'labels' is not an override: write key=value.",
    "==": "'==' is not an override: write key=value.",
    "labels=20,50": "labels=20,50 holds several values: add -m to run them all, or write [a,b] for a list",
    "seed=range(3)": "seed=range(3) holds several values: add -m to run them all",
    "seed=range(3),x -m": "'seed=range(3),x' cannot be listed",
    "seed=1,x -m": "seed: Value 'x' of type 'str' could not be converted to Integer",
    "trainer.C=interval(0,1) -m": "'trainer.C=interval(0,1)' is an interval, which only a tuner can sample; list the",
    "name=${nope}": "Interpolation key 'nope' not found",
    "root=${root}": "Recursive interpolation detected",
    "problem.probe=${seed": "is not an override",
    "split=cv": "split=cv tests on one fold: add fold=0, or all of them by 'fold=range(5)' -m",
    "fold=1": "fold=1 is of split=cv, not of split=holdout: add split=cv, or set fold=null",
    "test_size=1.5": "test_size=1.5: a share of the rows, above 0 and below 1, such as 0.3",
    "test_size=0": "test_size=0.0: a share of the rows, above 0 and below 1",
    "split=group": "split=group: this data set names no groups; a table's are problem.group=COLUMN",
    "split=time": "split=time: this data set names no times; a table's are problem.time=COLUMN",
    "split=official": "split=official: this data set names no rows to be tested on: set split=holdout",
    # places
    "--config-dir nope": "--config-dir nope: there is no such folder",
    "root=/dev/null/x": "cannot be written (Not a directory); choose another place with root=DIR",
}


@pytest.mark.parametrize("asked", WRONG)
def test_a_wrong_word_is_one_line(asked: str, cli: Cli) -> None:
    words = asked.split(" ")
    given = {word.lstrip("+").split("=")[0] for word in words}
    rest = [word for word in (DIGITS, LOGISTIC) if word.split("=")[0] not in given]
    assert WRONG[asked] in refused(cli, "train", *rest, "-q", *words)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("train", "trainer= is missing: choose one of reinforcement/a2c, "),
        ("train problem=digits", "trainer= is missing: choose one of reinforcement/a2c, "),
        ("train trainer=supervised/ridge", "problem= is missing: choose one of acrobot, "),
        (
            "train problem=cartpole trainer=supervised/logistic",
            "supervised/logistic learns from Labelled; cartpole can only be shown as Environment. "
            "Pick a trainer under trainer/reinforcement",
        ),
        ("train problem=cartpole trainer=reinforcement/ppo labels=20", "labels=20: CartPole-v1 has no labels to grant"),
        ("train problem=cartpole trainer=reinforcement/ppo split=all", "split=all: CartPole-v1 has no rows to split"),
        ("train problem=iris trainer=supervised/ridge", "ridge"),
        ("train problem=diabetes trainer=supervised/logistic", "logistic"),
        (
            "train problem=digits trainer=reinforcement/linucb labels=20 budget.steps=21",
            "budget.steps=21 is more than the 20 pulls granted; raise labels= or lower budget.steps",
        ),
        ("report nope", "no experiment 'nope' in experiments."),
        ("report ../nope", "no experiment '../nope' in experiments."),
        ("runs nope", "no experiment 'nope' in experiments."),
        ("list problems --config-dir nope", "--config-dir nope: there is no such folder"),
        ("list problem", "there is no 'problem' to list. Did you mean 'problems'?"),
        ("list nope", "there is no 'nope' to list. Known: experiments, problems, trainers."),
        ("lisst", "there is no verb 'lisst'. Did you mean 'list'?"),
        ("--nope", "there is no verb '--nope'."),
    ],
)
def test_a_wrong_command_is_one_line(command: str, says: str, cli: Cli) -> None:
    verb, *words = command.split()
    quiet = ["-q"] if verb == "train" else []
    assert says in refused(cli, verb, *words, *quiet)


@pytest.mark.parametrize("command", ["list --nope", "report", "runs --nope", "train --nope", "train --cfg nope"])
def test_a_wrong_option_tells_what_and_how(command: str, cli: Cli) -> None:
    verb, *words = command.split()
    assert re.search(rf"(nope|experiment).*; see paralab {verb} --help", refused(cli, verb, *words))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("problem/bad", b"a: [1\nb: }", "line 2"),
        ("problem/bad", b"_target_: !!python/object/apply:os.mkdir [made]", "line 1"),
        ("problem/bad", b"\xff\xfe\x00\x01", "codec can't decode"),
        ("problem/bad", b"- 1\n", "'problem/bad'"),
        ("problem/bad", b"hello\n", "problem"),
        ("problem/bad", b"", "problem"),
        ("problem/bad", b"a: ${b}\nb: ${a}\n", "Interpolation key 'b' not found"),
        ("problem/bad", b"_target_: nope\n", "problem._target_: 'nope' is not a dotted name"),
        (
            "problem/bad",
            b"# @package _global_\nlables: 5\n",
            "there is no 'lables' in the config. Did you mean 'labels'?",
        ),
        (
            "problem/bad",
            b"# @package _global_\ndecision:\n  candidat: x\n",
            "'candidat' in decision. Did you mean 'candidate'?",
        ),
        ("problem/bad", b"defaults:\n  - nope\n", "nope"),
        (
            "problem/bad",
            b"_target_: paralab.problems.classification.Classification\nprobe: ???\n",
            "problem.probe is missing",
        ),
    ],
)
def test_a_broken_yaml_is_one_line(name: str, content: bytes, says: str, cli: Cli) -> None:
    path = Path("conf") / f"{name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert says in refused(cli, "train", "problem=bad", LOGISTIC, "-q")
    assert cli("list", "problems")[0] == 0


def test_without_quiet_only_the_run_is_announced(cli: Cli) -> None:
    code, out, err = cli("train", DIGITS, LOGISTIC, "labels=0")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) <= 2
    assert err.splitlines()[-1].startswith("paralab: labels=0 grants no answer")


def test_of_a_grid_nothing_starts_where_one_point_does_not_compose(cli: Cli) -> None:
    says = refused(cli, "train", "problem=iris,irs", LOGISTIC, "seed=0,1", "-m", "-q")
    assert says == "problem 'irs' is not known. Did you mean 'iris'?"


def test_of_a_grid_what_is_refused_takes_only_itself_down(cli: Cli) -> None:
    code, out, err = cli("train", "problem=iris", LOGISTIC, "labels=0,30,2", "-m", "--json")
    assert (code, "Traceback" in err) == (2, False)
    ends = json.loads(out)
    assert [bool(end["error"]) for end in ends] == [True, False, True]
    assert not Path(ends[0]["folder"]).exists()
    assert "labels=2 is fewer than the 3 classes" in ends[2]["error"]


def test_a_run_held_by_another_process_is_left_alone(cli: Cli, plan: Callable[..., Plan]) -> None:
    folder = plan("iris", "supervised/logistic").folder
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as holder:
        try:
            lock = {"pid": holder.pid, "host": socket.gethostname(), "born": born(holder.pid)}
            (folder / "lock.json").write_text(json.dumps(lock))
            says = refused(cli, "train", "problem=iris", LOGISTIC, "-q")
        finally:
            holder.kill()
    assert (
        f"{folder} is being written by process {holder.pid} on {socket.gethostname()}; wait for it, or stop it" == says
    )
    assert cli("train", "problem=iris", LOGISTIC, "-q")[0] == 0  # its holder is dead


NO_RIGHTS = """
import os, sys
import paralab
paralab.train("iris", "supervised/logistic", root=sys.argv[1] + "/warm")  # all is imported while it may be read
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
from paralab.cli import main
for root in sys.argv[2:]:
    sys.argv = ["paralab", "train", "problem=iris", "trainer=supervised/logistic", "-q", f"root={root}"]
    try:
        main()
    except SystemExit as end:
        print(end.code)
"""


def test_no_permission_is_one_line_and_no_folder() -> None:
    """As another user, since root may write anywhere; the log cannot be written either."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for folder, mode in (("closed", 0o555), ("sealed", 0o000)):
            (place / folder).mkdir(mode=mode)
        roots = [str(place / "closed"), str(place / "closed" / "deep"), str(place / "sealed" / "deep")]
        command = [sys.executable, "-c", NO_RIGHTS, name, *roots]
        os.chmod(place, 0o755)
        environment = {**os.environ, "XDG_STATE_HOME": str(place / "closed")}
        done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=environment, check=False)
        assert done.stdout.split() == ["2", "2", "2"], done.stderr
        assert len(done.stderr.splitlines()) == 3, done.stderr
        for root, line in zip(roots, done.stderr.splitlines(), strict=True):
            assert line.startswith(f"paralab: {root}")
            assert "cannot be written (Permission denied); choose another place with root=DIR" in line
        (place / "sealed").chmod(0o755)
        assert not list((place / "closed").iterdir()) + list((place / "sealed").iterdir())


@pytest.mark.parametrize("command", ["train problem=digts trainer=supervised/mlp", "train problem=digits trainer=x -m"])
def test_a_process_of_its_own_ends_with_two(command: str) -> None:
    for program in ([sys.executable, "-m", "paralab"], [str(Path(sys.executable).with_name("paralab"))]):
        done = subprocess.run([*program, *command.split()], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"paralab: (problem|trainer) '\w+' is not known\. .*\n", done.stderr)


def test_what_a_terminal_obeys_is_not_printed(cli: Cli) -> None:
    assert "\x1b" not in refused(cli, "train", "problem='\x1b[31mred\x07'", LOGISTIC)
