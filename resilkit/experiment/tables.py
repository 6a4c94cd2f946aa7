"""Tables to Parquet bytes and back, with the columns and types that are expected.

Parquet holds no code: reading a stranger's run runs nothing of it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from resilkit.errors import StorageError
from resilkit.importing import whole

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_parquet", "to_parquet"]


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return `frame` as the bytes of a Parquet file, without its index."""
    whole("pyarrow.parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    # The schema's pandas part would name this machine's versions once more, and carry attrs.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(data: bytes, columns: Mapping[str, str], *, where: str) -> pd.DataFrame:
    """Return the table in `data` with exactly `columns`, in that order.

    Args:
        data: The bytes of a Parquet file.
        columns: Name to ``"float"``, ``"int"`` or ``"text"``.
        where: The file's name, for the error.

    Raises:
        StorageError: It is no Parquet, or has other columns or types.
    """
    whole("pyarrow.parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"float": pa.float64(), "int": pa.int64(), "text": pa.string()}
    try:
        table = pq.read_table(io.BytesIO(data))
        schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        frame: pd.DataFrame = table.select(list(columns)).cast(schema).to_pandas()
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StorageError(f"the saved run is damaged: {where!r} cannot be read: {error}") from None
    for name, kind in columns.items():
        if kind == "text":
            frame[name] = frame[name].fillna("").astype("str")
    return frame
