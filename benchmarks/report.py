"""What a report of many runs costs: 1,000 and 10,000 synthetic runs, in fresh processes.

benchmarks/report.py [--quick]: ten trainers at five label budgets, twenty seeds a cell; 10,000 runs are ten settings of
each. Every run has a record with its packages, a config, scores, a history and a log. With --quick 1,000 runs alone.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import ENVIRONMENT, HERE, PARALAB, Row, close

PARADIGMS = ("supervised", "semi_supervised", "unsupervised", "reinforcement")
BUDGETS = (20, 50, 100, 500, None)
TRAINERS, SEEDS = 10, 20
PACKAGES = {f"package-{n}": f"{n}.0.1" for n in range(150)} | {"paralab": "0.1.0", "numpy": "2.3.0"}

HISTORY = "".join(
    json.dumps({"step": step, "seconds": step / 50, "train/loss": 3 / step}) + "\n" for step in range(1, 101)
)


def main() -> int:
    sizes = [1_000] if "--quick" in sys.argv[1:] else [1_000, 10_000]
    with tempfile.TemporaryDirectory() as place:
        rows, costs = [], {}
        for runs in sizes:
            root = Path(place, str(runs))
            _write(root, settings=runs // (TRAINERS * len(BUDGETS) * SEEDS))
            seconds, memory = _report(root)
            page = (root / "many/report/index.html").stat().st_size / 1e6
            costs[runs] = seconds
            last = runs == sizes[-1]
            rows += [
                Row(f"{runs:,} runs, seconds", seconds, 30.0, seconds / 30, 1.0 if last else None),
                Row(f"{runs:,} runs, page in MB", page, 5.0, page / 5, 1.0),
                Row(f"{runs:,} runs, memory in MB", memory, 1000.0, memory / 1000, 1.0),
            ]
        if len(sizes) > 1:
            ten, one = costs[10_000], costs[1_000]
            rows.append(Row("10,000 against ten times 1,000", ten, 10 * one, ten / one / 10, 1.0))
    return close("report", rows, {"trainers": TRAINERS, "budgets": len(BUDGETS), "seeds": SEEDS})


def _report(root: Path) -> tuple[float, float]:
    """(wall seconds, peak MB) of the whole command."""
    start = time.perf_counter()
    process = subprocess.Popen([PARALAB, "report", "many", "--root", root], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                               cwd=HERE.parent)  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"paralab report ended with {status}"
    return time.perf_counter() - start, used.ru_maxrss / 1024


def _write(root: Path, settings: int) -> None:
    """A folder a run, as `paralab train` leaves it, without models and predictions."""
    chance = random.Random(0)
    for place in range(TRAINERS):
        trainer = f"{PARADIGMS[place % len(PARADIGMS)]}/method_{place}"
        for setting in range(settings):
            for labels in BUDGETS:
                level = 0.6 + 0.03 * place + 0.01 * setting + (labels or 1257) / 10_000
                config = {"name": "many", "labels": labels, "trainer": {"C": setting}, "question": "How many are many?"}
                for seed in range(SEEDS):
                    score = level + chance.gauss(0, 0.02)
                    _run(root, trainer, f"{place:04d}{setting:04d}{labels or 0:04d}", config | {"seed": seed}, score)


def _run(root: Path, trainer: str, config_id: str, config: dict[str, object], score: float) -> None:
    folder = root / "many/runs/digits" / trainer / config_id / f"seed-{config['seed']}"
    folder.mkdir(parents=True)
    record = {
        "format": 1, "status": "finished", "experiment": "many", "problem": "digits", "trainer": trainer,
        "config_id": config_id, "seed": config["seed"], "labels": config["labels"], "split": "holdout", "steps": 100,
        "unit": "epochs", "objective": "accuracy", "bounds": None, "error": None, "command": ["paralab", "train", "-m"],
        "started": "2026-01-01T00:00:00+00:00", "ended": None, "files": {},
        "provenance": {"git": {"commit": "8979f89c0ffee", "dirty": False}, "python": "3.11.9", "packages": PACKAGES},
    }  # fmt: skip
    scores = {"test/accuracy": score, "test/macro_f1": score - 0.01, "cost/seconds": 2.0, "cost/feedback": 100}
    (folder / "config.yaml").write_text(json.dumps(config))  # which is YAML too
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "history.jsonl").write_text(HISTORY)
    (folder / "run.log").write_text("started\nfinished\n")
    (folder / "scores.json").write_text(json.dumps(scores))


if __name__ == "__main__":
    sys.exit(main())
