"""Classes of other packages by name: what may be built, what is refused, and what of it is in the id."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import yaml
from sklearn.base import BaseEstimator
from sklearn.utils import all_estimators
from stable_baselines3.common.base_class import BaseAlgorithm

from paralab.build import _conform
from paralab.errors import Refused
from paralab.foreign import expanded
from paralab.recipe import EnvId, Recipe
from paralab.record.identity import config_id

PIPELINE = """
_target_: sklearn.pipeline.Pipeline
steps:
  - - columns
    - _target_: sklearn.compose.ColumnTransformer
      transformers:
        - [numbers, {_target_: sklearn.preprocessing.MinMaxScaler, feature_range: [0, 2]}, [age, height]]
        - [rest, drop, [colour]]
  - [forest, {_target_: sklearn.ensemble.RandomForestClassifier, n_estimators: 7}]
"""


def estimator(node: dict[str, Any], *trust: str) -> Any:
    return _conform(node, BaseEstimator, "trainer.estimator", trust)


def algorithm(node: dict[str, Any]) -> Any:
    return _conform(node, Recipe[BaseAlgorithm], "trainer.algorithm", ())


def test_a_nested_pipeline_is_built_as_yaml_says() -> None:
    pipeline = estimator(yaml.safe_load(PIPELINE))
    (_, columns), (_, forest) = pipeline.steps
    assert forest.n_estimators == 7
    name, scaler, where = columns.transformers[0]
    assert (name, scaler.feature_range, where) == ("numbers", (0, 2), ["age", "height"])
    assert columns.transformers[1] == ("rest", "drop", ["colour"])


def test_kernels_and_splitters_stand_inside_an_estimator_and_nowhere_else() -> None:
    rbf = {"_target_": "sklearn.gaussian_process.kernels.RBF", "length_scale": 2.0}
    process = estimator({"_target_": "sklearn.gaussian_process.GaussianProcessClassifier", "kernel": rbf})
    assert process.kernel.length_scale == 2.0
    folds = {"_target_": "sklearn.model_selection.KFold", "n_splits": 3}
    assert estimator({"_target_": "sklearn.linear_model.LassoCV", "cv": folds}).cv.n_splits == 3
    with pytest.raises(Refused, match="is not an estimator"):
        estimator(rbf)


@pytest.mark.parametrize(
    ("key", "value"),
    [("memory", "cache"), ("n_jobs", 2), ("n_jobs", -1), ("random_state", 0), ("verbose", True)],
)
def test_what_is_not_the_configs_to_say_is_refused_with_the_reason(key: str, value: object) -> None:
    with pytest.raises(Refused, match=rf"trainer\.estimator\.{key} cannot be set: .*; leave it out"):
        estimator({"_target_": "sklearn.ensemble.RandomForestClassifier", key: value})
    inner = {"_target_": "sklearn.ensemble.RandomForestClassifier", key: value}
    with pytest.raises(Refused, match=rf"\.{key} cannot be set"):
        estimator({"_target_": "sklearn.ensemble.BaggingClassifier", "estimator": inner})


@pytest.mark.parametrize("grid", [{"memory": ["cache"]}, [{"clf__memory": "cache"}], {"a__b__n_jobs": [-1]}])
def test_a_search_cannot_set_what_the_config_may_not(grid: object) -> None:
    node = {"_target_": "sklearn.model_selection.GridSearchCV", "estimator": {"_target_": "sklearn.svm.SVC"}}
    with pytest.raises(Refused, match=r"param_grid.*(memory|n_jobs) cannot be set: .*; leave it out"):
        estimator({**node, "param_grid": grid})
    assert estimator({**node, "param_grid": {"C": [1, 2]}}).param_grid == {"C": [1, 2]}
    columns = {"_target_": "sklearn.ensemble.HistGradientBoostingRegressor", "monotonic_cst": {"memory": 1}}
    assert estimator(columns).monotonic_cst == {"memory": 1}  # a column that is so called


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("lightgbm.LGBMClassifier", "num_threads"), ("xgboost.XGBClassifier", "nthread"),
        ("catboost.CatBoostClassifier", "output_borders"), ("catboost.CatBoostClassifier", "snapshot_file"),
    ],
)  # fmt: skip
def test_boosters_by_other_names_neither_write_nor_take_threads(target: str, key: str) -> None:
    with pytest.raises(Refused, match=rf"{key} cannot be set"):
        estimator({"_target_": target, key: "4"})


def test_one_thread_may_be_asked_for() -> None:
    assert estimator({"_target_": "sklearn.ensemble.RandomForestClassifier", "n_jobs": 1}).n_jobs == 1


@pytest.mark.parametrize(
    "target",
    [
        "sklearn.utils.discovery.Path", "sklearn.datasets.load_iris", "sklearn.datasets.fetch_openml",
        "sklearn.utils._joblib.load", "sklearn.externals.joblib.load", "sklearn.base.BaseEstimator.__init__",
        "sklearn.pipeline.make_pipeline", "builtins.exec", "os.system", "sklearnx.Evil", "torch.load", "pathlib.Path",
        "sklearn.model_selection.KFold", "lightgbm.Booster", "subprocess.Popen", "sklearn.utils.os",
    ],
)  # fmt: skip
def test_only_estimators_are_built(target: str) -> None:
    with pytest.raises(Refused):
        estimator({"_target_": target})
    with pytest.raises(Refused):
        algorithm({"_target_": target})


def test_every_name_in_scikit_learn_that_builds_is_an_estimator() -> None:
    """Whatever stands in its modules, re-exports too: what gets past the check can be fitted and nothing else."""
    import sklearn

    from paralab.foreign import ESTIMATOR
    from paralab.trust import resolve

    passed = set()
    for module in pkgutil.iter_modules(sklearn.__path__, "sklearn."):
        if module.name.split(".")[1] in ("conftest", "tests", "experimental"):
            continue
        for name in vars(import_module(module.name)):
            try:
                passed.add(resolve({"_target_": f"{module.name}.{name}"}, "x", ESTIMATOR))
            except Refused:
                continue
    assert len(passed & {kind for _, kind in all_estimators()}) > 180
    assert all(hasattr(kind, "fit") and hasattr(kind, "get_params") for kind in passed)


def test_an_unknown_class_has_the_closest_name() -> None:
    with pytest.raises(
        Refused, match=r"there is no 'KNeighborsClasifier' in sklearn\.neighbors; did you mean 'KNeighborsClassifier'\?"
    ):
        estimator({"_target_": "sklearn.neighbors.KNeighborsClasifier"})


def test_an_unknown_setting_has_the_closest_name() -> None:
    with pytest.raises(
        Refused, match=r"there is no 'n_neighbour' in KNeighborsClassifier\. Did you mean 'n_neighbors'"
    ):
        estimator({"_target_": "sklearn.neighbors.KNeighborsClassifier", "n_neighbour": 3})


@pytest.mark.parametrize("target", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_a_misspelt_setting_is_not_handed_on_unseen(target: str) -> None:
    with pytest.raises(Refused, match=r"there is no 'learing_rate' in .*\. Did you mean 'learning_rate'"):
        estimator({"_target_": target, "learing_rate": 4.0})
    assert estimator({"_target_": target, "learning_rate": 0.5}).learning_rate == 0.5
    estimator({"_target_": target, "path_smooth": 0.5})  # of LightGBM alone, by **kwargs; no name is near


def test_an_algorithm_is_checked_and_not_yet_called() -> None:
    schedule = {"_target_": "stable_baselines3.common.utils.LinearSchedule", "start": 1.0, "end": 0.0,
                "end_fraction": 1.0}  # fmt: skip
    recipe = algorithm({"_target_": "sb3_contrib.TQC", "learning_rate": schedule, "train_freq": 4})
    assert recipe.target.__name__ == "TQC"
    assert recipe.settings["train_freq"] == 4
    assert recipe.settings["learning_rate"](0.5) == 0.5
    with pytest.raises(Refused, match="cannot be set: monitor=tensorboard writes event files"):
        algorithm({"_target_": "stable_baselines3.A2C", "tensorboard_log": "logs"})
    with pytest.raises(Refused, match="is not an algorithm"):
        algorithm({"_target_": "stable_baselines3.common.vec_env.DummyVecEnv"})


def test_wrappers_are_recipes_in_order() -> None:
    nodes = [
        {"_target_": "gymnasium.wrappers.TimeLimit", "max_episode_steps": 50},
        {"_target_": "gymnasium.wrappers.FlattenObservation"},
    ]
    first, second = _conform(nodes, tuple[Recipe[gym.Wrapper[Any, Any, Any, Any]], ...], "problem.wrappers", ())
    assert second(first(gym.make("CartPole-v1"))).get_wrapper_attr("_max_episode_steps") == 50
    with pytest.raises(Refused, match="not trusted"):
        _conform([{"_target_": "gymnasium.make"}], tuple[Recipe[gym.Wrapper], ...], "problem.wrappers", ())


def test_an_environment_of_a_package_needs_trust() -> None:
    assert _conform("CartPole-v1", EnvId, "problem.id", ()) == "CartPole-v1"
    assert _conform("mypkg:Mine-v0", EnvId, "problem.id", ("mypkg.",)) == "mypkg:Mine-v0"
    with pytest.raises(Refused, match=r"problem\.id=os:x imports os, which is not trusted; .* --trust os\."):
        _conform("os:x", EnvId, "problem.id", ("mypkg.",))


def test_the_id_is_of_all_settings_defaults_too() -> None:
    short = {"_target_": "sklearn.neighbors.KNeighborsClassifier"}
    spelled = {**short, "n_neighbors": 5}
    other = {**short, "n_neighbors": 4}
    said = [expanded({"estimator": each}, "trainer", ()) for each in (short, spelled, other)]
    assert said[0] == said[1] != said[2]
    assert said[0]["estimator"]["weights"] == "uniform"


def config(path: Path) -> dict[str, Any]:
    keys = ("trainer", "budget", "labels", "split", "split_seed", "test_size", "folds", "fold", "select", "device",
            "threads", "compile", "repeat", "extend")  # fmt: skip
    return {**dict.fromkeys(keys), "problem": {"path": str(path), "target": "y"}}


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("x,y\n1,2\n")
    two.write_text("x,y\n1,2\n")
    assert config_id(config(one)) == config_id(config(two))
    two.write_text("x,y\n1,3\n3,4\n")
    assert config_id(config(one)) != config_id(config(two))
    with pytest.raises(Refused, match=r"problem\.path=.*none\.csv cannot be read: No such file"):
        config_id(config(tmp_path / "none.csv"))


def test_a_folder_counts_by_names_and_content(tmp_path: Path) -> None:
    for side in ("a", "b"):
        (tmp_path / side / "cat").mkdir(parents=True)
        (tmp_path / side / "cat" / "1.png").write_bytes(b"1")
    assert config_id(config(tmp_path / "a")) == config_id(config(tmp_path / "b"))
    (tmp_path / "b" / "cat" / "1.png").rename(tmp_path / "b" / "cat" / "2.png")
    assert config_id(config(tmp_path / "a")) != config_id(config(tmp_path / "b"))
