"""A grid as plans: the experiment's own node `sweep:`, what is said of it, and the manifest that holds it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from paralab.compose import compose, loader
from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep import manifest
from paralab.sweep.plan import compose_any, freeze, plan_grid

IRIS = ("problem=iris", "trainer=supervised/logistic")


def _plans(*words: str, notices: list[str] | None = None) -> list[Plan]:
    load, told = loader(), [] if notices is None else notices
    overrides = [*words, "hydra.mode=MULTIRUN"]
    config, grid = compose_any(load, overrides)
    assert grid
    return plan_grid(load, config, overrides, (), told.append)


def _experiment(name: str, text: str) -> None:
    Path("conf/experiment").mkdir(parents=True, exist_ok=True)
    Path(f"conf/experiment/{name}.yaml").write_text(f"# @package _global_\nname: {name}\n{text}")


PAIRED = """\
hydra:
  mode: MULTIRUN
  sweeper:
    params: {problem: iris, trainer: "supervised/logistic,supervised/mlp", labels: "20,50", budget.steps: "1,2"}
sweep:
  zip: [labels, budget.steps]
  exclude: ["trainer=supervised/mlp labels=20"]
  max_retries: 3
"""


def _told(plans: list[Plan]) -> list[tuple[str, object, object]]:
    return [(plan.trainer, plan.config["labels"], plan.config["budget"]["steps"]) for plan in plans]


def test_an_experiment_s_yaml_says_pairs_and_exclusions() -> None:
    _experiment("paired", PAIRED)
    both = [("supervised/logistic", 20, 1), ("supervised/logistic", 50, 2), ("supervised/mlp", 50, 2)]
    assert _told(_plans("experiment=paired")) == both
    assert _told(_plans("experiment=paired", "labels=20,90")) == [both[0], *[(t, 90, 2) for t, _, _ in both[1:]]]
    assert len(_plans("experiment=paired", "sweep.zip=[]", "sweep.exclude=[]")) == 8
    assert {plan.config["name"] for plan in _plans("experiment=paired")} == {"paired"}
    assert not {"sweep", "executor"} & set(_plans("experiment=paired")[0].config)


def test_a_file_s_rows_are_the_points_composed_alone() -> None:
    Path("points.csv").write_text("trainer,trainer.C,trainer.hidden\nsupervised/logistic,2,\nsupervised/mlp,,[8]\n")
    plans = _plans("problem=iris", "sweep.csv=points.csv", "seed=1,2")
    alone = [
        freeze(compose(loader(), ["problem=iris", *words, f"seed={seed}"]))
        for seed in (1, 2)
        for words in (["trainer=supervised/logistic", "trainer.C=2"], ["trainer=supervised/mlp", "trainer.hidden=[8]"])
    ]
    assert plans == alone
    Path("points.csv").write_text("trainer,trainer.Q\nsupervised/logistic,\nsupervised/logistic,3\n")
    with pytest.raises(Refused, match=r"points\.csv, line 3: there is no 'Q' in trainer"):
        _plans("problem=iris", "sweep.csv=points.csv")


def test_what_is_said_of_the_sweep_reaches_it() -> None:
    _experiment("paired", PAIRED)
    words = ["experiment=paired", "sweep.fail_fast=true", "executor=inline"]
    config, _ = compose_any(loader(), words)
    assert (config.sweep.fail_fast, config.sweep.max_retries) == (True, 3)
    assert config.executor["_target_"].endswith("Inline")
    config, _ = compose_any(loader(), [*IRIS, "hydra.mode=MULTIRUN", "executor.workers=3", "sweep.timeout_s=5"])
    assert (config.executor.workers, config.sweep.timeout_s) == (3, 5)


@pytest.mark.parametrize("word", ["sweep.max_retries=0,1", "executor=local,inline", "executor.workers=1,2"])
def test_how_a_grid_is_run_is_no_axis(word: str) -> None:
    with pytest.raises(Refused, match="no axis of it"):
        _plans(*IRIS, word)


@pytest.mark.parametrize("word", ["sweep.force=true", "executor=inline", "sweep.zip=[labels,seed]"])
def test_a_single_run_has_no_sweep(word: str) -> None:
    with pytest.raises(Refused, match="add -m"):
        compose_any(loader(), [*IRIS, word])


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("sweep.zip=labels", "sweep.zip=[labels,seed]"),
        ("sweep.zip=labels,seed", "sweep.zip=[labels,seed]"),
        ("sweep.exclude=5", 'sweep.exclude=["trainer='),
        ("sweep.exclude=null", 'sweep.exclude=["trainer='),
        ("sweep.exclude=[5]", "'5' is no key=value"),
    ],
)
def test_a_list_of_the_sweep_written_otherwise_is_refused_with_its_form(word: str, form: str) -> None:
    with pytest.raises(Refused) as refused:
        _plans(*IRIS, "labels=20,30", word)
    assert form in str(refused.value)


def test_a_list_of_the_sweep_is_one_in_a_yaml_too() -> None:
    _experiment("bad", "# @package _global_\nsweep:\n  zip: labels\nhydra:\n  mode: MULTIRUN\n")
    with pytest.raises(Refused, match=r"a list is needed, \[a,b\]"):
        _plans("experiment=bad", *IRIS, "labels=20,30")


def test_a_file_that_names_the_trainer_says_add_m_where_it_is_left_out() -> None:
    Path("points.csv").write_text("trainer,trainer.C\nsupervised/logistic,2\n")
    with pytest.raises(Refused, match=r"^sweep.csv=points.csv is how a grid is run, and this is one run: add -m$"):
        compose_any(loader(), ["problem=iris", "sweep.csv=points.csv"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hydra/launcher=joblib", "executor= says where runs go, one of inline, local, ray, slurm"),
        ("hydra/sweeper=ax", "Known: optuna, paralab."),
        ("hydra/sweeper=optun", "Did you mean 'optuna'?"),
    ],
)
def test_a_launcher_or_sweeper_of_another_package_is_refused_with_what_there_is(word: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        compose_any(loader(), [*IRIS, word])
    assert said in str(refused.value)


def test_a_misspelt_option_of_the_sweep_is_refused() -> None:
    with pytest.raises(Refused, match="Did you mean 'max_retries'"):
        _plans(*IRIS, "sweep.max_retrys=1")


def test_a_run_named_twice_runs_once_and_that_is_said() -> None:
    notices: list[str] = []
    plans = _plans(*IRIS, "seed=0,1,1", "question=a,b", notices=notices)
    assert [(plan.config["seed"], plan.config["question"]) for plan in plans] == [(0, "a"), (1, "a")]
    assert notices == ["4 of 6 points name a run that another names; it runs once"]


def test_an_exclusion_of_nothing_is_told() -> None:
    notices: list[str] = []
    assert len(_plans(*IRIS, "seed=0,1", "sweep.exclude=['seed=7']", notices=notices)) == 2
    assert notices == ["sweep.exclude: no point of this grid is 'seed=7'"]


def test_a_config_s_plain_values_are_omegaconf_s() -> None:
    words = [*IRIS, "labels=20", "split_seed=${seed}", "question='of ${name}, ${labels} labels'", "seed=3"]
    (plan,) = _plans(*words)
    config = compose(loader(), words)
    config.budget.steps = config.trainer.default_steps
    own = [str(key) for key in config if key not in ("hydra", "sweep", "executor")]
    whole = OmegaConf.to_container(OmegaConf.masked_copy(config, own), resolve=True, enum_to_str=True)
    assert isinstance(whole, dict)
    whole["budget"]["steps"] = None
    whole["decision"] = None  # a node without a candidate states no rule
    assert plan.config == whole


@pytest.mark.parametrize("word", ["labels=${folds},${labels}", "trainer.C=${trainer.max_iter},${trainer.C}"])
def test_a_reference_to_itself_is_refused(word: str) -> None:
    with pytest.raises(Refused):
        _plans(*IRIS, word)


# --- the manifest -----------------------------------------------------------------------------------------------------


def test_a_manifest_reads_back_as_it_was_planned_and_has_the_same_bytes_again() -> None:
    plans = _plans(*IRIS, "seed=0,1", "labels=20,null", "question='é, \"x\"'")
    home = manifest.write(plans)
    first = (home / manifest.FILE).read_bytes()
    assert home.parent == Path("experiments/scratch/sweeps")
    again = manifest.read(home)
    assert again == plans
    assert [plan.said for plan in again] == [plan.said for plan in plans]
    assert [plan.folder for plan in again] == [plan.folder for plan in plans]
    inode = (home / manifest.FILE).stat().st_ino
    assert manifest.write(_plans(*IRIS, "seed=range(2)", "labels=20,null", "question='é, \"x\"'")) == home
    assert ((home / manifest.FILE).read_bytes(), (home / manifest.FILE).stat().st_ino) == (first, inode)
    starts = [json.loads(line) for line in (home / manifest.STARTS).read_text().splitlines()]
    assert len(starts) == 2
    assert {"time", "command", "host", "versions"} <= set(starts[0])
    assert starts[0]["versions"]["hydra-core"] == "1.3.8"


def test_another_config_is_another_sweep_and_the_last_started_is_the_latest() -> None:
    experiment = Path("experiments/scratch")
    assert manifest.latest(experiment) is None
    one, other = _plans(*IRIS, "seed=0,1"), _plans(*IRIS, "seed=0,1", "checkpoint_seconds=1")
    assert [plan.folder for plan in one] == [plan.folder for plan in other]
    homes = [manifest.write(one), manifest.write(other)]
    assert homes[0] != homes[1]
    for home, at in zip(homes, (2, 1), strict=True):
        os.utime(home / manifest.STARTS, ns=(at, at))
    assert manifest.latest(experiment) == homes[0]
    assert manifest.write(other) == homes[1]
    assert manifest.latest(experiment) == homes[1]


def test_a_damaged_manifest_is_refused_and_written_anew() -> None:
    plans = _plans(*IRIS, "seed=0,1")
    home = manifest.write(plans)
    whole = (home / manifest.FILE).read_bytes()
    (home / manifest.FILE).write_bytes(whole[:-20])
    with pytest.raises(Refused, match=r"manifest\.jsonl, line 2 is damaged"):
        manifest.read(home)
    assert manifest.read(manifest.write(plans)) == plans
    with pytest.raises(Refused, match="no sweep in it"):
        manifest.read(Path("nowhere"))


def test_several_experiments_are_filed_with_the_first() -> None:
    home = manifest.write(_plans(*IRIS, "name=one,two"))
    assert home.parent == Path("experiments/one/sweeps")
    assert len(manifest.read(home)) == 2


def test_a_place_that_cannot_be_written_is_refused() -> None:
    Path("file").touch()
    with pytest.raises(Refused, match="cannot be written"):
        manifest.write(_plans(*IRIS, "root=file"))
