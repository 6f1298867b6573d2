"""The same command in a second process gives the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from paralab.catalog import folders, names
from tests.known import NEEDS, brief

SCRIPT = """
import hashlib, json, sys
import paralab
from paralab.errors import Refused
found = {}
EPISODES = "problem.episodes=5"
TRIED = (["iris"], ["diabetes"], ["cartpole", EPISODES], ["frozen_lake"], ["pendulum", EPISODES])
for trainer, own in json.loads(sys.argv[1]).items():
    for problem, *overrides in TRIED:
        overrides += own
        if trainer.startswith("reinforcement/") and problem != "iris":
            overrides.append("budget.steps=512")
        try:
            result = paralab.train(problem, trainer, seed=3, root=sys.argv[2], overrides=overrides)
            break
        except Refused:
            continue
    folder = result.folder
    found[trainer] = {
        "predictions": hashlib.sha256((folder / "predictions.npz").read_bytes()).hexdigest(),
        "scenario": hashlib.sha256((folder / "scenario.npz").read_bytes()).hexdigest(),
        "scores": {name: value for name, value in result.scores.items() if not name.startswith("cost/")},
        "id": folder.parent.name,
    }
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_processes_agree(tmp_path: Path) -> None:
    trainers = {name: [*NEEDS.get(name, []), *brief(name)] for name in names("trainer", folders()[:1])}
    one, other = (_in_a_process(trainers, tmp_path / str(place)) for place in range(2))
    assert set(one) == set(trainers)
    assert one == other


def _in_a_process(trainers: dict[str, list[str]], root: Path) -> dict[str, object]:
    command = [sys.executable, "-c", SCRIPT, json.dumps(trainers), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
