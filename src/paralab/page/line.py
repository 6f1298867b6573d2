"""A curve as a small SVG, made of text alone: a hundredth of what a plotting library takes, for hundreds of pages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from paralab.page.numbers import decimals, fixed

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 30
POINTS = 400  # of the line


def line(x: Sequence[float], y: Sequence[float], across: str, up: str, colour: str) -> Markup:
    """y over x, both finite and of one length of two or more; its ends are said in words too."""
    step = max(math.ceil(len(x) / POINTS), 1)
    kept = [*zip(x[::step], y[::step], strict=True), (x[-1], y[-1])]
    low, high, first, last = min(y), max(y), x[0], x[-1]
    points = " ".join(
        f"{_place(at, first, last, LEFT, WIDTH - RIGHT):.1f},{_place(value, low, high, HEIGHT - BOTTOM, TOP):.1f}"
        for at, value in kept
    )
    words = f"{up} from {_said(y[0])} to {_said(y[-1])}, between {_said(low)} and {_said(high)}, over {across}."
    marks = [
        (LEFT - 8, TOP + 5, "end", _said(high)),
        (LEFT - 8, HEIGHT - BOTTOM + 4, "end", _said(low)),
        (LEFT, HEIGHT - 8, "start", f"{first:g}"),
        (WIDTH - RIGHT, HEIGHT - 8, "end", f"{last:g}"),
        ((WIDTH + LEFT) / 2, HEIGHT - 8, "middle", across),
    ]
    texts = Markup("").join(Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(*mark) for mark in marks)
    frame = f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"
    return Markup(
        '<svg class="line" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path d="{}" fill="none" stroke="var(--line)"/>{}'
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="1.8" stroke-linejoin="round"/></svg>'
    ).format(WIDTH, HEIGHT, words, frame, texts, points, colour)


def _place(value: float, low: float, high: float, start: float, end: float) -> float:
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)


def _said(value: float) -> str:
    return fixed(value, decimals(value))
