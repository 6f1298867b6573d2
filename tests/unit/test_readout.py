"""Read-outs by hand-made models: what is read from which output, and how many labels it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from paralab.core import Answers, Array, Meaning, Model, Signature
from paralab.errors import Failed, Refused
from paralab.problems.readout import Granted, Kind, read

LINE = Box(-np.inf, np.inf, (), np.float64)
SPACES = {Meaning.LABEL: Discrete(3), Meaning.ACTION: Discrete(3), Meaning.CLUSTER: Discrete(9)}


class Said(Model):
    """Answers each input, (n, 1), by functions of its only column."""

    def __init__(self, says: Mapping[Meaning, Callable[[Array], Array]]) -> None:
        self.says = says
        self.signature = Signature(Box(-9, 9, (1,), np.float64), {each: SPACES.get(each, LINE) for each in says})

    def predict(self, inputs: Array, state: Array | None = None) -> Answers:
        return {meaning: says(inputs[:, 0]) for meaning, says in self.says.items()}

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def granted(inputs: list[float], targets: list[float], classes: int) -> Granted:
    kind = np.int64 if classes else np.float64
    return Granted(np.array(inputs, float).reshape(-1, 1), np.array(targets, kind), classes, probe=10.0)


def asked(*inputs: float) -> Array:
    return np.array(inputs).reshape(-1, 1)


NONE = granted([], [], 3)
whole = lambda column: column.astype(np.int64)  # noqa: E731


@pytest.mark.parametrize("meaning", [Meaning.LABEL, Meaning.ACTION])
def test_labels_and_actions_are_read_as_they_are_without_a_label(meaning: Meaning) -> None:
    reading = read("class", Said({meaning: whole}), asked(2, 0, 1), NONE)
    assert list(reading.read[Meaning.LABEL]) == [2, 0, 1]
    assert Meaning.PROBABILITY not in reading.read
    assert reading.labels == 0


def test_probabilities_come_along_with_labels() -> None:
    shares = lambda column: np.eye(3)[column.astype(int)]  # noqa: E731
    reading = read("class", Said({Meaning.LABEL: whole, Meaning.PROBABILITY: shares}), asked(2, 0), NONE)
    assert reading.read[Meaning.PROBABILITY].shape == (2, 3)
    assert list(read("class", Said({Meaning.PROBABILITY: shares}), asked(2, 0), NONE).read[Meaning.LABEL]) == [2, 0]


def test_clusters_are_named_by_the_majority_of_the_granted_labels() -> None:
    known = granted([0, 0, 0, 1, 1, 2], [2, 2, 0, 1, 0, 0], 3)
    reading = read("class", Said({Meaning.CLUSTER: whole}), asked(0, 1, 2, 5), known)
    # Cluster 1 is a tie, which the lowest class takes; cluster 5 has no label, and takes the majority of all.
    assert list(reading.read[Meaning.LABEL]) == [2, 0, 0, 0]
    np.testing.assert_allclose(reading.read[Meaning.PROBABILITY][0], [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(reading.read[Meaning.PROBABILITY][3], [3 / 6, 1 / 6, 2 / 6])
    assert reading.labels == 6
    assert list(reading.said[Meaning.CLUSTER]) == [0, 1, 2, 5]


@pytest.mark.parametrize("meaning", [Meaning.EMBEDDING, Meaning.ANOMALY])
def test_embeddings_are_read_by_a_linear_probe(meaning: Meaning) -> None:
    said: Callable[[Array], Array] = (lambda c: np.stack([c, -c], 1)) if meaning == Meaning.EMBEDDING else (lambda c: c)
    reading = read("class", Said({meaning: said}), asked(-5, 5), granted([-4, -3, 3, 4], [0, 0, 2, 2], 3))
    assert list(reading.read[Meaning.LABEL]) == [0, 2]
    assert reading.read[Meaning.PROBABILITY][:, 1].max() == 0  # class 1 has no label
    assert reading.labels == 4


def test_a_probe_on_one_class_says_that_class() -> None:
    reading = read("class", Said({Meaning.EMBEDDING: lambda c: c}), asked(-5, 5), granted([1, 2], [1, 1], 3))
    assert list(reading.read[Meaning.LABEL]) == [1, 1]


def test_a_probe_warns_of_nothing_and_fails_in_one_line() -> None:
    rng = np.random.default_rng(0)
    steep = Said({Meaning.EMBEDDING: lambda c: np.stack([c * 1e9, c**2 * 1e-9, np.sin(c) * 1e5], 1)})
    inputs = list(rng.normal(size=60))
    assert read("class", steep, asked(0.0), granted(inputs, list(rng.integers(3, size=60)), 3)).labels == 60
    with pytest.raises(Failed, match="not finite"):
        read("class", Said({Meaning.EMBEDDING: lambda c: c * np.nan}), asked(0.0), granted([0, 1], [0, 1], 3))


def test_values_are_read_by_means_of_clusters_or_a_ridge_probe() -> None:
    known = granted([0, 0, 1], [1.0, 3.0, 8.0], 0)
    assert list(read("value", Said({Meaning.CLUSTER: whole}), asked(0, 1, 4), known).read[Meaning.VALUE]) == [2, 8, 4]
    line = granted([float(x) for x in range(-9, 10)], [3.0 * x + 1 for x in range(-9, 10)], 0)
    for meaning in (Meaning.EMBEDDING, Meaning.ANOMALY):
        found = read("value", Said({meaning: lambda c: c}), asked(2.0), line).read[Meaning.VALUE]
        np.testing.assert_allclose(found, [7.0], atol=0.01)
    exact = read("value", Said({Meaning.VALUE: lambda c: c}), asked(2.0), NONE)
    assert (exact.read[Meaning.VALUE][0], exact.labels) == (2.0, 0)


def test_rankings_take_the_finest_answer() -> None:
    shares = lambda column: np.stack([1 - column, column], 1)  # noqa: E731
    known = granted([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0], 2)
    for says, expected, labels in (
        ({Meaning.ANOMALY: lambda c: -c}, [-0.0, -1.0], 0),
        ({Meaning.LABEL: whole, Meaning.PROBABILITY: shares}, [0.0, 1.0], 0),
        ({Meaning.LABEL: whole}, [0.0, 1.0], 0),
        ({Meaning.CLUSTER: whole}, [1 / 3, 1.0], 6),
    ):
        reading = read("ranking", Said(says), asked(0, 1), known)
        np.testing.assert_allclose(reading.read[Meaning.ANOMALY], expected)
        assert reading.labels == labels


@pytest.mark.parametrize(
    ("kind", "meaning"), [("value", Meaning.LABEL), ("class", Meaning.VALUE), ("ranking", Meaning.ACTION)]
)
def test_what_cannot_be_read_is_refused(kind: Kind, meaning: Meaning) -> None:
    with pytest.raises(Refused, match=f"a {meaning} cannot be judged as a {kind}"):
        read(kind, Said({meaning: whole}), asked(0), NONE)


def test_a_fitted_readout_without_a_label_is_refused() -> None:
    with pytest.raises(Refused, match="split=all"):
        read("class", Said({Meaning.CLUSTER: whole}), asked(0), NONE)
