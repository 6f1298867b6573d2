"""The one style of every figure, and how one is saved: the same bytes for the same runs."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from paralab.page.colours import GRID, INK, MUTED

STYLE: dict[Any, object] = {  # its keys are a Literal of matplotlib's stubs
    "svg.hashsalt": "paralab", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED, "axes.linewidth": 0.8,
    "xtick.color": INK, "ytick.color": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": GRID, "grid.linewidth": 0.7, "figure.facecolor": "none", "axes.facecolor": "none",
    "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "savefig.bbox": "tight", "savefig.pad_inches": 0.12, "xtick.minor.width": 0.5, "xtick.minor.size": 2.5,
}  # fmt: skip

LONG = 400  # letters of a path


def saved(figure: Figure) -> str:
    """The figure as an SVG file."""
    drawn = io.StringIO()
    with mpl.rc_context(STYLE):
        FigureCanvasAgg(figure)
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return smaller(drawn.getvalue())


def smaller(svg: str) -> str:
    """The same picture in about half the bytes: hundredths of a point are enough, and most ids are of no use."""
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (?:d|x|y)="[^"]*"|translate\([^)]*\)', _rounded, svg)
    svg = re.sub(r' transform="translate\(([-\d.]+) 0\)"/>', r' x="\1"/>', svg)  # of a glyph
    used = set(re.findall(r"#([\w-]+)[\")]", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = svg.replace("DejaVuSans-", "g").replace(" \n", " ").replace("</g>\n", "</g>")
    return re.sub(r"\n +", "\n", svg)


def _rounded(found: re.Match[str]) -> str:
    """Long curves to a tenth, all else to a hundredth."""
    return re.sub(r"(\.\d)\d+" if len(found[0]) > LONG else r"(\.\d\d)\d+", r"\1", found[0])


def painted(figure: Figure) -> bytes:
    """The figure as a PNG at 200 dpi, on white."""
    drawn = io.BytesIO()
    with mpl.rc_context(STYLE):
        FigureCanvasAgg(figure)
        figure.savefig(drawn, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return drawn.getvalue()
