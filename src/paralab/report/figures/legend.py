"""Names under a figure, and what it is made of above it: measured, so that nothing lies over anything."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from paralab.page.colours import MUTED, colour, label
from paralab.report.figures.looks import Styled

LONGEST = 44  # letters of a name
HANDLE, GAP, LINE = 0.5, 0.35, 0.185  # inches: line and marker before a name, between columns, of a row
SMALL = 8  # points


def short(name: str, longest: int = LONGEST) -> str:
    """A name that finds room: its middle left out where it is long."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


@cache
def inches(text: str, points: float = 9.5, bold: bool = False) -> float:
    """How wide a text will be."""
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text.replace("$", "S"), size=points, prop=font).get_extents().x1) / 72


def apart(values: Sequence[float], wide: float, log: bool) -> list[float]:
    """Those of the rising values whose labels, on an axis so many inches wide, do not touch; the greatest first."""
    places = [(math.log10(value) + 1 if value >= 1 or min(values) > 0 else value) if log else value for value in values]
    span = (places[-1] - places[0]) or 1.0
    kept: list[float] = []
    edge = math.inf
    for value, place in sorted(zip(values, places, strict=True), reverse=True):
        half, at = inches(f"{value:g}") / 2, (place - places[0]) / span * wide
        if at + half + 0.08 < edge:
            kept.append(value)
            edge = at - half
    return kept[::-1]


def legend(figure: Figure, styled: Sequence[Styled], below: float = 0.62, marked: bool = True) -> None:
    """A column a paradigm, `below` inches under the axes, its title in its colour; wrapped where columns are many."""
    groups: dict[str, list[Styled]] = {}
    for method, look in styled:
        groups.setdefault(method.paradigm, []).append((method, look))
    width, height = (float(size) for size in figure.get_size_inches())
    left = start = min(axes.get_position().x0 for axes in figure.axes) * width
    top, deepest = min(axes.get_position().y0 for axes in figure.axes) * height - below, 0
    for paradigm, members in groups.items():
        names = [short(method.name) for method, _ in members]
        wide = max(inches(label(paradigm), bold=True), HANDLE + max(map(inches, names)))
        if left > start and left + wide > width:
            left, top, deepest = start, top - LINE * (deepest + 1.6), 0
        handles = [
            Line2D([], [], color=c, marker=m if marked else "none", ls=line, lw=1.5, ms=5, mec="none")
            for _, (m, line, c) in members
        ]
        made = figure.legend(
            handles, names, title=label(paradigm), loc="upper left", bbox_to_anchor=(left / width, top / height),
            frameon=False, alignment="left", handlelength=3, borderpad=0, borderaxespad=0, labelspacing=0.35,
        )  # fmt: skip
        made.get_title().set(color=colour(paradigm), fontweight="bold")
        for text in made.get_texts():
            text.set_parse_math(False)  # a name is no formula
        left, deepest = left + wide + GAP, max(deepest, len(members))


def note(figure: Figure, said: Sequence[str], above: float = 0.28) -> None:
    """What lines and bands are, in small letters `above` inches over the axes, as many lines as it takes."""
    width, height = (float(size) for size in figure.get_size_inches())
    left = min(axes.get_position().x0 for axes in figure.axes)
    right = max(axes.get_position().x1 for axes in figure.axes)
    fits = int((right - left) * width * 72 / (SMALL * 0.53))
    bound = [part.replace(" ", "\u00a0") for part in said]  # broken between parts, never within
    lines = textwrap.wrap("  ·  ".join(bound), fits, break_long_words=False, drop_whitespace=True)
    spoken = "\n".join(line.strip(" ·").replace("\u00a0", " ") for line in lines)
    top = max(axes.get_position().y1 for axes in figure.axes) + above / height
    figure.text(left, top, spoken, fontsize=SMALL, color=MUTED, va="bottom", linespacing=1.35, parse_math=False)
