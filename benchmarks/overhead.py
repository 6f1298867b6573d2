"""What the lab costs: `paralab train` against the bare library call (bare.py) on the same work, on one thread.

Both sides are fresh processes of this environment; the work is sized to about ten seconds of bare training.

- ppo: CartPole, the RL Zoo's settings. Bare: Stable-Baselines3's `learn` and `evaluate_policy`, 100 episodes at once.
- boosting: MNIST-5k, one stretch of 16 rounds of 10 trees. Bare: scikit-learn's `fit` and `score`. (A stream of shorter
  stretches costs more, see the trainer's YAML; a forest is dear to keep: 300 trees take 1 s to save and reload, 4.5 to
  fit, which is the price of a model on disk without pickle.)
- mlp: digits. Bare: nn.Sequential, torch.optim.AdamW and a schedule, the same batches; then the argmax.

Both have the same rows, settings and numbers of steps, batches, trees and episodes (settings, row ids and the trainer's
seed are read off our run). *Training* is our `cost/seconds` against the perf_counter around their call. *Whole* is the
process: ours also composes, records provenance, writes a history, saves, reloads and scores the model; theirs prints
one score. The musts are on wall seconds: run it on a quiet machine. CPU seconds are shown beside them, and "share" in
the JSON tells how much of a core each side had: far below 1, and the walls mean little.

benchmarks/overhead.py [--quick]
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from side_by_side import HERE, PARALAB, Done, Row, close, row, run

TRAINING, WHOLE = 1.03, 1.15
ROUNDS, QUICK = 5, 1
BOOSTING = ["trainer.stride=16", "budget.steps=16"]
WORKS = {  # problem, trainer, score, what makes it ten seconds (of one core at 2.5 GHz whose sibling is busy too)
    "ppo": ("cartpole", "reinforcement/ppo", "test/return", ["budget.steps=30720"]),
    "boosting": ("mnist_5k", "supervised/hist_gradient_boosting", "test/accuracy", BOOSTING),
    "mlp": ("digits", "supervised/mlp", "test/accuracy", ["budget.steps=300"]),
}


@dataclass(frozen=True)
class Side:
    whole: Done
    training: float  # seconds
    score: float


def ours(work: str, root: Path) -> Side:
    problem, trainer, score, overrides = WORKS[work]
    done = run(
        [
            PARALAB,
            "train",
            f"problem={problem}",
            f"trainer={trainer}",
            f"root={root}",
            "force=true",
            "--json",
            *overrides,
        ]
    )
    scores = json.loads(done.said)["scores"]
    return Side(done, scores["cost/seconds"], scores[score])


def theirs(work: str, settings: str) -> Side:
    done = run([sys.executable, str(HERE / "bare.py"), work, settings])
    said = json.loads(done.said)
    return Side(done, said["seconds"], said["score"])


def settings_of(root: Path) -> str:
    """What the bare side is told: read off our run, so that the two cannot drift apart."""
    folder = next(root.rglob("scores.json")).parent
    config: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    record = json.loads((folder / "record.json").read_text())
    facts = {"steps": record["steps"], "seed": record["seeds"]["trainer"], "rows": str(folder / "scenario.npz")}
    return json.dumps({**config["trainer"], **facts})


def measure(work: str, rounds: int) -> tuple[list[Row], dict[str, object]]:
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=results) as folder:  # on the disk where experiments would lie, not in memory
        first, again = Path(folder, "first"), Path(folder, "again")
        ours(work, first)  # warms the caches of files, and tells the settings
        settings = settings_of(first)
        taken: list[tuple[Side, Side]] = []
        for turn in range(rounds):
            if turn % 2:
                other = theirs(work, settings)
                taken.append((ours(work, again), other))
            else:
                one = ours(work, again)
                taken.append((one, theirs(work, settings)))
    rows = [
        row(f"{work}, training", [(one.training, other.training) for one, other in taken], TRAINING),
        row(f"{work}, whole command", [(one.whole.wall, other.whole.wall) for one, other in taken], WHOLE),
        row(f"{work}, whole command, CPU", [(one.whole.cpu, other.whole.cpu) for one, other in taken]),
    ]
    scores = {name: median(side.score for side in sides) for name, sides in _sides(taken)}
    share = {name: median(side.whole.cpu / side.whole.wall for side in sides) for name, sides in _sides(taken)}
    return rows, {"scores": scores, "share": share}


def _sides(taken: list[tuple[Side, Side]]) -> list[tuple[str, list[Side]]]:
    return [("ours", [one for one, _ in taken]), ("theirs", [other for _, other in taken])]


def main() -> int:
    rounds = QUICK if "--quick" in sys.argv[1:] else ROUNDS
    rows: list[Row] = []
    facts: dict[str, object] = {}
    for work in WORKS:
        some, facts[work] = measure(work, rounds)
        rows += some
    return close("overhead", rows, {"rounds": rounds, "works": facts})


if __name__ == "__main__":
    sys.exit(main())
