"""Runs drawn as TensorBoard files, long after they ended: what `monitor=tensorboard` would have left."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from paralab.errors import Refused
from paralab.mirror.content import content, identity
from paralab.mirror.frame import settings
from paralab.record import files, monitor
from paralab.record.read import Run

NAME = "events.out.tfevents.0.paralab"  # one a run: drawn again, it takes its own place


def write(found: Sequence[Run], into: Path) -> int:
    """One folder a run below `into`, as runs lie below their root; how many were drawn. Raises Refused.

    Curves are history.jsonl's by step and training clock; a finished run has its scores and settings, too. Runs without
    a record are left out. The same run gives the same bytes.
    """
    monitor.check("tensorboard")
    drawn = [run for run in found if run.status != "damaged" and (run.folder / "record.json").is_file()]
    try:
        for run in drawn:
            place = into / identity(run)
            place.mkdir(parents=True, exist_ok=True)
            files.write(place / NAME, _draw(run))
    except OSError as error:
        raise Refused(f"-o {into} cannot be written: {error.strerror}") from error
    return len(drawn)


def _draw(run: Run) -> bytes:
    """The event file; its clock stands still at the run's end, as counted by the training clock."""
    said, held = content(run), BytesIO()
    seconds = max((at for _, at in said.points.values()), default=0.0)
    curves = monitor.TensorBoard(held, clock=lambda: said.began + seconds)
    curves.begin(run.folder / "history.jsonl")
    if run.status == "finished":
        curves.end(said.step, run.scores, settings(said.settings))
    return held.getvalue()
