"""Read-outs: how any output becomes an answer of the problem's kind, using only the labels that the scenario grants.

One table: the kind of answer and what the model says, to how it is read. A class is read as LABEL, mostly with
PROBABILITY; a value as VALUE; a ranking as ANOMALY, greater is stranger. Probes are L2-regularised linear models in
terms of C, the inverse strength: logistic regression, or ridge regression of penalty 1 / C.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from paralab.core import Answers, Array, Meaning, Model
from paralab.errors import Failed, Refused

Kind = Literal["class", "value", "ranking"]
Fit = Callable[["Known", Array], Answers]

MOST_STEPS = 10_000  # of the logistic probe; digits take about 100, raw measurements of 30 to 4,000 about 6,000


@dataclass(frozen=True)
class Granted:
    """The labelled rows, and how strong a probe on them may be."""

    inputs: Array  # (l, d)
    targets: Array  # (l,)
    classes: int  # 0 for values
    probe: float  # C, the inverse regularisation


@dataclass(frozen=True)
class Known:
    """What a fitted read-out sees of the granted rows: the model's answers to them instead of their inputs."""

    answers: Array  # (l,) or (l, d)
    targets: Array  # (l,)
    classes: int
    probe: float


@dataclass(frozen=True)
class Reading:
    """The model's own answers, how they were read, and how many labels that took."""

    said: Answers
    read: Answers
    labels: int


def read(kind: Kind, model: Model, inputs: Array, granted: Granted) -> Reading:
    """Answer `inputs` (n, d) once and read the answer proper; raises Refused where the table has no such read-out."""
    meaning = next(iter(model.signature.outputs))
    said = model.predict(inputs)
    if plain := AS_IT_IS.get((kind, meaning)):
        return Reading(said, plain(said), 0)
    if fit := BY_LABELS.get((kind, meaning)):
        if not len(granted.targets):
            raise Refused(f"reading a {meaning} as a {kind} takes labels, and split=all grants none: set split=holdout")
        answers = model.predict(granted.inputs)[meaning]
        known = Known(answers, granted.targets, granted.classes, granted.probe)
        return Reading(said, fit(known, said[meaning]), len(granted.targets))
    raise Refused(f"an answer that is a {meaning} cannot be judged as a {kind}: pick a trainer that answers otherwise")


def label(said: Answers) -> Answers:
    return {meaning: said[meaning] for meaning in (Meaning.LABEL, Meaning.PROBABILITY) if meaning in said}


def likeliest(said: Answers) -> Answers:
    return {Meaning.LABEL: said[Meaning.PROBABILITY].argmax(axis=1), Meaning.PROBABILITY: said[Meaning.PROBABILITY]}


def action(said: Answers) -> Answers:
    return {Meaning.LABEL: said[Meaning.ACTION]}


def value(said: Answers) -> Answers:
    return {Meaning.VALUE: said[Meaning.VALUE]}


def strangeness(said: Answers) -> Answers:
    """By how strange it is said to be, else by the probability of the anomaly (class 1), else by the label."""
    if Meaning.ANOMALY in said:
        return {Meaning.ANOMALY: said[Meaning.ANOMALY]}
    if Meaning.PROBABILITY in said:
        return {Meaning.ANOMALY: said[Meaning.PROBABILITY][:, 1]}
    return {Meaning.ANOMALY: said[Meaning.LABEL].astype(np.float64)}


def vote(known: Known, clusters: Array) -> Answers:
    """The majority of a cluster's labels; their shares as probabilities.

    A tie goes to the class of the lowest index; a cluster without a label takes the vote of all labels.
    """
    overall = np.bincount(known.targets, minlength=known.classes)
    ballots = {
        name: np.bincount(known.targets[known.answers == name], minlength=known.classes)
        for name in np.unique(known.answers)
    }
    counts = np.array([ballots.get(name, overall) for name in clusters]).reshape(len(clusters), known.classes)
    return {Meaning.LABEL: counts.argmax(axis=1), Meaning.PROBABILITY: counts / counts.sum(axis=1, keepdims=True)}


def logistic_probe(known: Known, embedded: Array) -> Answers:
    """Logistic regression on the embeddings as they are; classes without a label have probability 0."""
    probabilities = np.zeros((len(embedded), known.classes))
    seen = np.unique(known.targets)
    if len(seen) > 1:
        fitted = LogisticRegression(C=known.probe, max_iter=MOST_STEPS)
        with warnings.catch_warnings():  # embeddings of 1e6 and more: the last step is as good a probe as any
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(_table(known.answers), known.targets)
        probabilities[:, fitted.classes_] = fitted.predict_proba(_table(embedded))
    else:
        probabilities[:, seen] = 1.0
    return {Meaning.LABEL: probabilities.argmax(axis=1), Meaning.PROBABILITY: probabilities}


def mean(known: Known, clusters: Array) -> Answers:
    """The mean of a cluster's values; of all of them where it has none."""
    means = {name: known.targets[known.answers == name].mean() for name in np.unique(known.answers)}
    overall = known.targets.mean()
    return {Meaning.VALUE: np.array([means.get(name, overall) for name in clusters], np.float64)}


def ridge_probe(known: Known, embedded: Array) -> Answers:
    fitted = Ridge(alpha=1 / known.probe).fit(_table(known.answers), known.targets)
    return {Meaning.VALUE: fitted.predict(_table(embedded))}


def _table(answers: Array) -> Array:
    """Answers as (n, d): a ranking is an embedding of one dimension; raises Failed where one is not finite."""
    if not np.all(np.isfinite(answers)):
        raise Failed("the model's embedding is not finite, no probe can be fitted on it: its training diverged")
    return answers.reshape(len(answers), -1)


def _ranked(fit: Fit) -> Fit:
    return lambda known, answers: strangeness({Meaning.PROBABILITY: fit(known, answers)[Meaning.PROBABILITY]})


AS_IT_IS: Mapping[tuple[Kind, Meaning], Callable[[Answers], Answers]] = {
    ("class", Meaning.LABEL): label,
    ("class", Meaning.PROBABILITY): likeliest,
    ("class", Meaning.ACTION): action,
    ("value", Meaning.VALUE): value,
    ("ranking", Meaning.ANOMALY): strangeness,
    ("ranking", Meaning.LABEL): strangeness,
    ("ranking", Meaning.PROBABILITY): strangeness,
}
BY_LABELS: Mapping[tuple[Kind, Meaning], Fit] = {
    ("class", Meaning.CLUSTER): vote,
    ("class", Meaning.EMBEDDING): logistic_probe,
    ("class", Meaning.ANOMALY): logistic_probe,
    ("value", Meaning.CLUSTER): mean,
    ("value", Meaning.EMBEDDING): ridge_probe,
    ("value", Meaning.ANOMALY): ridge_probe,
    ("ranking", Meaning.CLUSTER): _ranked(vote),
    ("ranking", Meaning.EMBEDDING): _ranked(logistic_probe),
}
