"""An SVG file made part of a page: it takes the page's colours, and its ids stay its own."""

from __future__ import annotations

import re
import zlib

from markupsafe import Markup

from paralab.page.colours import GRID, INK, MUTED

BROAD = 560  # points from which a figure takes a line of its own
SWAPPED = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)"}


def inline(svg: str, name: str, words: str) -> Markup:
    """The <svg> element alone, ids its own by `name`, said as `words` to those who cannot see it.

    Its own width goes with it as --wide, one pixel a point: letters are then of one size in every figure of a page.

    Only for a drawing of our own: it goes into the page unescaped.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    mark = f"f{zlib.crc32(name.encode()):x}-"  # stands before every letter that is drawn
    body = re.sub(r'\bid="', f'id="{mark}', body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{mark}", body)
    for drawn, variable in SWAPPED.items():
        body = body.replace(drawn, variable)
    head = re.match(r"<svg[^>]*>", body)
    assert head is not None
    box = re.search(r'viewBox="[^"]*"', head[0])
    assert box is not None
    points = float(box[0].rstrip('"').split()[2])
    opening = Markup('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ')
    opening += Markup('class="broad" ' if points > BROAD else "") + Markup('style="--wide:{:.0f}px" ').format(points)
    opening += Markup(box[0]) + Markup(' role="img" aria-label="{}">').format(words)
    return opening + Markup(body[head.end() :])
