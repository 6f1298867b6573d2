"""What a load supposed, left out or found odd, told in the log of each run that it is for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from paralab.datasets.dataset import Dataset
from paralab.record import log

WIDTH = 78  # characters a line, for a terminal of 80: two go in front


def tell(data: Dataset, lines: Iterable[str]) -> None:
    """Note `lines` and what the data set's own notices say."""
    for line in (*lines, *data.notices):
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False):
            log.note(part)
