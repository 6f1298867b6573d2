"""A folder of images, a folder a class, as a classification."""

from __future__ import annotations

from pathlib import Path

from paralab.core import Problem
from paralab.datasets.splits import Scenario
from paralab.problems.classification import Classification
from paralab.problems.telling import tell
from paralab.readers.images import load


def images(path: str, size: int, colour: bool, objective: str, probe: float, scenario: Scenario) -> Problem:
    """Rows of size * size pixels, times 3 in colour; raises Refused as `readers.images.load`."""
    data = load(Path(path).expanduser(), size, colour)
    rows, width = data.inputs.shape
    tell(data, [f"{Path(path).name}: {rows:,} images of {len(data.classes)} classes, as rows of {width:,} numbers"])
    return Classification(data, objective, probe, None, scenario)
