"""One side of doors.py, in a process of its own. benchmarks/doors_side.py ours|theirs TABLE NEW-ROWS

Prints {"prepare": seconds, "rss": GB, "predict": seconds, "width": columns after encoding, "right": share}. Reading and
preparing is timed from the path to the float64 matrix that an estimator takes, imports done before; the peak is that of
the whole process up to then. Predictions are of rows in memory, labels and probabilities, the median of five, by a
logistic regression fitted on the first 20,000 rows.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

DATES = ["d0", "d1"]
FIRST, REPEATS, STEPS = 20_000, 5, 200


def ours(table: Path, new: Path) -> dict[str, float]:
    import numpy as np

    from paralab.core import Labelled, Meaning, Signature
    from paralab.problems.views import task
    from paralab.readers.table import load, rows_for
    from paralab.trainers.preparation import prepare
    from paralab.trainers.supervised.logistic import Logistic

    start = perf_counter()
    data = load(table, "y", task=None, columns={}, group=None, time=None, test_path=None)
    ready = prepare("standard", data.space, data.inputs).rows
    seconds, rss = perf_counter() - start, peak()
    width = ready.shape[1]
    signature: Signature = task(data)
    shown = Labelled(data.inputs[:FIRST], data.targets[:FIRST], signature)
    model = next(Logistic("standard", 1.0, STEPS, None).train(shown, 0)).model
    rows, _ = rows_for(new, data.space)
    labels: Any = None

    def predict() -> None:
        nonlocal labels
        labels = model.predict(rows)[Meaning.LABEL]

    predicting = timed(predict)
    truth = load(new, "y", task=None, columns={}, group=None, time=None, test_path=None)
    assert truth.classes == data.classes
    right = float(np.mean(labels == truth.targets))
    return {"prepare": seconds, "rss": rss, "predict": predicting, "width": width, "right": right}


def theirs(table: Path, new: Path) -> dict[str, float]:
    import numpy as np
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    def days(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.apply(lambda column: (column - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1))

    def preparation(frame: pd.DataFrame) -> ColumnTransformer:
        numbers = [name for name in frame if name.startswith("n")]
        categories = [name for name in frame if name.startswith("c")]
        return ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                (
                    "dates",
                    make_pipeline(FunctionTransformer(days), SimpleImputer(strategy="median"), StandardScaler()),
                    DATES,
                ),
                ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
            ]
        )

    start = perf_counter()
    whole = pd.read_csv(table, parse_dates=DATES)
    frame, targets = whole.drop(columns="y"), whole["y"]
    ready = preparation(frame).fit_transform(frame)
    seconds, rss = perf_counter() - start, peak()
    width = ready.shape[1]
    del ready, whole
    pipeline = Pipeline([("prepare", preparation(frame)), ("fit", LogisticRegression(C=1.0, max_iter=STEPS))])
    pipeline.fit(frame[:FIRST], targets[:FIRST])
    rows = pd.read_csv(new, parse_dates=DATES)
    inputs = rows.drop(columns="y")
    labels: Any = None

    def predict() -> None:
        nonlocal labels
        labels = pipeline.classes_[pipeline.predict_proba(inputs).argmax(axis=1)]

    predicting = timed(predict)
    right = float(np.mean(labels == rows["y"].to_numpy()))
    return {"prepare": seconds, "rss": rss, "predict": predicting, "width": width, "right": right}


def peak() -> float:
    """Of this process, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def timed(work: Callable[[], None]) -> float:
    """Seconds, the median of a few."""
    taken = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return median(taken)


if __name__ == "__main__":
    print(json.dumps({"ours": ours, "theirs": theirs}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))))
