"""Figures as text, the same in terminal, Markdown and HTML: as many digits as can mean something."""

from __future__ import annotations

import math


def spread(mean: float, sd: float | None) -> str:
    """ ".954 ± .016", "487.3 ± 12.1"; of a single value the mean alone."""
    places = decimals(mean if sd is None else max(abs(mean), sd))
    return fixed(mean, places) if sd is None else f"{fixed(mean, places)} ± {fixed(sd, places)}"


def interval(low: float | None, high: float | None) -> str:
    """ "[.940, .968]"; empty where there is none."""
    if low is None or high is None:
        return ""
    places = decimals(max(abs(low), abs(high)))
    return f"[{fixed(low, places)}, {fixed(high, places)}]"


def decimals(size: float) -> int:
    """Three for figures about 1, fewer for greater ones."""
    return 3 if abs(size) < 2 else 2 if abs(size) < 20 else 1


def fixed(value: float, places: int) -> str:
    """Without the zero before the point, as in statistical tables: .954, -.12, 1.000."""
    text = f"{value:.{places}f}"
    text = text[1:] if text.startswith("-") and not text.strip("-0.") else text  # no -0.000
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def short(value: float) -> str:
    """About two significant digits: .012, .34, 3.4, 128; "-" where unknown."""
    if not math.isfinite(value):
        return "-"
    return fixed(value, 0 if value >= 9.95 else 1 if value >= 0.995 else 2 if value >= 0.0995 else 3)


def whole(value: float) -> str:
    """A count: 1257; a mean of counts keeps one decimal; "-" where unknown."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.1f}"


def size(count: float) -> str:
    """Bytes as a reader takes them: "950 B", "12 kB", "3.4 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 9.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError
