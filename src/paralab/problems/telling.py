"""What a load supposed, left out or found odd, told once for each data set that is read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from weakref import WeakSet

from paralab.datasets.dataset import Dataset
from paralab.record import log

WIDTH = 78  # characters a line, for a terminal of 80: two go in front

_told: WeakSet[Dataset] = WeakSet()


def tell(data: Dataset, lines: Iterable[str]) -> None:
    """Note `lines` and what the data set's own notices say; nothing, not even `lines`, where it was told of before."""
    if data in _told:
        return
    _told.add(data)
    for line in (*lines, *data.notices):
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False):
            log.note(part)
