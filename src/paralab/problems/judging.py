"""The judge of row problems: answer the asked rows once, read the answers, score them, keep the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from paralab.core import Answers, Array, Meaning, Metrics, Model, Split, Verdict
from paralab.datasets.dataset import Dataset
from paralab.datasets.encoding import standardised
from paralab.datasets.splits import Rows
from paralab.errors import Refused, closest
from paralab.metrics import clustering
from paralab.problems.readout import Granted, Kind, read
from paralab.problems.views import task

NOTHING = Verdict({}, {}, 0, 0.0)
COMPACTNESS = ("silhouette", "neg_inertia")
CLUSTERS = ("ari", "ami", "homogeneity", "oracle_accuracy", *COMPACTNESS)
MOST = 10_000  # rows of a silhouette: 2 s and, in blocks, 1 GB; 100,000 would take minutes
Score = Callable[[Array, Answers], Metrics]  # truth (n,), the answers as they were read


def judge(kind: Kind, model: Model, data: Dataset, rows: Rows, split: Split, probe: float, score: Score) -> Verdict:
    """Judge on the rows of `split` by what the scenario's labels make of the answers; clusters also as clusters.

    Nothing is said without validation rows, nor of a policy's validation, whose labels would be more than its rewards.
    Raises Refused where the model's answer cannot be read as `kind`.
    """
    asked, acts = rows.valid if split == "valid" else rows.test, Meaning.ACTION in model.signature.outputs
    if not len(asked) or (acts and split == "valid"):
        return NOTHING
    granted = Granted(data.inputs[rows.labelled], data.targets[rows.labelled], len(data.classes), probe)
    reading = read(kind, model, data.inputs[asked], granted)
    scores = {**score(data.targets[asked], reading.read), **_as_clusters(data, asked, reading.said, split)}
    evidence = _evidence(data, asked, {**reading.said, **reading.read})
    spent = reading.labels + (0 if acts else len(rows.valid))
    told = 0.0 if not spent else None if (each := task(data).bits) is None else each * spent
    return Verdict(scores, evidence, spent, told)


def judge_clusters(model: Model, data: Dataset, rows: Rows, split: Split) -> Verdict:
    """Judge clusters by agreement and compactness alone, without a label; other answers are evidence without a score.

    Compactness of a table's rows is that of `encoding.standardised`: numbers in deviations from their mean over the
    rows asked about, what is missing at the mean, categories as 0 and 1. Other inputs are taken as they are.
    """
    if split == "valid":
        return NOTHING
    said = model.predict(data.inputs[rows.test])
    return Verdict(_as_clusters(data, rows.test, said, split), _evidence(data, rows.test, said), 0, 0.0)


def must_cluster(model: Model) -> None:
    """Raise Refused where split=all has nothing to judge."""
    if Meaning.CLUSTER not in model.signature.outputs:
        answer = next(iter(model.signature.outputs))
        raise Refused(f"split=all judges clusters; this model answers {answer}: pick a clusterer, or set split=holdout")


def check_objective(objective: str, known: Sequence[str]) -> None:
    """Raise Refused where no score of a problem is so called."""
    if objective not in known:
        raise Refused(f"problem.objective={objective} is no score of this problem. {closest(objective, known)}")


def indices(data: Dataset, rows: Rows) -> dict[str, Array]:
    """The scenario's rows, with the data's digest: a resume on changed data is refused."""
    return {**rows.named, "data": np.frombuffer(bytes.fromhex(data.digest), np.uint8)}


def _as_clusters(data: Dataset, asked: Array, said: Answers, split: Split) -> Metrics:
    if Meaning.CLUSTER not in said:
        return {}
    inputs, clusters = standardised(data.inputs[asked], data.space), said[Meaning.CLUSTER]
    scores = {"neg_inertia": clustering.neg_inertia(inputs, clusters)}
    if data.classes:
        scores |= clustering.agreement(data.targets[asked], clusters)
    width = _silhouette(inputs, clusters) if split == "test" else None  # O(n**2): not at every snapshot
    return scores if width is None else {**scores, "silhouette": width}


def _silhouette(inputs: Array, clusters: Array) -> float | None:
    """Of at most MOST rows, always the same ones."""
    if len(inputs) > MOST:
        some = np.sort(np.random.default_rng(0).choice(len(inputs), MOST, replace=False))
        inputs, clusters = inputs[some], clusters[some]
    return clustering.silhouette(inputs, clusters)


def _evidence(data: Dataset, asked: Array, answers: Answers) -> dict[str, Array]:
    return {"rows": asked, "truth": data.targets[asked], **{kind.value: answer for kind, answer in answers.items()}}
