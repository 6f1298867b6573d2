"""Opening a file of rows: known suffixes, compression, and whether its rows fit into the memory that is free."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, cast

from paralab.errors import Refused, closest
from paralab.readers.kinds import quoted

Format = Literal["delimited", "parquet", "feather", "npz"]
FORMATS: dict[str, Format] = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited", ".txt": "delimited", ".parquet": "parquet",
    ".pq": "parquet", ".feather": "feather", ".arrow": "feather", ".npz": "npz",
}  # fmt: skip
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")  # of a delimited file
MAX_COLUMNS = 10_000  # a space of as many fields takes about a second to build
COPIES = 2  # the table, and the rows a trainer is shown
LEAST = 256 * 2**20  # bytes left free for everything else
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)  # of a damaged compressed file


def format_of(path: Path) -> Format:
    """What the file is, by its suffix. Raises Refused for no file, a folder, an empty file, an unknown suffix."""
    where = quoted(path, 200)
    if path.is_dir():
        raise Refused(f"{where} is a folder, a file of rows is needed: name one file in it")
    try:
        if not path.exists():
            beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = closest(path.name, beside)
            raise Refused(f"there is no file {where}. {hint if hint.startswith('Did') else 'Check the path.'}")
        if path.stat().st_size == 0:
            raise Refused(f"{where} is empty: give a file with a line of names and rows")
        with path.open("rb"):
            pass
    except OSError as wrong:
        raise Refused(f"{where} cannot be read: {wrong.strerror or wrong}") from wrong
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    known = FORMATS.get(last)
    if last in COMPRESSED and len(suffixes) > 1 and FORMATS.get(suffixes[-2]) == "delimited":
        known = "delimited"
    if known is None:
        raise Refused(
            f"{where}: what a '{last}' file is, is not known; known are {', '.join(FORMATS)}, and .csv, .tsv, .tab or "
            f".txt followed by one of {', '.join(COMPRESSED)}"
        )
    return known


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, uncompressed."""
    match path.suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".bz2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case ".xz":
            return cast(BinaryIO, lzma.open(path, "rb"))
        case ".zst":
            import pyarrow

            return cast(BinaryIO, pyarrow.input_stream(str(path), compression="zstd"))
        case _:
            return path.open("rb")


def free_memory() -> int | None:
    """Bytes that this process may still take, in the machine and in its control group; None where it is not told."""
    free: list[int] = []
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free.append(1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        free.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return min(free) if free else None


def fits(path: Path, rows: int, columns: int) -> None:
    """Raise Refused, with the arithmetic, where the rows do not fit into free memory."""
    free, needed = free_memory(), 8 * rows * columns * COPIES
    if free is not None and needed > free:
        raise Refused(
            f"{quoted(path, 200)} does not fit: about {rows:,} rows x {columns:,} columns x 8 bytes x {COPIES} copies "
            f"= {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; leave out columns "
            "('+problem.columns={NAME: drop}') or rows"
        )


def still_fits(path: Path, rows: int) -> None:
    """Raise Refused where reading has used up the memory after all, as of a file that unpacks to very much."""
    free = free_memory()
    if free is not None and free < LEAST:
        raise Refused(
            f"{quoted(path, 200)} does not fit: {rows:,} rows are read, {free / 1e9:.1f} GB of memory are left; "
            "leave out columns ('+problem.columns={NAME: drop}') or rows"
        )


def too_many(path: Path, columns: int, more: bool = False) -> None:
    """Raise Refused for more columns than the lab takes."""
    if columns > MAX_COLUMNS:
        raise Refused(
            f"{quoted(path, 200)} has {'more than ' if more else ''}{columns:,} columns, at most {MAX_COLUMNS:,} are "
            "taken: reduce it first, or keep the values as one matrix X in an .npz"
        )
