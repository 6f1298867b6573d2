"""Every YAML composes and builds, and its keys are its dataclass's fields; plugin dataclasses hold no defaults."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paralab.build import build
from paralab.catalog import folders, names
from paralab.compose import compose, loader
from paralab.record.plan import Plan
from paralab.sweep.plan import compose_any, freeze, plan_grid
from paralab.trust import PROBLEM, TRAINER, resolve
from paralab.tune.points import Points

CONF = folders()[:1]


@pytest.mark.parametrize("problem", names("problem", CONF))
def test_a_problem_builds_and_holds_no_defaults(problem: str, plan: Callable[..., Plan]) -> None:
    node = plan(problem, "supervised/logistic").config["problem"]
    kind = resolve(node, "problem", PROBLEM)
    assert set(inspect.signature(kind).parameters) == set(node) - {"_target_", "subject"}
    if isinstance(kind, type):
        assert not any(_has_default(field) for field in dataclasses.fields(kind))
    else:
        assert not any(each.default is not each.empty for each in inspect.signature(kind).parameters.values())
    built = build({key: value for key, value in node.items() if key != "subject"}, "problem", PROBLEM)
    assert built.views
    assert built.objective


@pytest.mark.parametrize("trainer", names("trainer", CONF))
def test_a_trainer_builds_and_holds_no_defaults(trainer: str, plan: Callable[..., Plan]) -> None:
    node = plan("digits", trainer).config["trainer"]
    kind = resolve(node, "trainer", TRAINER)
    assert {field.name for field in dataclasses.fields(kind)} == set(node) - {"_target_", "default_steps"}
    assert not any(_has_default(field) for field in dataclasses.fields(kind))
    assert node["default_steps"] >= 1
    assert trainer.split("/")[0] in kind.__module__


@pytest.mark.parametrize("experiment", names("experiment", CONF))
def test_an_experiment_plans_distinct_runs(experiment: str) -> None:
    load, overrides = loader(), [f"experiment={experiment}"]
    config, grid = compose_any(load, overrides)
    if grid and config.hydra.sweeper.n_trials is not None:
        plans = Points(load, config, overrides, ()).examples
    else:
        plans = plan_grid(load, config, overrides) if grid else [freeze(config)]
    assert len({plan.folder for plan in plans}) == len(plans)
    assert {plan.config["name"] for plan in plans} == {experiment}
    assert config.question


def test_every_yaml_opens_with_what_it_is_and_explains_its_numbers() -> None:
    """The YAML is the one place of defaults, so it is also where they are explained."""
    for group in ("problem", "trainer", "experiment", "executor", "budget"):
        for name in names(group, CONF):
            text = (CONF[0] / group / f"{name}.yaml").read_text()
            assert text.startswith("#") or group == "budget", name
            assert isinstance(yaml.safe_load(text), dict), name


def test_a_grid_equals_composing_each_point(tmp_path: Path) -> None:
    load = loader()
    axes = ["problem=iris,digits", "trainer=supervised/logistic,reinforcement/linucb", "labels=20,null", "seed=1,2"]
    config, _ = compose_any(load, [*axes, "hydra.mode=MULTIRUN"])
    plans = plan_grid(load, config, [*axes, "hydra.mode=MULTIRUN"])
    assert len(plans) == 16
    for plan in plans:
        own = plan.config
        labels = "null" if own["labels"] is None else own["labels"]
        point = [f"problem={plan.problem}", f"trainer={plan.trainer}", f"labels={labels}", f"seed={own['seed']}"]
        assert freeze(compose(load, point)) == plan


def _has_default(field: dataclasses.Field[object]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
