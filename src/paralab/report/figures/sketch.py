"""A figure before it is saved, and what it says to those who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sketch:
    stem: str  # of its files; unique within a block
    title: str
    figure: Figure
    words: str
    paper: bool = False  # also as PNG, to paste
