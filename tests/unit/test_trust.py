"""What a config may do: name a class of this lab, or of a package that the command line trusts, and nothing else."""

from __future__ import annotations

import io
import json
import logging
import pkgutil
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import yaml
from sklearn.preprocessing import FunctionTransformer

from paralab.build import build
from paralab.catalog import folders, names
from paralab.compose import compose, loader
from paralab.core import Model
from paralab.errors import Failed, Refused
from paralab.package.model import load_model, save_model
from paralab.record import files
from paralab.record.identity import by_content
from paralab.record.plan import Plan
from paralab.run import run
from paralab.trainers import skops_file
from paralab.trust import DATASET, MODEL, OWN, PROBLEM, TRAINER, Kind, resolve
from tests.conftest import Cli

KINDS = (PROBLEM, TRAINER, DATASET, MODEL)

# A module that leaves a mark when it is imported, and when anything of it is called.
EVIL = """
from pathlib import Path
MARKER = Path({marker!r})
MARKER.touch()
class Thing:
    def __init__(self, *args, **kwargs):
        MARKER.touch()
def call(*args, **kwargs):
    MARKER.touch()
"""
# Honest third-party code: a data set, and names that only look like one.
MINE = """
from os import system
from paralab.core import Model
from paralab.datasets.dataset import Dataset
from paralab.datasets.bundled import iris as borrowed
def iris() -> Dataset:
    return borrowed()
def untyped(rows) -> Dataset:
    return borrowed()
def other() -> int:
    return 1
class Sub:
    @classmethod
    def iris(cls) -> Dataset:
        return borrowed()
"""


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that must never appear; hostile packages that would make it are on the import path."""
    trap, marker = tmp_path / "trap", tmp_path / "marker"
    before = set(sys.modules)
    for name in ("evil", "paralabx", "paralab_problems", "mypkgx"):
        (trap / name).mkdir(parents=True)
        (trap / name / "__init__.py").write_text(EVIL.format(marker=str(marker)))
        (trap / name / "problems.py").write_text("")
    (trap / "mypkg").mkdir()
    (trap / "mypkg" / "__init__.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(trap))
    yield marker
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("evil", "paralabx", "paralab_problems", "mypkg", "mypkgx"):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Hydra's --info adds handlers to the root logger."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


# --- _target_ ---------------------------------------------------------------------------------------------------------

HOSTILE = [
    *("os.system", "os.mkdir", "posix.mkdir", "subprocess.Popen", "subprocess.run", "shutil.rmtree", "builtins.eval"),
    *("builtins.exec", "builtins.open", "builtins.__import__", "importlib.import_module", "runpy.run_path"),
    *("pickle.loads", "pathlib.Path", "pathlib.Path.unlink", "pathlib.Path.touch", "urllib.request.urlopen"),
    *("socket.socket", "ctypes.CDLL", "torch.load", "torch.hub.load", "joblib.load", "numpy.load", "numpy.fromfile"),
    *("pandas.read_pickle", "stable_baselines3.PPO", "stable_baselines3.PPO.load", "sklearn.utils.discovery.Path"),
    *("sklearn.linear_model.LogisticRegression", "skops.io.load", "gymnasium.make", "hydra.utils.instantiate"),
    # packages that would leave a mark, one of whose names starts like a trusted one
    *("evil", "evil.Thing", "evil.call", "paralabx.Thing", "paralabx.problems", "paralab_problems.Thing"),
    *("paralab_problems.problems", "paralab.problems.evil.Thing", "evil.paralab.problems.Thing"),
    # the lab's own, outside the trusted rooms
    *("paralab", "paralab.train", "paralab.run.run", "paralab.cli.main", "paralab.build.build", "paralab.core.Model"),
    *("paralab.core.Problem", "paralab.package.model.load_model", "paralab.record.files.write"),
    *("paralab.record.folder.set_aside", "paralab.record.files.os"),
    # inside them: modules, re-exports, what is of no kind, methods, what begins with an underscore
    *("paralab.problems", "paralab.trainers", "paralab.datasets", "paralab.problems.classification"),
    *("paralab.problems.classification.Dataset", "paralab.problems.classification.dataclass"),
    *(
        "paralab.problems.classification.draw",
        "paralab.problems.classification.views",
        "paralab.problems.views.partial",
    ),
    *("paralab.problems.control.gym", "paralab.problems.control.gym.make", "paralab.problems.control.seeds"),
    *("paralab.datasets.dataset.sha256", "paralab.datasets.dataset.np", "paralab.datasets.dataset.Dataset"),
    *("paralab.datasets.bundled.unbounded", "paralab.datasets.bundled._classes", "paralab.datasets.splits.draw"),
    *("paralab.trainers.scaling.np", "paralab.trainers.scaling.np.load", "paralab.trainers.scaling.resolve"),
    *("paralab.trainers.skops_file.skops.io.load", "paralab.trainers.skops_file.json.loads"),
    *("paralab.trainers.skops_file.read", "paralab.trainers.supervised.logistic.LogisticRegression"),
    *("paralab.trainers.supervised.logistic.Logistic.train", "paralab.trainers.skops_models.Classifier.load"),
    *("paralab.problems.classification.Classification.__init__", "paralab.problems.classification.__builtins__"),
    *("paralab.problems.classification.__loader__", "paralab.problems.__init__.x", "paralab.problems.__spec__"),
    # no names at all
    *("paralab.problems.", "paralab.problems.classification.Classification.", ".", "..", "..os.system", ".os.system"),
    *(".paralab.problems.classification.Classification", "paralab..problems.classification.Classification"),
    *("paralab.problems..classification.Classification", "os..system", "os.system.", "paralab.problems.../os.system"),
    *("paralab/problems/os", "paralab.problems:classification", "paralab.problems.1x", "paralab.problems.nope"),
    *("paralab.problems.nope.Nope", "PARALAB.problems.classification.Classification"),
    # a Cyrillic p, one-dot leaders, a full-width c, a Cyrillic o
    *("рaralab.problems.classification.Classification", "paralab․problems․classification․Classification"),
    *("paralab.problems.ｃlassification.Classification", "paralab.trainers.supervised.logistic.Lоgistic"),
]
ODD = ["", " ", " os.system", "os.system\n", "paralab.problems.x\0y", "paralab.problems. os", "${oc.env:HOME}"]
NO_TEXT: list[Any] = [None, 5, 1.5, True, [], ["os.system"], {}, {"_target_": "os.system"}, b"os.system"]


@pytest.mark.parametrize("target", [*HOSTILE, *ODD])
def test_a_hostile_target_is_refused_by_every_kind(target: str, marker: Path) -> None:
    for kind in KINDS:
        with pytest.raises(Refused) as refused:
            resolve({"_target_": target}, "trainer", kind)
        assert str(refused.value).startswith("trainer")
    assert not marker.exists()


@pytest.mark.parametrize("target", NO_TEXT, ids=repr)
def test_a_target_that_is_no_text_is_refused(target: object) -> None:
    for kind in KINDS:
        with pytest.raises(Refused, match=r"problem\.data: a .* is needed"):
            resolve({"_target_": target}, "problem.data", kind)


@pytest.mark.parametrize("node", [None, 5, "os.system", [], {}], ids=repr)
def test_a_node_that_names_nothing_is_refused(node: Any) -> None:
    with pytest.raises(Refused, match="_target_ is missing"):
        build(node, "problem.data", DATASET)


def test_nothing_is_imported_before_the_name_is_trusted(marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_import(name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr("paralab.trust.import_module", no_import)
    for target in HOSTILE:
        if not target.startswith(OWN):
            with pytest.raises(Refused):
                resolve({"_target_": target}, "trainer", TRAINER)


def test_the_trap_is_live(marker: Path) -> None:
    """Without a guard, each hostile package leaves its mark."""
    for name in ("evil", "paralabx", "paralab_problems", "mypkgx"):
        import_module(name)
        assert marker.exists()
        marker.unlink()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_of_all_names_within_reach_only_the_lab_s_own_resolve(kind: Kind) -> None:
    """Every name of every trusted module, re-exports included: what resolves is defined there, and of its kind."""
    found = {name for name in _names_within_reach() if _resolves(name, kind)}
    for name in found:
        module, _, last = name.rpartition(".")
        target = vars(import_module(module))[last]
        assert target.__module__.startswith(tuple(prefix[:-1] for prefix in OWN))
        assert kind is not MODEL or issubclass(target, Model)
    if kind is not MODEL:
        own = {each.rpartition(".")[2] for each in found}
        inside_a_door = {"problem": {"Clustering"}}  # of problem=table
        named = {each.rpartition(".")[2] for each in _named_in_conf(kind)}
        assert own == named | inside_a_door.get(kind.name, set())


def _names_within_reach() -> Iterator[str]:
    for prefix in OWN:
        package = import_module(prefix[:-1])
        for module in pkgutil.walk_packages(package.__path__, prefix):
            yield from (f"{module.name}.{name}" for name in vars(import_module(module.name)))


def _resolves(name: str, kind: Kind) -> bool:
    try:
        resolve({"_target_": name}, "x", kind)
    except Refused:
        return False
    return True


def _named_in_conf(kind: Kind) -> set[str]:
    group = "trainer" if kind is TRAINER else "problem"
    conf = folders()[0] / group
    nodes = [yaml.safe_load((conf / f"{name}.yaml").read_text()) for name in names(group, [conf.parent])]
    if kind is DATASET:
        nodes = [node["data"] for node in nodes if "data" in node]
    return {node["_target_"] for node in nodes}


# --- keys and values beside _target_ ----------------------------------------------------------------------------------

SPECIAL = ["_partial_", "_args_", "_recursive_", "_convert_", "__init__", "__class__", "_secret", "os", "default_steps"]


@pytest.mark.parametrize("key", SPECIAL)
def test_keys_that_are_no_fields_are_refused(key: str, plan: Callable[..., Plan]) -> None:
    config = plan("digits", "supervised/logistic").config
    trainer = {name: value for name, value in config["trainer"].items() if name != "default_steps"}
    with pytest.raises(Refused, match="there is no"):
        build({**trainer, key: True}, "trainer", TRAINER)
    with pytest.raises(Refused, match="there is no"):
        build({**config["problem"], "data": {**config["problem"]["data"], key: True}}, "problem", PROBLEM)


@pytest.mark.parametrize(
    "where", ["trainer.C", "trainer.scale", "trainer.max_iter", "problem.probe", "problem.objective", "problem.bounds"]
)
def test_a_target_inside_a_plain_field_is_only_a_wrong_value(
    where: str, marker: Path, plan: Callable[..., Plan]
) -> None:
    config = plan("digits", "supervised/logistic").config
    group, key = where.split(".")
    node = {name: value for name, value in config[group].items() if name != "default_steps"}
    for target in ("evil.Thing", "os.mkdir", "paralab.datasets.bundled.iris"):
        with pytest.raises(Refused, match=where):
            build({**node, key: {"_target_": target}}, group, PROBLEM if group == "problem" else TRAINER)
    assert not marker.exists()


def test_a_target_inside_the_open_dictionary_of_an_environment_is_refused(
    marker: Path, plan: Callable[..., Plan]
) -> None:
    node = plan("corridor", "reinforcement/ppo").config["problem"]
    for kwargs in ({"length": {"_target_": "evil.Thing"}}, {"length": [{"_target_": "evil.Thing"}]}):
        with pytest.raises(Refused, match="kwargs"):
            build({**node, "kwargs": kwargs}, "problem", PROBLEM)
    for name in ("evil:Thing-v0", "evil.Thing", "../evil"):
        with pytest.raises(Refused):
            build({**node, "id": name, "kwargs": {}}, "problem", PROBLEM)
    assert not marker.exists()


# --- --trust ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trust", ["mypkg.", "mypkg"])
def test_trust_allows_one_package_and_nothing_else(trust: str, marker: Path) -> None:
    built: Any = build({"_target_": "mypkg.iris"}, "problem.data", DATASET, [trust])
    assert len(built.targets) == 150
    for target in ("mypkgx.Thing", "mypkgx.problems", "evil.call", "os.system", "mypkg.system", "mypkg.Model"):
        with pytest.raises(Refused):
            resolve({"_target_": target}, "problem.data", DATASET, [trust])
    for target in ("mypkg.other", "mypkg.Sub", "mypkg.Sub.iris", "mypkg.nope", "mypkg"):
        with pytest.raises(Refused):
            resolve({"_target_": target}, "problem.data", DATASET, [trust])
    with pytest.raises(Refused, match="'rows' needs a type"):
        build({"_target_": "mypkg.untyped", "rows": 1}, "problem.data", DATASET, [trust])
    assert not marker.exists()


@pytest.mark.parametrize("trust", ["", ".", "..", "m", "myp", "MYPKG.", " mypkg."])
def test_trust_is_a_whole_name(trust: str, marker: Path) -> None:
    with pytest.raises(Refused, match="not trusted"):
        resolve({"_target_": "mypkg.iris"}, "problem.data", DATASET, [trust])
    with pytest.raises(Refused):
        resolve({"_target_": ".os.system"}, "problem.data", DATASET, [trust])


def test_trust_comes_from_the_command_line_only(marker: Path, cli: Cli) -> None:
    overrides = ["problem=iris", "trainer=supervised/logistic", "problem.data._target_=mypkg.iris", "-q"]
    for sneaked in ([], ["+trust=[mypkg.]"], ["+problem.trust=[mypkg.]"], ["++hydra.trust=[mypkg.]"]):
        code, _, err = cli("train", *overrides, *sneaked)
        assert (code, len(err.splitlines())) == (2, 1)
    assert not Path("experiments").exists()
    assert cli("train", *overrides, "--trust", "mypkg.")[0] == 0


# --- a model's manifest -----------------------------------------------------------------------------------------------


def _manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    whole = json.loads((folder / "manifest.json").read_text())
    change(whole)
    (folder / "manifest.json").write_text(json.dumps(whole))


def test_a_manifest_names_only_models_of_the_lab(marker: Path, plan: Callable[..., Plan]) -> None:
    folder = run(plan("iris", "supervised/logistic")).folder / "model"
    own = json.loads((folder / "manifest.json").read_text())["_target_"]
    for target in (*HOSTILE, *ODD, *NO_TEXT[:8], "paralab.trainers.supervised.logistic.Logistic"):
        _manifest(folder, lambda whole, target=target: whole.update(_target_=target))  # type: ignore[misc]
        with pytest.raises(Refused):
            load_model(folder)
    assert not marker.exists()
    _manifest(folder, lambda whole: whole.update(_target_=own))
    load_model(folder)
    for files_ in (None, [], {}, "x", 5):
        _manifest(folder, lambda whole, files_=files_: whole.update(files=files_))  # type: ignore[misc]
        with pytest.raises(Failed):
            load_model(folder)


def test_a_model_file_holds_no_code(tmp_path: Path, plan: Callable[..., Plan]) -> None:
    """skops opens only what its fixed list names, though every digest is right."""
    folder = tmp_path / "model"
    save_model(run(plan("iris", "supervised/logistic")).model, folder)
    skops.io.dump(FunctionTransformer(func=shutil.rmtree), folder / "estimator.skops")
    inside = files.digests(folder, leave_out=("manifest.json",))
    _manifest(folder, lambda whole: whole.update(files=inside))
    with pytest.raises(Exception, match=r"holds a shutil\.rmtree, which"):
        load_model(folder)


# --- Hydra nodes that run code before any of ours ---------------------------------------------------------------------

HANDLER = "{version: 1, handlers: {h: {(): evil.call}}, root: {handlers: [h]}}"
LOG_FILE = "{version: 1, handlers: {h: {class: logging.FileHandler, filename: MARKER}}, root: {handlers: [h]}}"
SWEEP = "{_target_: hydra_plugins.paralab_sweeper.ParalabSweeper, params: PARAMS}"
NODES = {
    "callbacks": "callbacks: {x: {_target_: evil.Thing}}",
    "job_logging": f"job_logging: {HANDLER}",
    "job_logging to a file": f"job_logging: {LOG_FILE}",
    "hydra_logging": f"hydra_logging: {HANDLER}",
    "hydra_logging to a file": f"hydra_logging: {LOG_FILE}",
    "sweeper": "sweeper: {_target_: evil.Thing}",
    "sweeper of Hydra": "sweeper: {_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper}",
    "sweeper's other keys": "sweeper: {x: {_target_: evil.Thing}}",
    "sweeper's special keys": "sweeper: {_args_: [{_target_: evil.Thing}]}",
    "sweeper's params": f"sweeper: {SWEEP.replace('PARAMS', '{seed: {_target_: evil.Thing}}')}",
    "sweeper's params as a list": "sweeper: {params: {seed: [{_target_: evil.Thing}]}}",
    "sweeper's params themselves": "sweeper: {params: {_target_: evil.call}}",
    "sweeper's params by reference": "sweeper: {params: '${trainer}'}",
    "sweeper's param by reference": "sweeper: {params: {seed: '${trainer}'}}",
    "launcher": "launcher: {_target_: evil.Thing}",
    "launcher's keys": "launcher: {x: {_target_: evil.Thing}}",
    "env_set": "job: {env_set: {LD_PRELOAD: MARKER}}",
    "env_copy": "job: {env_copy: [HOME]}",
    "searchpath": "searchpath: ['pkg://evil']",
}
THOROUGH = ("callbacks", "job_logging", "hydra_logging to a file", "sweeper's params", "searchpath")
FLAGS = [[], ["--help"], ["--cfg", "job"], ["--cfg", "all", "--resolve"], ["--info"], ["-m"]]


@pytest.mark.parametrize(
    ("node", "place"), [*((node, "conf") for node in NODES), *((node, "config-dir") for node in THOROUGH)]
)
def test_a_hostile_hydra_node_in_a_yaml_is_refused_first(
    node: str, place: str, marker: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = Path("mine" if place == "config-dir" else "conf")
    options = ["--config-dir", "mine"] if place == "config-dir" else []
    (conf / "experiment").mkdir(parents=True)
    text = NODES[node].replace("MARKER", str(marker))
    (conf / "experiment" / "bad.yaml").write_text(f"# @package _global_\nhydra:\n  mode: MULTIRUN\n  {text}\n")
    choice = ["problem=iris", "trainer=supervised/logistic", "experiment=bad"]
    for flags in FLAGS if place == "conf" and node in THOROUGH else FLAGS[:1]:
        code, _, err = cli("train", *choice, *options, *flags)
        assert (code, len(err.splitlines())) == (2, 1), (flags, err)
        assert "hydra." in err or "experiment/bad" in err  # the schema of a launcher refuses by itself
    _complete(cli, monkeypatch, f"paralab train {' '.join([*options, *choice])} trainer.")
    assert not marker.exists()
    assert not Path("experiments").exists()


def _complete(cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str) -> str:
    monkeypatch.setenv("COMP_LINE", line)
    code, out, err = cli("-sc", "query=bash")
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize(
    "override",
    [
        "hydra.searchpath=[pkg://evil]",
        "+hydra.callbacks.x._target_=evil.Thing",
        "++hydra.job_logging.handlers.h.class=evil.Thing",
        "++hydra.hydra_logging={version:1,handlers:{h:{class:evil.Thing}},root:{handlers:[h]}}",
        "hydra/hydra_logging=default",
        "hydra/sweeper=basic",
        "hydra.sweeper._target_=evil.Thing",
        "++hydra.sweeper.params.seed={_target_:evil.Thing}",
        "+hydra.launcher.x._target_=evil.Thing",
        "++hydra.job.env_set.LD_PRELOAD=x",
        "hydra.job.env_copy=[HOME]",
        "++hydra={callbacks:{x:{_target_:evil.Thing}}}",
        "hydra={runtime:{choices:{problem:../../../../../escaped}}}",
        "hydra=null",
    ],
)
def test_a_hostile_hydra_override_is_refused_first(
    override: str, marker: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = ["problem=iris", "trainer=supervised/logistic", override]
    for flags in FLAGS if "searchpath" in override else FLAGS[:1]:
        code, _, err = cli("train", *choice, *flags)
        assert (code, len(err.splitlines())) == (2, 1), (flags, err)
        assert "hydra" in err
    _complete(cli, monkeypatch, f"paralab train {' '.join(choice)} trainer.")
    assert not marker.exists()
    assert not Path("experiments").exists()


def test_no_yaml_of_a_user_stands_in_for_ours(marker: Path, cli: Cli) -> None:
    """Hydra's own nodes, its schema, and ours come first on the search path."""
    handler = NODES["hydra_logging"].partition(": ")[2]
    bad = {
        "config": "defaults: []\n",
        "schema": "labels: ???\n",
        "hydra/config": f"defaults:\n  - hydra_logging: bad\nhydra_logging: {handler}\n",
        "hydra/hydra_logging/none": handler,
        "hydra/job_logging/none": handler,
        "hydra/sweeper/paralab": "_target_: evil.Thing\n",
        "hydra/launcher/basic": "_target_: evil.Thing\n",
        "hydra/env/default": "# @package _global_\nhydra: {callbacks: {x: {_target_: evil.Thing}}}\n",
        "problem/iris": "_target_: evil.Thing\n",
        "budget/default": "steps: 0\n",
    }
    for name, text in bad.items():
        path = Path("conf") / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    choice = ["problem=iris", "trainer=supervised/logistic"]
    for flags in ([], ["--help"], ["--cfg", "all"]):
        code, out, err = cli("train", *choice, *flags)
        assert (code, "evil" in out) == (0, False), err
    assert cli("train", *choice, "labels=x")[0] == 2
    assert not marker.exists()


# --- resolvers and what an experiment may set -------------------------------------------------------------------------

RESOLVERS = ["${oc.env:SECRET}", "a ${oc.env:SECRET,x}", "${now:%Y}", "${hydra:runtime.cwd}", "${oc.decode:'1'}"]
NESTED = ["${${name}:SECRET}", "${oc.${name}:SECRET}", "${oc.select:root}", "${oc.create:{a:1}}", "${seed:}"]


@pytest.mark.parametrize("text", [*RESOLVERS, *NESTED])
def test_only_plain_references_are_resolved(text: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver would write a secret into record and report, or let one command mean two configs."""
    monkeypatch.setenv("SECRET", "hunter2")
    Path("conf/experiment").mkdir(parents=True)
    lines = {"question": text, "problem": {"probe": text}}
    Path("conf/experiment/leaks.yaml").write_text("# @package _global_\n" + yaml.safe_dump(lines))
    choice = ["problem=iris", "trainer=supervised/logistic", "-q"]
    for override in (["experiment=leaks"], [f"question='{text}'"], [f"question='{text}'", "seed=1,2", "-m"]):
        code, out, err = cli("train", *choice, *override)
        assert (code, len(err.splitlines())) == (2, 1), (override, err)
        assert "hunter2" not in out + err
    assert not Path("experiments").exists()


def test_references_to_keys_work(plan: Callable[..., Plan]) -> None:
    made = plan("iris", "supervised/logistic", "question='${name} of ${scenario.seed}'", "name=some")
    assert made.config["question"] == "some of 0"


def test_an_experiment_may_name_its_place_and_force_but_not_leave_it(cli: Cli, tmp_path: Path) -> None:
    """`root`, `name` and `force` are its to set: all stays below root/name, and force moves, never deletes."""
    Path("conf/experiment").mkdir(parents=True)

    def said(**keys: object) -> tuple[int, str, str]:
        Path("conf/experiment/own.yaml").write_text("# @package _global_\n" + yaml.safe_dump(keys))
        return cli("train", "problem=iris", "trainer=supervised/logistic", "experiment=own", "-q")

    for name in ("../out", "a/b", "/tmp/x", "..", ".hidden", "", "a\0b", "a" * 65):
        code, _, err = said(name=name)
        assert (code, len(err.splitlines())) == (2, 1), err
    assert said(trust=["evil."])[0] == 2
    assert not Path("experiments").exists()
    assert said(root="there", name="own")[0] == 0
    assert said(root="there", name="own", force=True)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"conf", "there", "state"}
    runs = tmp_path / "there" / "own" / "runs"
    assert len(list(runs.rglob("scores.json"))) == 1 + len(list((runs / ".replaced").rglob("scores.json"))) == 2


def test_a_choice_cannot_leave_its_group(cli: Cli, tmp_path: Path) -> None:
    """Hydra opens conf/problem/../../x.yaml where it is asked to, and the choice names the run's folder."""
    Path("outside.yaml").write_text("_target_: paralab.problems.classification.Classification\n")
    Path("conf/problem").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    for problem in (
        "../../outside",
        "../problem/iris",
        "./iris",
        "x/../iris",
        str(tmp_path / "outside"),
        "~/x",
        "iris/",
    ):
        for flags in ([], ["--cfg", "job"], ["seed=1,2", "-m"]):
            code, _, err = cli("train", f"problem='{problem}'", "trainer=supervised/logistic", *flags)
            assert (code, len(err.splitlines())) == (2, 1), err
    for trainer in ("../trainer/supervised/logistic", "supervised//logistic", "supervised/../supervised/logistic"):
        assert cli("train", "problem=iris", f"trainer={trainer}", "root=R")[0] == 2
    Path("conf/experiment").mkdir()
    Path("conf/experiment/out.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /problem: ../problem/iris\n"
    )
    assert cli("train", "trainer=supervised/logistic", "experiment=out")[0] == 2
    after = {path for path in tmp_path.rglob("*") if "state" not in path.parts and "conf" not in path.parts}
    assert after <= set(before)


def test_composing_alone_is_guarded() -> None:
    """The Python door is the same door."""
    with pytest.raises(Refused, match=r"hydra\.callbacks"):
        compose(loader(), ["problem=iris", "trainer=supervised/logistic", "+hydra.callbacks.x._target_=evil.Thing"])


@pytest.mark.parametrize(
    ("home", "name", "trust", "said"),
    [
        ("sklearn.datasets._base", "load_files", (), r"add --trust sklearn\.datasets\._base\.$"),  # not all of it
        ("sklearn.datasets._base", "os", ("sklearn.",), "only imported there"),
        ("sklearn.utils.discovery", "import_module", ("sklearn.",), "only imported there"),
        ("shutil", "rmtree", (), "do not use this file"),
    ],
)
def test_a_model_file_cannot_reach_what_a_trusted_module_imports(
    home: str, name: str, trust: tuple[str, ...], said: str
) -> None:
    whole = skops.io.dumps(FunctionTransformer(func=np.savetxt))
    with zipfile.ZipFile(io.BytesIO(whole)) as packed:
        schema = packed.read("schema.json").decode()
    function = json.dumps({"__class__": "savetxt", "__module__": "numpy"})[1:-1]
    forged = json.dumps(json.loads(schema)).replace(function, f'"__class__": "{name}", "__module__": "{home}"')
    assert name in forged
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("schema.json", forged)
    with pytest.raises(Refused, match=said):
        skops_file.unpack(np.frombuffer(made.getvalue(), np.uint8), trust)


def test_nobody_is_told_to_trust_pythons_own_library() -> None:
    with pytest.raises(Refused) as refused:
        build({"_target_": "os.system"}, "problem", PROBLEM)
    assert "--trust" not in str(refused.value)


def test_the_home_of_nobody_is_refused_in_one_line() -> None:
    with pytest.raises(Refused, match=r"^problem\.path=~nobody-here/x\.csv cannot be read: [^\n]*$"):
        by_content({"path": "~nobody-here/x.csv"}, "problem")
