"""Which rows does a name in a query mean?

BigQuery docs: "Table expressions" (paths), "Query multiple tables using a wildcard table", "Introduction to datasets"
(locations), "Introduction to views".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery import information_schema, partitions
from augury.testing.bigquery.catalog import RESULTS, DatasetId, Table, TableId
from augury.testing.bigquery.refusals import Refusal, invalid, missing, not_imitated
from augury.testing.bigquery.statements import invalid_query
from augury.testing.bigquery.store import Snapshot

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

META = ("__TABLES__", "__TABLES_SUMMARY__")
MOST_NESTED_VIEWS = 16
"""BigQuery docs: "Quotas and limits", nested view levels."""


@dataclass
class Scope:
    """The names of one query; also what it read. The `tables` of `augury.sql.bigquery.to_duckdb`."""

    service: Service
    snapshot: Snapshot
    project: str
    default: DatasetId | None = None
    location: str | None = None
    """None: that of the first dataset."""
    pseudo: bool = False
    """Whether the query speaks of _PARTITIONTIME or _PARTITIONDATE."""
    instead: dict[TableId, str] = field(default_factory=dict)
    """Relations to read in place of a table's rows: the target of UPDATE with its row ids."""
    read: dict[TableId, Table] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    """Arrow rows that the query reads by a name of theirs."""
    depth: int = 0
    wildcards: bool = False

    def table(self, parts: tuple[str, ...]) -> str | None:
        path = tuple(piece for part in parts for piece in part.split("."))
        if any(piece.upper() == "INFORMATION_SCHEMA" for piece in path):
            return information_schema.relation(self, path)
        if path[-1].upper() in META:
            raise not_imitated(f"the meta-table {path[-1]} (ask INFORMATION_SCHEMA)")
        found = self.id_of(path)
        self.located(found.within)
        table = self.snapshot.state.tables.get(found) or self.service.store.results.get(found)
        if table is None:
            raise missing("Table", f"{found} was not found in location {self.location}")
        self.read[found] = table
        return self.instead.get(found) or self.relation(table)

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        """(suffix, relation) of each table whose name begins with the prefix, views excepted."""
        path = tuple(piece for part in prefix for piece in part.split("."))
        start = self.id_of(path)
        self.located(start.within)
        self.wildcards = True
        found = sorted(
            one
            for one, table in self.snapshot.state.tables.items()
            if one.within == start.within and one.table.startswith(start.table) and table.view is None
        )
        if not found:
            raise Refusal("notFound", f"Not found: {start}* does not match any table.", location="query")
        for one in found:
            self.read[one] = self.snapshot.state.tables[one]
        return [(one.table.removeprefix(start.table), self.relation(self.read[one])) for one in found]

    def id_of(self, path: tuple[str, ...]) -> TableId:
        """The table that a path of one to three names means. A project's name may hold dots of its own."""
        if len(path) == 1:
            if self.default is None:
                raise invalid(f'Table "{path[0]}" must be qualified with a dataset (e.g. dataset.table).')
            return TableId(*self.default, path[0])
        if len(path) == 2:
            return TableId(self.project, *path)
        return TableId(".".join(path[:-2]), *path[-2:])

    def located(self, found: DatasetId) -> None:
        """A query runs in one location, and sees the datasets there."""
        dataset = self.snapshot.state.datasets.get(found)
        if found[1].startswith(RESULTS):
            return
        if self.location is None and dataset is not None:
            self.location = dataset.location
        if dataset is None or dataset.location != self.location:
            where = self.location or "US"
            raise Refusal("notFound", f"Not found: Dataset {':'.join(found)} was not found in location {where}")

    def relation(self, table: Table) -> str:
        """DuckDB's SQL of a table's rows."""
        if table.view is not None:
            return f"({self.within(table)})"
        assert table.physical is not None
        if not table.fields:
            raise invalid_query(f"Table {table.id} does not have a schema.")
        if not table.stamped:
            return table.physical
        columns = [quote(one["name"]) for one in table.fields]
        if self.pseudo:
            stamp = quote(partitions.STAMP)
            columns += [stamp, f"CAST(timezone('UTC', {stamp}) AS DATE) AS _PARTITIONDATE"]
        return f"(SELECT {', '.join(columns)} FROM {table.physical})"

    def within(self, view: Table) -> str:
        """The query of a view, whose names are resolved from the view's own project."""
        from augury.testing.bigquery.selects import translated

        if self.depth >= MOST_NESTED_VIEWS:
            raise invalid_query(
                f"Views are nested more than {MOST_NESTED_VIEWS} deep (or contain themselves): {view.id}"
            )
        assert view.view is not None
        inner = Scope(self.service, self.snapshot, view.id.project, location=self.location, depth=self.depth + 1)
        inner.read, inner.given = self.read, self.given
        sql = translated(view.view, inner).sql
        self.location = inner.location
        return sql

    def register(self, rows: Any) -> str:
        """A relation of Arrow rows, for this query."""
        name = f"given_{len(self.given)}"
        self.snapshot.cursor.register(name, rows)
        self.given[name] = rows
        return quote(name)
