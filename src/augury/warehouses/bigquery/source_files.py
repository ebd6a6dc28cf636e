"""Which files of this machine make up a source, with which columns, and which table is made of each?

A file is loaded once, into a table whose name carries a hash of what is in it.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import DataRefused, Place, StorageFailed, nearest
from augury.spec.columns import Column
from augury.warehouses.bigquery import types
from augury.warehouses.bigquery.names import OWN
from augury.warehouses.bigquery.types import Field

if TYPE_CHECKING:
    import pyarrow as pa

DATE = "{date}"
_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
_DELIMITERS = ",;\t|"
_HEADER = 65_536
_BLOCK = 16 << 20
"""Bytes from which types are taken, where none is declared; and read at once."""
_NAMED = re.compile(r"In CSV column #(\d+)(?:: (.*))?", re.DOTALL)


@dataclass(frozen=True)
class SourceFile:
    path: Path
    day: date | None
    """The day of a shard."""
    signature: str
    """Changes whenever the file does."""


def find(pattern: str, project: Path) -> tuple[SourceFile, ...]:
    """Files of `path:`, ascending by day and name. `{date}` matches days that exist, written YYYYMMDD."""
    if "://" in pattern:
        raise StorageFailed(
            f"{pattern} is not a path of this machine",
            fix="Load it into a table, and name that with `table: dataset.name`.",
        )
    literal = project / pattern
    star = pattern.replace(DATE, "[0-9]" * 8)
    names = [pattern] if literal.exists() else glob.glob(star, root_dir=project, recursive=True)  # noqa: PTH207
    found: list[SourceFile] = []
    for path in (project / name for name in names):
        day = shard_day(str(project / pattern), str(path)) if DATE in pattern else None
        if DATE in pattern and day is None:
            continue
        if path.is_dir():
            raise StorageFailed(
                f"{path} is a folder, not a file", fix=f"Name its files: {pattern.rstrip('/')}/*.parquet"
            )
        stat = path.stat()
        found.append(SourceFile(path, day, f"{path}|{stat.st_size}|{stat.st_mtime_ns}"))
    return tuple(sorted(found, key=lambda file: (file.day or date.min, str(file.path))))


def shard_day(pattern: str, name: str) -> date | None:
    """The day in a shard's name; None where the name is not one of a shard."""
    first, *rest = (
        re.escape(part).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        for part in pattern.split(DATE)
    )
    found = re.fullmatch(first + r"(?P<day>\d{8})" + r"(?P=day)".join(rest), name)
    if found:
        text = found["day"]
        with suppress(ValueError):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return None


def table_name(file: Path, fields: Iterable[Field]) -> str:
    """The name of the table that holds the rows of a file, read with these columns."""
    digest = hashlib.sha256(repr([(field.name, str(field.kind)) for field in fields]).encode())
    try:
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise StorageFailed(f"{file} cannot be read", why=error.strerror) from error
    return source_table(file.name.partition(".")[0], digest.hexdigest())


def source_table(name: str, digest: str) -> str:
    plain = re.sub(r"[^a-z0-9_]", "_", name.lower())[:100]
    return f"{OWN}source_{plain}_{digest[:24]}"


# -- reading -------------------------------------------------------------------------------------------------


def opened(file: Path, declared: Mapping[str, Column]) -> pa.RecordBatchReader:
    """The rows of a file; the schema is known before the first one. Raises StorageFailed and DataRefused."""
    import pyarrow as pa

    name = file.name.lower()
    if not name.endswith((*_CSV, *_PARQUET)):
        raise StorageFailed(
            f"{file} is neither CSV nor Parquet", fix=f"Sources are {', '.join((*_PARQUET, *_CSV))} files, or tables."
        )
    try:
        return _parquet(file) if name.endswith(_PARQUET) else _csv(file, declared)
    except (OSError, pa.ArrowException) as error:
        raise broken(file, error) from error


def _parquet(file: Path) -> pa.RecordBatchReader:
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened_file = pq.ParquetFile(file)
    return pa.RecordBatchReader.from_batches(opened_file.schema_arrow, _guarded(file, opened_file.iter_batches()))


def _csv(file: Path, declared: Mapping[str, Column]) -> pa.RecordBatchReader:
    import pyarrow as pa
    from pyarrow import csv

    header = _header(file)
    fixed = {name.casefold(): types.arrow(types.declared_kind(column)) for name, column in declared.items()}
    columns = {name: fixed[name.casefold()] for name in header if name.casefold() in fixed}
    reader = csv.open_csv(
        file,
        read_options=csv.ReadOptions(block_size=_BLOCK),
        parse_options=csv.ParseOptions(delimiter=_delimiter(file), newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=columns, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    # A column without a value has no type of its own.
    schema = pa.schema([one.with_type(pa.string()) if pa.types.is_null(one.type) else one for one in reader.schema])
    return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in _guarded(file, reader)))


def _guarded(file: Path, batches: Iterable[Any]) -> Any:
    import pyarrow as pa

    try:
        yield from batches
    except (OSError, pa.ArrowException) as error:
        raise broken(file, error) from error


def broken(file: Path, error: BaseException) -> DataRefused | StorageFailed:
    """The error of a file that cannot be read."""
    named = _NAMED.search(str(error))
    if named is None:
        return StorageFailed(
            f"{file} cannot be read", why=str(error).split("\n", 1)[0], fix="Put a whole file in its place."
        )
    header = _header(file)
    column = header[int(named[1])] if int(named[1]) < len(header) else f"#{named[1]}"
    return DataRefused(
        f"column {column!r} has values of another type",
        where=Place(file=str(file)),
        why=(named[2] or str(error)).split("\n", 1)[0],
        fix="Correct the file, or declare the column's type under `columns` of the source in augury.yml.",
    )


def _text(file: Path) -> str:
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rb") as opened_file:
            head = bytes(opened_file.read(_HEADER)).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError) as error:
        raise StorageFailed(f"{file} cannot be read", why=str(error)) from error
    if not head.strip():
        raise StorageFailed(f"{file} is empty: a CSV needs at least a header")
    return head


def _delimiter(file: Path) -> str:
    """The candidate that occurs most often in the header outside quotes; a comma where none does."""
    plain = re.sub(r'"(?:[^"]|"")*"', "", _text(file)).lstrip("\r\n")
    header = re.split(r"[\r\n]", plain, maxsplit=1)[0]
    return max(_DELIMITERS, key=header.count)


def _header(file: Path) -> list[str]:
    import csv

    return next(csv.reader(_text(file).splitlines(keepends=True), delimiter=_delimiter(file)), [])


# -- drift ---------------------------------------------------------------------------------------------------


def check(where: str, fields: Iterable[Field], declared: Mapping[str, Column]) -> None:
    """Raise DataRefused for every declared column that is missing or has another type."""
    there = {field.name.casefold(): field for field in fields}
    problems: list[str] = []
    for name, column in declared.items():
        found = there.get(name.casefold())
        if found is None:
            close = nearest(name, [field.name for field in there.values() if field.name not in declared])
            hint = f" ({close!r} is new)" if close else ""
            problems.append(f"column {name!r}: expected {column.type}, got no such column{hint}")
        elif not types.accepts(types.declared_kind(column), found.kind, source=True):
            problems.append(f"column {name!r}: expected {column.type}, got {found.kind}")
    if problems:
        raise DataRefused(
            f"the columns of {where} changed",
            why="; ".join(problems),
            fix="Correct the source, or its `columns` in augury.yml.",
        )
