"""How does a file of this machine become a table that a query can read? Once per content, by a load job."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augury.errors import DataRefused, Place
from augury.spec.bigquery import BigQueryPlace
from augury.spec.columns import Column
from augury.warehouses.bigquery import source_files, types
from augury.warehouses.bigquery.jobs import Jobs
from augury.warehouses.bigquery.names import TableId
from augury.warehouses.bigquery.parquet_files import stored
from augury.warehouses.bigquery.projection import project
from augury.warehouses.bigquery.source_files import SourceFile
from augury.warehouses.bigquery.types import Field
from augury.warehouses.contract import Write


class SourceLoads:
    """The files that one namespace reads."""

    def __init__(self, jobs: Jobs, main: BigQueryPlace, *, read_only: bool) -> None:
        self._jobs = jobs
        self._main = main
        self._read_only = read_only
        self._fields: dict[tuple[str, str], tuple[tuple[Field, ...], bool]] = {}
        self._there: dict[tuple[Path, int, str], TableId] = {}
        self._lock = threading.RLock()

    def fields(self, file: SourceFile, declared: Mapping[str, Column]) -> tuple[tuple[Field, ...], bool]:
        """The columns of a file, and whether their types are known: a header alone has none."""
        key = (file.signature, str(sorted((name, column.type) for name, column in declared.items())))
        with self._lock:
            if key not in self._fields:
                with source_files.opened(file.path, declared) as reader:
                    names = reader.schema.names
                    kinds = [types.of_arrow(kind) for kind in reader.schema.types]
                    told = {name.casefold() for name in declared}
                    untold = [name for name in names if name.casefold() not in told]
                    typed = not untold or file.path.suffix in (".parquet", ".pq") or _has_rows(reader)
                if None in kinds:
                    raise _unkept(file.path, [name for name, kind in zip(names, kinds, strict=True) if kind is None])
                found = tuple(Field(name, kind) for name, kind in zip(names, kinds, strict=True) if kind is not None)
                self._fields[key] = (found, typed)
            return self._fields[key]

    def table(self, file: Path, fields: tuple[Field, ...], declared: Mapping[str, Column]) -> TableId:
        """The table with the rows of a file; loaded now if it is not there yet."""
        key = (file, file.stat().st_mtime_ns, repr(fields))
        with self._lock:
            if key not in self._there:
                name = source_files.table_name(file, fields)
                found = TableId(self._main.project or "", self._main.dataset or "", name)
                client = self._jobs.client(self._main)
                there: Any = self._jobs.asked(lambda: client.get_table(str(found), retry=None), or_none=True)
                if there is None and not self._read_only:
                    self._load(file, fields, declared, found)
                self._there[key] = found
            return self._there[key]

    @property
    def used(self) -> frozenset[str]:
        """Tables that this process reads."""
        return frozenset(found.table for found in self._there.values())

    def _load(self, file: Path, fields: tuple[Field, ...], declared: Mapping[str, Column], table: TableId) -> None:
        write = Write(table.table, None, "source", "")
        projection = project(write, [(field.name, field.kind) for field in fields])
        labels = {"augury_step": "load"}
        with source_files.opened(file, declared) as reader, stored(write, projection, fields, reader) as path:
            self._jobs.load(
                self._main,
                lambda job_id: self._jobs.upload(self._main, path, types.written(fields), str(table), job_id, labels),
            )


def _has_rows(reader: Any) -> bool:
    return any(batch.num_rows for batch in reader)


def _unkept(file: Path, names: list[str]) -> DataRefused:
    return DataRefused(
        f"BigQuery cannot keep column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}",
        where=Place(file=str(file)),
        fix="Write the file without them, or with another type.",
    )
