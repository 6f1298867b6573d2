"""One colour a paradigm, everywhere: Okabe and Ito's palette (2008), told apart by the colour-blind too."""

from __future__ import annotations

PARADIGM = {
    "supervised": "#0072b2",
    "semi_supervised": "#d55e00",
    "unsupervised": "#009e73",
    "reinforcement": "#c06a9a",  # their #cc79a7, darkened for thin lines on white
}
OTHER = "#6b7280"
INK = "#1c2127"  # figures are drawn in these three, which a page swaps for its own
MUTED = "#7a828c"
GRID = "#e3e6ea"


def colour(paradigm: str) -> str:
    return PARADIGM.get(paradigm, OTHER)


def label(paradigm: str) -> str:
    """ "semi_supervised" -> "semi-supervised"."""
    return paradigm.replace("_", "-")
