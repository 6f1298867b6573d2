"""The table of all runs as a file: CSV, Parquet or JSON, the same bytes for the same folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paralab.errors import Refused
from paralab.record import files

if TYPE_CHECKING:
    from pandas import DataFrame


def csv(table: DataFrame) -> bytes:
    """UTF-8 with a line of names; what is missing is empty, every digit of a number is there."""
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text.encode()


def as_json(table: DataFrame) -> bytes:
    """A list of objects, a line each; what is missing or no finite number is null."""
    rows = [json.dumps({name: _plain(value) for name, value in row.items()}) for row in table.to_dict("records")]
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()


def parquet(table: DataFrame) -> bytes:
    """With each column's type kept."""
    held = BytesIO()
    table.to_parquet(held, index=False)
    return held.getvalue()


KINDS: dict[str, Callable[[DataFrame], bytes]] = {".csv": csv, ".parquet": parquet, ".json": as_json}


def kind_of(path: Path) -> Callable[[DataFrame], bytes]:
    """What writes a file so called; raises Refused where no kind has that ending."""
    if path.suffix.lower() not in KINDS:
        raise Refused(f"-o {path}: the file's ending says its kind: {', '.join(KINDS)}, or a folder with --tensorboard")
    return KINDS[path.suffix.lower()]


def write(table: DataFrame, path: Path) -> None:
    """Replace the file at once; raises Refused where it cannot be written."""
    make = kind_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, make(table))
    except OSError as error:
        raise Refused(f"-o {path} cannot be written: {error.strerror}") from error


def _plain(value: Any) -> object:
    import pandas

    if value is pandas.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value
