"""Which tables make up a source now, and may the processing dataset read them where they lie?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from augury.errors import DataRefused
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import types
from augury.warehouses.bigquery.datasets import located, same_location
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId
from augury.warehouses.bigquery.source_files import DATE, shard_day, source_table
from augury.warehouses.bigquery.types import Field

_AT_ONCE = 16
"""Requests for the metadata of shards: listing them says nothing of when they changed."""


@dataclass(frozen=True)
class Part:
    """A table of a source."""

    table: TableId
    day: date | None
    """The day of a shard."""
    fields: tuple[Field, ...]
    signature: str
    """Changes whenever the table does."""
    required: frozenset[str] = frozenset()
    """Columns that the engine itself keeps without NULL, in lower case."""
    filtered: bool = False
    """No query may read it without naming partitions."""


class SourceTables:
    """Tables that somebody else writes."""

    def __init__(
        self, jobs: Jobs, sources: BigQueryPlace, main: BigQueryPlace, *, copies: bool, read_only: bool
    ) -> None:
        self._jobs = jobs
        self._sources = sources
        self._main = main
        self._copies = copies
        self._read_only = read_only

    def find(self, named: str) -> tuple[Part, ...]:
        """Tables of `table:`, ascending by day; none where there is none. Raises DataRefused for another region."""
        *before, pattern = named.split(".")
        place = self._sources.model_copy(
            update={
                "dataset": before[-1] if before else self._sources.dataset,
                "project": before[-2] if len(before) > 1 else self._sources.project,
            }
        )
        found = located(self._jobs, place)
        if found is None:
            return ()
        if not same_location(found.location, self._main.location) and not self._copies:
            raise self._elsewhere(named, found)
        tables = self._shards(found, pattern) if DATE in pattern else {pattern: None}
        with ThreadPoolExecutor(min(_AT_ONCE, max(len(tables), 1))) as pool:
            parts = list(pool.map(lambda pair: self._part(found, *pair), tables.items()))
        return tuple(sorted((part for part in parts if part), key=lambda part: part.day or date.min))

    def _shards(self, place: BigQueryPlace, pattern: str) -> dict[str, date | None]:
        client = self._jobs.client(place)
        dataset = f"{place.project}.{place.dataset}"
        listed: Any = self._jobs.asked(lambda: [one.table_id for one in client.list_tables(dataset, retry=None)])
        return {name: day for name in listed if (day := shard_day(pattern, name)) is not None}

    def _part(self, place: BigQueryPlace, name: str, day: date | None) -> Part | None:
        client = self._jobs.client(place)
        table_id = TableId(place.project or "", place.dataset or "", name)
        table: Any = self._jobs.asked(lambda: client.get_table(str(table_id), retry=None), or_none=True)
        if table is None:
            return None
        buffered = table.streaming_buffer.estimated_rows if table.streaming_buffer else 0
        facts = [table_id, table.created, table.modified, table.num_rows, table.num_bytes, buffered]
        if table.table_type == "VIEW":
            facts += self._shown(table_id)
        required = frozenset(field.name.casefold() for field in table.schema if field.mode == "REQUIRED")
        filtered = bool(table.require_partition_filter)
        return Part(table_id, day, types.read(table.schema), "|".join(map(str, facts)), required, filtered)

    def _shown(self, view: TableId) -> list[Any]:
        """When the tables changed that a view reads: it does not change itself."""
        found = self._jobs.dry(self._main, f"SELECT * FROM {view.sql}", Ask({}))
        facts: list[Any] = []
        for one in sorted(found.referenced_tables, key=str):
            client = self._jobs.client(self._sources)
            table: Any = self._jobs.asked(partial(client.get_table, one, retry=None), or_none=True)
            if table is not None:
                facts += [one, table.modified, table.num_rows, table.num_bytes]
        return facts

    def _elsewhere(self, named: str, found: BigQueryPlace) -> DataRefused:
        return DataRefused(
            f"the source {named} lies in {found.location}, the dataset {self._main.dataset} in {self._main.location}",
            why="BigQuery runs a query in one region",
            fix="Process where the source lies (`location`), or write `sources: {copy_tables: true}` in the target's "
            "`bigquery`: then it is copied whenever it changed.",
        )

    def nearby(self, part: Part) -> Part:
        """The part where the processing dataset can read it: a copy, made once for each of its states."""
        if not self._copies:
            return part
        from google.cloud.bigquery import CopyJobConfig

        digest = hashlib.sha256(part.signature.encode()).hexdigest()
        copy = TableId(self._main.project or "", self._main.dataset or "", source_table(part.table.table, digest))
        client = self._jobs.client(self._main)
        there: Any = self._jobs.asked(lambda: client.get_table(str(copy), retry=None), or_none=True)
        if there is None and not self._read_only:
            config = CopyJobConfig(
                write_disposition="WRITE_TRUNCATE", labels=self._jobs.labels({"augury_step": "copy"})
            )
            # By the identity of the source, in the region of the copy ('Managing tables').
            owner = self._jobs.client(self._sources)

            def begin(job_id: str) -> Any:
                return owner.copy_table(
                    str(part.table),
                    str(copy),
                    job_id=job_id,
                    location=self._main.location,
                    project=self._sources.project,
                    job_config=config,
                    retry=None,
                )

            self._jobs.load(self._sources.model_copy(update={"location": self._main.location}), begin)
        return replace(part, table=copy)


def signature(parts: Iterable[str]) -> str:
    """One short text for many facts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape"))
        digest.update(b"\0")
    return digest.hexdigest()[:32]
