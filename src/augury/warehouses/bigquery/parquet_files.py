"""How does a stream of Arrow batches become a file that a load job takes? One batch at a time, checked on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from augury.errors import StorageFailed
from augury.warehouses.bigquery import types
from augury.warehouses.bigquery.projection import EXACT, Projection, refused
from augury.warehouses.bigquery.types import Field
from augury.warehouses.contract import Write

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def stored(
    write: Write, projection: Projection, fields: tuple[Field, ...], batches: pa.RecordBatchReader
) -> Iterator[Path]:
    """A Parquet file with the columns `fields`, of which the projection knows some; the others are NULL.

    Raises DataRefused for values that do not fit, StorageFailed for a full disk, and whatever the batches raise.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(field.name, types.arrow(field.kind)) for field in fields])
    known = {one.name.casefold(): source for one, source in zip(projection.fields, projection.sources, strict=True)}
    nulls: dict[str, int] = {}
    with TemporaryDirectory(prefix="augury-") as folder:
        path = Path(folder) / "rows.parquet"
        writer = _on_disk(path, lambda: pq.ParquetWriter(path, schema, compression="snappy"))
        try:
            for batch in batches:
                columns = [
                    _column(write, projection, field, known.get(field.name.casefold()), batch, nulls)
                    for field in fields
                ]
                ready = pa.RecordBatch.from_arrays(columns, schema=schema)
                _on_disk(path, partial(writer.write_batch, ready))
        finally:
            _on_disk(path, writer.close)
        if nulls:
            problems = [
                f"column {name!r} is {'a key' if name in projection.keys else 'REQUIRED'} and NULL in {count:,} rows"
                for name, count in nulls.items()
            ]
            raise refused(write, "values do not fit", problems)
        yield path


def _column(
    write: Write, projection: Projection, field: Field, source: str | None, batch: Any, nulls: dict[str, int]
) -> Any:
    import pyarrow as pa

    wanted = types.arrow(field.kind)
    if source is None:
        return pa.nulls(batch.num_rows, wanted)
    if source == "":
        return _constant(write.day, batch.num_rows)
    values = batch.column(batch.schema.names.index(source))
    if source in projection.required and values.null_count:
        nulls[source] = nulls.get(source, 0) + values.null_count
    if source in projection.rounding:
        _check_exact(write, field, values)
    if values.type == wanted:
        return values
    try:
        return values.cast(wanted)
    except pa.ArrowException as error:
        problem = f"column {field.name!r}: expected {field.kind}: {error}"
        raise refused(write, "a value does not fit its column", [problem]) from error


def _constant(day: date | None, rows: int) -> Any:
    import pyarrow as pa

    return pa.array([day], pa.date32()).take(pa.array([0] * rows, pa.int8()))


def _check_exact(write: Write, field: Field, values: Any) -> None:
    import pyarrow.compute as pc

    found = pc.min_max(values)
    least, most = found["min"].as_py(), found["max"].as_py()
    if most is not None and max(abs(least), abs(most)) >= EXACT:
        problem = f"column {field.name!r}: expected FLOAT64, got integers of 2^53 and more, which would be rounded"
        raise refused(write, "values do not fit", [problem])


def _on_disk(path: Path, act: Callable[[], Any]) -> Any:
    """Our own disk; what feeds the batches has system errors of its own, which stay what they are."""
    try:
        return act()
    except OSError as error:
        raise StorageFailed(
            f"cannot write {path}", why=error.strerror or str(error), fix="Make room there, then run the same again."
        ) from error
