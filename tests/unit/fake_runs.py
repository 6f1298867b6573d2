"""Run folders as `paralab train` leaves them, with plausible scores: what readers are tested on."""

from __future__ import annotations

import hashlib
import json
import math
import random
from pathlib import Path

import numpy as np
import yaml

PILOT: dict[str, tuple[float, float, float]] = {  # score with few labels, with all, training seconds with all
    "supervised/logistic": (0.757, 0.967, 0.05),
    "semi_supervised/label_spreading": (0.876, 0.986, 0.12),
    "semi_supervised/self_training": (0.750, 0.966, 0.4),
    "unsupervised/kmeans": (0.712, 0.777, 0.08),
    "unsupervised/kmeans_features": (0.761, 0.979, 0.6),
    "reinforcement/linucb": (0.153, 0.946, 1.9),
}
BUDGETS: tuple[int | None, ...] = (20, 50, 100, 500, None)


def write_run(
    root: Path,
    trainer: str = "supervised/logistic",
    *,
    seed: int = 0,
    labels: int | None = None,
    score: float | None = 0.9,
    status: str = "finished",
    experiment: str = "demo",
    problem: str = "digits",
    objective: str = "accuracy",
    seconds: float = 0.1,
    feedback: float | None = None,
    error: str | None = None,
    more: dict[str, float] | None = None,
    settings: dict[str, object] | None = None,
    question: str | None = None,
) -> Path:
    """One run folder; score None: no scores.json."""
    settings = settings or {}
    config_id = hashlib.sha256(repr((problem, trainer, labels, settings)).encode()).hexdigest()[:12]
    folder = root / experiment / "runs" / problem / trainer / config_id / f"seed-{seed}"
    folder.mkdir(parents=True)
    config = {"name": experiment, "seed": seed, "labels": labels, "trainer": settings, "question": question}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    record = {
        "format": 1, "status": status, "experiment": experiment, "problem": problem, "trainer": trainer,
        "config_id": config_id, "seed": seed, "labels": labels, "select": False, "split": "holdout", "steps": 1,
        "unit": "fits", "objective": objective, "bounds": None, "error": error,
        "command": ["paralab", "train", f"experiment={experiment}"], "started": "2026-01-01T00:00:00+00:00",
        "ended": None, "files": {},
        "provenance": {"git": {"commit": "8979f89c0ffee", "dirty": False}, "python": "3.11.9"},
    }  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record))
    if score is not None:
        costs = {"cost/seconds": seconds, "cost/feedback": labels or 1257 if feedback is None else feedback}
        (folder / "scores.json").write_text(json.dumps({f"test/{objective}": score, **(more or {}), **costs}))
    return folder


def write_experiment(root: Path, seeds: int = 5, experiment: str = "demo") -> None:
    """Six methods x five budgets x seeds, near the figures of the protocol's pilot."""
    chance = random.Random(0)
    for trainer, (few, many, seconds) in PILOT.items():
        for labels in BUDGETS:
            count = labels or 1257
            rise = min(math.log(count / 20) / math.log(500 / 20), 1.2) / 1.2
            for seed in range(seeds):
                score = few + (many - few) * rise**0.6 + chance.gauss(0, 0.03 * (1.25 - rise))
                settings: dict[str, object] = {"clusters": 10} if trainer == "unsupervised/kmeans" else {}
                time = seconds * (0.1 + count / 1257) * chance.uniform(0.9, 1.1)
                folder = write_run(
                    root, trainer, seed=seed, labels=labels, score=score, seconds=time, settings=settings,
                    experiment=experiment, question="How much of the answer must be shown?",
                )  # fmt: skip
                truth = np.arange(540) % 10
                answers = {"cluster": truth} if trainer == "unsupervised/kmeans" else {"label": truth}
                np.savez(folder / "predictions.npz", truth=truth, **answers)
