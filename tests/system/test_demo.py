"""The main job: the experiment `make demo` runs lands where the pilot did, and started again only shows its results."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import fmean

import pytest

# Test accuracy on digits, mean and standard deviation of a single seed, 30 seeds, by label budget.
PILOT = {
    ("supervised/logistic", 20): (0.757, 0.034),
    ("supervised/logistic", 50): (0.854, 0.023),
    ("supervised/logistic", 100): (0.895, 0.019),
    ("supervised/logistic", 500): (0.949, 0.008),
    ("supervised/logistic", None): (0.967, 0.005),
    ("semi_supervised/label_spreading", 20): (0.876, 0.036),
    ("semi_supervised/label_spreading", 50): (0.935, 0.022),
    ("semi_supervised/label_spreading", 100): (0.954, 0.016),
    ("semi_supervised/label_spreading", 500): (0.978, 0.005),
    ("semi_supervised/self_training", 20): (0.757, 0.034),
    ("semi_supervised/self_training", 50): (0.840, 0.034),
    ("semi_supervised/self_training", 100): (0.884, 0.018),
    ("semi_supervised/self_training", 500): (0.949, 0.006),
    ("unsupervised/kmeans_features", 20): (0.761, 0.051),
    ("unsupervised/kmeans_features", 50): (0.867, 0.035),
    ("unsupervised/kmeans_features", 100): (0.915, 0.019),
    ("unsupervised/kmeans_features", 500): (0.967, 0.007),
    ("unsupervised/kmeans", 20): (0.712, 0.052),
    ("unsupervised/kmeans", 50): (0.773, 0.021),
    ("unsupervised/kmeans", 100): (0.777, 0.025),
    ("unsupervised/kmeans", 500): (0.784, 0.021),
    ("reinforcement/linucb", 20): (0.153, 0.051),
    ("reinforcement/linucb", 50): (0.284, 0.080),
    ("reinforcement/linucb", 100): (0.496, 0.083),
    ("reinforcement/linucb", 500): (0.915, 0.012),
}


def paralab(*words: str) -> str:
    command = [sys.executable, "-m", "paralab", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    assert "150 of 150 runs finished, 0 failed" in paralab("train", "experiment=label_efficiency", "--quiet")
    found = json.loads(paralab("runs", "label_efficiency", "--json"))
    assert len(found) == 150

    def cell(run: dict[str, object]) -> tuple[object, object]:
        return run["trainer"], run["labels"]

    scores = {
        key: [run["scores"]["test/accuracy"] for run in runs]
        for key, runs in groupby(sorted(found, key=lambda run: str(cell(run))), key=cell)
    }
    assert len(scores) == 30
    for key, (mean, sd) in PILOT.items():
        assert len(scores[key]) == 5
        assert abs(fmean(scores[key]) - mean) <= 0.02 + 3 * sd / sqrt(5), key

    again = paralab("train", "experiment=label_efficiency", "--quiet")
    assert "150 of 150 runs finished (150 of them already there), 0 failed" in again

    said = paralab("report", "label_efficiency")
    assert max(map(len, said.splitlines())) <= 80
    assert "next" in said
    report = Path("experiments/label_efficiency/report")
    for name in ("label_efficiency.svg", "label_efficiency.png", "index.html", "table.md", "table.csv", "table.json"):
        assert (report / name).stat().st_size > 0
        if name.endswith((".png", ".html")):
            assert name in said

    more = paralab("train", "experiment=label_efficiency", "seed=0", "labels=20", "--quiet")
    assert "6 of 6 runs finished (6 of them already there)" in more  # a value on the command line replaces its axis
