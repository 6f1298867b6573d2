"""Every estimator of scikit-learn that can be built without arguments goes through the door that fits it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import all_estimators

from paralab.core import Labelled, Meaning, Signature
from paralab.errors import Failed, Refused
from paralab.trainers.door import role
from paralab.trainers.skops_file import BOOSTERS
from paralab.trainers.trusted import TRUSTED
from tests.unit.doors import Node, door, through, view
from tests.unit.test_sk_tables import ANSWER, SHOWN, TABLE, TASKS

ANSWERS = "it chooses or makes columns by the answer: it stands before a classifier, in a Pipeline"
TEXT = "it takes texts or dictionaries, not rows of numbers"
WIDE = "by default it asks for thousands of columns: set n_components"
MANY = "it takes several values a row"
NO_DOOR = {  # of those that can be built without arguments: why not
    "CCA": "its two components need two values a row: set n_components=1",
    "PLSCanonical": "its two components need two values a row: set n_components=1",
    "PLSSVD": ANSWERS,
    **dict.fromkeys(
        ("CountVectorizer", "DictVectorizer", "FeatureHasher", "HashingVectorizer", "TfidfVectorizer"), TEXT
    ),
    **dict.fromkeys(("GaussianRandomProjection", "SparseRandomProjection"), WIDE),
    **dict.fromkeys(("GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe"), ANSWERS),
    **dict.fromkeys(("SelectKBest", "SelectPercentile"), ANSWERS),
    **dict.fromkeys(("NeighborhoodComponentsAnalysis", "TargetEncoder"), ANSWERS),
    "KernelCenterer": "it takes a kernel matrix, not rows",
    "LabelEncoder": "it encodes answers, not rows",
    "LabelBinarizer": "it encodes answers, not rows",
    **dict.fromkeys((f"MultiTask{name}" for name in ("ElasticNet", "ElasticNetCV", "Lasso", "LassoCV")), MANY),
    "NearestNeighbors": "it finds neighbours and answers nothing",
    "PatchExtractor": "it takes images as three dimensions",
    "SelfTrainingClassifier": "it needs a classifier inside",
}
NARROW = {"IsotonicRegression": 1}  # how many columns it takes
SURROGATES = {
    "AgglomerativeClustering", "Birch", "ClassicalMDS", "DBSCAN", "HDBSCAN", "LocalOutlierFactor", "MDS", "OPTICS",
    "SpectralBiclustering", "SpectralClustering", "SpectralCoclustering", "SpectralEmbedding", "TSNE",
}  # fmt: skip
FAST = [
    "BernoulliNB", "CategoricalNB", "DBSCAN", "GaussianMixture", "KBinsDiscretizer", "KMeans", "KNeighborsClassifier",
    "KernelDensity", "KernelRidge", "LabelPropagation", "LinearRegression", "LinearSVC", "LocalOutlierFactor",
    "MinCovDet", "NMF", "NearestCentroid", "PCA", "RidgeClassifier", "SpectralCoclustering", "TSNE",
]  # fmt: skip


def public(kind: type) -> str:
    """Where a user finds it: its name in the module above the private one."""
    module = kind.__module__
    while any(part.startswith("_") for part in module.split(".")):
        module = module.rpartition(".")[0]
    return f"{module}.{kind.__name__}"


def plain() -> dict[str, tuple[str, BaseEstimator]]:
    """Those that can be built without arguments: their path and one of them."""
    built = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Class PassiveAggressive.* is deprecated", FutureWarning)
        for name, kind in all_estimators():
            try:
                built[name] = (public(kind), kind())
            except TypeError:
                assert name not in NO_DOOR, "it needs arguments: no entry"
    return built


PLAIN = plain()
# What those that need others inside, and settings other than the defaults, bring with them.
LOGISTIC: Node = {"_target_": "sklearn.linear_model.LogisticRegression"}
RIDGE: Node = {"_target_": "sklearn.linear_model.Ridge"}


def gaussian(name: str, **settings: Any) -> Node:
    return {
        "_target_": "sklearn.gaussian_process.GaussianProcessRegressor",
        "kernel": {"_target_": f"sklearn.gaussian_process.kernels.{name}", **settings},
        "alpha": 100.0,
    }


def searched(inside: Node, grid: Mapping[str, Any], **settings: Any) -> Node:
    return {"_target_": "sklearn.model_selection.GridSearchCV", "estimator": inside, "param_grid": grid, **settings}


def near(**settings: Any) -> Node:
    return {"_target_": "sklearn.neighbors.KNeighborsClassifier", **settings}


def before(step: Node) -> Node:
    return {"_target_": "sklearn.pipeline.Pipeline", "steps": [["first", step], ["last", LOGISTIC]]}


SPLITS = [{"_target_": f"sklearn.model_selection.{name}", "n_splits": 3} for name in ("KFold", "StratifiedKFold")]
SCORES = ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"]
ERRORS = ["neg_mean_absolute_error", "neg_mean_squared_error", "r2"]
KERNEL: Node = {"_target_": "sklearn.gaussian_process.kernels.RBF"}
NESTED: dict[str, tuple[str, Meaning, Node]] = {
    "rest": (
        "supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.multiclass.OneVsRestClassifier", "estimator": LOGISTIC},
    ),
    "pairs": (
        "supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.multiclass.OneVsOneClassifier", "estimator": LOGISTIC},
    ),
    "codes": (
        "supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.multiclass.OutputCodeClassifier", "estimator": LOGISTIC},
    ),
    "eliminated": ("supervised", Meaning.LABEL, {"_target_": "sklearn.feature_selection.RFE", "estimator": LOGISTIC}),
    "selected": ("supervised", Meaning.LABEL, before({"_target_": "sklearn.feature_selection.SelectKBest", "k": 2})),
    "voted": (
        "supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.ensemble.VotingClassifier", "estimators": [["a", LOGISTIC], ["b", near()]]},
    ),
    "stacked": (
        "supervised",
        Meaning.VALUE,
        {"_target_": "sklearn.ensemble.StackingRegressor", "estimators": [["a", RIDGE], ["b", RIDGE]]},
    ),
    "tempered": (
        "supervised",
        Meaning.LABEL,
        {
            "_target_": "sklearn.calibration.CalibratedClassifierCV",
            "estimator": {
                "_target_": "sklearn.dummy.DummyClassifier"
            },  # of better ones a temperature goes to its limit
            "method": "temperature",
        },
    ),
    "tweedie": ("supervised", Meaning.VALUE, {"_target_": "sklearn.linear_model.TweedieRegressor", "power": 1.5}),
    "momentum": (
        "supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.neural_network.MLPClassifier", "solver": "sgd", "max_iter": 5},
    ),
    "self": (
        "semi_supervised",
        Meaning.LABEL,
        {"_target_": "sklearn.semi_supervised.SelfTrainingClassifier", "estimator": LOGISTIC},
    ),
    "manhattan": ("supervised", Meaning.LABEL, near(metric="manhattan")),
    "minkowski": ("supervised", Meaning.LABEL, near(p=3)),
    "chebyshev": ("supervised", Meaning.LABEL, near(metric="chebyshev")),
    "balls": ("supervised", Meaning.LABEL, near(algorithm="ball_tree")),
    "grid": ("supervised", Meaning.LABEL, searched(LOGISTIC, {"C": [0.1, 1.0]}, cv=SPLITS[0])),
    "strata": ("supervised", Meaning.LABEL, searched(LOGISTIC, {"C": [0.1, 1.0]}, cv=SPLITS[1])),
    "each": (
        "supervised",
        Meaning.LABEL,
        searched(near(), {"n_neighbors": [1, 2]}, cv={"_target_": "sklearn.model_selection.LeaveOneOut"}),
    ),
    "times": (
        "supervised",
        Meaning.LABEL,
        searched(near(), {"n_neighbors": [1, 2]}, cv={"_target_": "sklearn.model_selection.TimeSeriesSplit"}),
    ),
    **{
        f"by {score}": ("supervised", Meaning.LABEL, searched(LOGISTIC, {"C": [0.1]}, scoring=score))
        for score in SCORES
    },
    **{
        f"by {score}": ("supervised", Meaning.VALUE, searched(RIDGE, {"alpha": [1.0]}, scoring=score))
        for score in ERRORS
    },
    **{
        f"kernel {name}": ("supervised", Meaning.VALUE, gaussian(name))
        for name in ("DotProduct", "ExpSineSquared", "Matern", "PairwiseKernel", "RationalQuadratic", "WhiteKernel")
    },
    "kernel sum": ("supervised", Meaning.VALUE, gaussian("Sum", k1=KERNEL, k2=KERNEL)),
    "kernel power": ("supervised", Meaning.VALUE, gaussian("Exponentiation", kernel=KERNEL, exponent=2.0)),
    **{
        f"{prefix} {meaning}": ("supervised", meaning, {"_target_": f"{library}.{prefix}{kind}", size: 5})
        for library, prefix, size in (
            ("lightgbm", "LGBM", "n_estimators"),
            ("xgboost", "XGB", "n_estimators"),
            ("xgboost", "XGBRF", "n_estimators"),
            ("catboost", "CatBoost", "iterations"),
        )
        for meaning, kind in ((Meaning.LABEL, "Classifier"), (Meaning.VALUE, "Regressor"))
    },
}


def fitting(path: str, estimator: BaseEstimator) -> tuple[str, Meaning]:
    """The door that an estimator fits, and what the problem asks for."""
    if path.startswith("sklearn.semi_supervised."):
        return "semi_supervised", Meaning.LABEL
    match role(estimator):
        case "classifier":
            return "supervised", Meaning.LABEL
        case "regressor":
            return "supervised", Meaning.VALUE
    return "unsupervised", Meaning.CLUSTER


def walk(name: str, folder: Path) -> set[str]:
    path, estimator = PLAIN[name]
    paradigm, meaning = fitting(path, estimator)
    shown = view(paradigm, meaning, NARROW.get(name, 4))
    snapshot, types = through(door(paradigm, {"_target_": path}), shown, folder)
    assert ("train/surrogate" in snapshot.metrics) == (name in SURROGATES)
    return types


@pytest.mark.parametrize("name", FAST)
def test_a_door_for_each_of_some(name: str, tmp_path: Path) -> None:
    assert walk(name, tmp_path / "model") <= set(TRUSTED)


@pytest.mark.parametrize("name", ["rest", "voted", "selected", "self", "grid", "LGBM label", "XGB label"])
def test_a_door_for_some_with_others_inside(name: str, tmp_path: Path) -> None:
    paradigm, meaning, node = NESTED[name]
    pytest.importorskip(node["_target_"].partition(".")[0])
    assert through(door(paradigm, node), view(paradigm, meaning), tmp_path / "model")[1] <= set(TRUSTED)


def test_estimators_without_a_door_are_refused_in_one_line_and_the_table_is_not_stale(tmp_path: Path) -> None:
    for name in NO_DOOR:
        with pytest.raises((Refused, Failed), match=r"^[^\n]{20,400}$"):  # one that works now: out of the table
            walk(name, tmp_path / name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Class PassiveAggressive.* is deprecated:FutureWarning")  # so it says at every copy
def test_a_door_for_every_estimator_and_no_type_is_trusted_in_vain(tmp_path: Path) -> None:
    for library in BOOSTERS:
        pytest.importorskip(library)
    types = set[str]()
    for name in PLAIN.keys() - NO_DOOR.keys():
        types |= walk(name, tmp_path / name)
    for name, (paradigm, meaning, node) in NESTED.items():
        types |= through(door(paradigm, node), view(paradigm, meaning), tmp_path / name)[1]
    binary: Node = {"_target_": "sklearn.model_selection.TunedThresholdClassifierCV", "estimator": LOGISTIC}
    types |= through(door("supervised", binary), halves(), tmp_path / "tuned")[1]
    boosting = {"_target_": "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter": 5}
    types |= through(door("supervised", boosting, encode="none"), table(), tmp_path / "table")[1]
    assert types == set(TRUSTED)


def halves() -> Any:
    shown: Any = view("supervised")
    return replace(shown, targets=(shown.targets > 0).astype(int))


def table() -> Labelled:
    space = gym.spaces.Dict([(name, TABLE[name]) for name in ("size", "kind", "more")])
    return Labelled(SHOWN[list(space)], ANSWER, Signature(space, TASKS[Meaning.LABEL].outputs))
