"""Files that know the types of their columns: Parquet and Feather by pyarrow, npz by numpy without pickle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from paralab.core import Array
from paralab.errors import Refused
from paralab.readers.kinds import Kind, quoted
from paralab.readers.opening import UNREADABLE, fits

ROWS = 8192  # of a batch: a few hundred kB of a table
Read = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


def open_parquet(path: Path) -> tuple[pa.Schema, int, Read]:
    """Schema, number of rows, and how to read some columns."""
    try:
        file = parquet.ParquetFile(path)
        schema: pa.Schema = file.schema_arrow
        _ = schema.names  # decodes them
    except (pa.ArrowException, *UNREADABLE) as wrong:
        raise _damaged(path, "Parquet", wrong) from wrong
    rows = file.metadata.num_rows

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            for batch in file.iter_batches(batch_size=ROWS, columns=list(names), use_threads=False):
                batch.validate(full=True)  # that texts are UTF-8 is not looked at otherwise
                yield batch
        except (pa.ArrowException, *UNREADABLE) as wrong:
            raise _damaged(path, "Parquet", wrong) from wrong

    return schema, rows, read


def open_feather(path: Path) -> tuple[pa.Schema, int, Read]:
    """Schema, number of rows, and how to read some columns, of an Arrow file or stream."""
    try:
        source = pa.memory_map(str(path))
        try:
            file = pa.ipc.open_file(source)
            batches = [file.get_batch(place) for place in range(file.num_record_batches)]
            schema = file.schema
        except pa.ArrowInvalid:
            source.seek(0)
            stream = pa.ipc.open_stream(source)
            batches, schema = list(stream), stream.schema
        _ = schema.names  # decodes them
        for batch in batches:
            batch.validate(full=True)  # what a damaged file's offsets point to is not looked at otherwise
    except (pa.ArrowException, *UNREADABLE) as wrong:
        raise _damaged(path, "Feather (Arrow)", wrong) from wrong

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS).select(list(names))

    return schema, sum(batch.num_rows for batch in batches), read


def arrays(path: Path) -> tuple[Array | None, dict[str, Array]]:
    """The one matrix of an npz, (n, d), or none; and its columns, each (n,), by name. Raises Refused."""
    where = quoted(path, 200)
    try:
        with ZipFile(path) as packed:
            size = sum(each.file_size for each in packed.infolist())
        fits(path, size // 8, 1)
        with np.load(path, allow_pickle=False) as file:
            found = {name: _array(where, name, file) for name in file.files}
    except Refused:
        raise
    except Exception as wrong:  # zipfile, zlib, numpy's header: a dozen kinds, encrypted and of absurd shape among them
        raise _damaged(path, "npz", wrong) from wrong
    if not found:
        raise Refused(f"{where} holds no array: save it by numpy.savez(file, X=..., y=...)")
    matrices = [name for name, each in found.items() if each.ndim == 2]
    for name, each in found.items():
        if each.ndim not in (1, 2):
            raise Refused(f"{where}: array {quoted(name)} has shape {each.shape}: reshape it to (rows, columns)")
    if len(matrices) > 1:
        raise Refused(
            f"{where} holds {len(matrices)} matrices ({', '.join(matrices)}): save one, as X, and y beside it"
        )
    lengths = {name: len(each) for name, each in found.items()}
    if len(set(lengths.values())) > 1:
        raise Refused(f"{where}: its arrays differ in length ({lengths}): one entry a row is needed")
    matrix = found.pop(matrices[0]) if matrices else None
    return matrix, found


def kind_of(found: pa.DataType) -> Kind | None:
    """What a column of this type is taken for; None: nothing in it. Raises TypeError for one that is no column."""
    types = pa.types
    if types.is_dictionary(found):
        return kind_of(found.value_type)
    if types.is_null(found):
        return None
    if types.is_integer(found) or types.is_floating(found) or types.is_decimal(found):
        return "number"
    if types.is_timestamp(found) or types.is_date(found):
        return "date"
    if types.is_boolean(found):
        return "category"
    if types.is_string(found) or types.is_large_string(found) or types.is_string_view(found):
        return "text"
    raise TypeError(str(found))


def in_batches(columns: Mapping[str, Array]) -> tuple[pa.Schema, int, Read]:
    """Columns in memory, each (n,), read as a file is; NaN is missing."""
    whole = pa.RecordBatch.from_arrays(
        [pa.array(np.ascontiguousarray(each), from_pandas=True) for each in columns.values()], names=list(columns)
    )

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for start in range(0, whole.num_rows, ROWS):
            yield whole.slice(start, ROWS).select(list(names))

    return whole.schema, whole.num_rows, read


def _array(where: str, name: str, file: np.lib.npyio.NpzFile) -> Array:
    try:
        found = np.asarray(file[name])
    except ValueError as wrong:
        if "pickle" in str(wrong).lower():
            raise Refused(
                f"{where}: array {quoted(name)} is a pickle, which could run code and is never read: "
                "save it as numbers, texts or datetime64"
            ) from wrong
        raise
    if found.dtype.kind not in "biufUM":
        raise Refused(f"{where}: array {quoted(name)} holds {found.dtype}: save it as numbers, texts or datetime64")
    if found.dtype.kind == "f" and found.dtype.itemsize > 8:
        return found.astype(np.float64)
    if found.dtype.kind == "M" and np.datetime_data(found.dtype)[0] not in ("D", "s", "ms", "us", "ns"):
        return found.astype("datetime64[us]")  # Arrow knows no other unit
    return found.astype(found.dtype.newbyteorder("="), copy=False)  # nor another byte order


def _damaged(path: Path, format: str, wrong: Exception) -> Refused:
    return Refused(f"{quoted(path, 200)} is no whole {format} file ({quoted(wrong, 120)[1:-1]}): make or fetch it anew")
