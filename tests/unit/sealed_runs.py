"""Fake runs with all that a run leaves: model, history, predictions, checkpoints, and a record of their digests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paralab.record import files
from paralab.record.folder import SCORES
from paralab.record.writer import UNHASHED
from tests.unit.fake_runs import write_run


def write_sealed(
    root: Path,
    trainer: str = "supervised/mlp",
    *,
    seed: int = 0,
    status: str = "finished",
    score: float = 0.9,
    seconds: float = 0.1,
    answers: bytes = b"answers",
    checkpoint: bool = True,
    **more: Any,
) -> Path:
    """A run's folder as `paralab train` leaves it: `status` "running" is one that was killed."""
    finished = status == "finished"
    place = write_run(
        root, trainer, seed=seed, status=status, score=score if finished else None, seconds=seconds, **more
    )
    (place / "history.jsonl").write_text('{"step": 1}\n')
    (place / "run.log").write_text("said\n")
    if finished:
        (place / "predictions.npz").write_bytes(answers)
        (place / "model").mkdir()
        (place / "model" / "weights").write_bytes(b"w" * 5000)
    if checkpoint:
        for step in (1, 2):
            write_checkpoint(place / "checkpoint", step)
    seal(place)
    return place


def write_checkpoint(folder: Path, step: int) -> Path:
    place = folder / f"step-{step:012d}"
    (place / "last").mkdir(parents=True)
    (place / "state.npz").write_bytes(b"s" * 9000)
    (place / "last" / "weights").write_bytes(b"w" * step)
    files.write_json(place / "manifest.json", {"step": step, "files": files.digests(place)})
    return place


def seal(place: Path) -> None:
    """Have the record vouch for the files that are there, as at a run's end; not of one that was killed."""
    record = json.loads((place / "record.json").read_text())
    record.pop("files", None)
    if record["status"] != "running":
        record["files"] = files.digests(place, leave_out=UNHASHED)
        if (place / SCORES).is_file():
            record["files"][SCORES] = files.digest(place / SCORES)
    files.write_json(place / "record.json", record)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; a link with where it points to."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        path.relative_to(folder).as_posix(): str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for path in found
    }


def runs_in(root: Path) -> dict[str, dict[str, bytes]]:
    """Every run that readers see, by its path below `root`, with its files."""
    return {
        place.relative_to(root).as_posix(): tree(place)
        for place in sorted(root.glob("*/runs/[!.]*/*/*/*/seed-*"))
        if not place.name.startswith(".")
    }
