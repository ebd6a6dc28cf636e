"""Which datasets and tables are there? Values; the store replaces them whole, so a reader keeps what it saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from augury.testing.bigquery.schema import Field

DatasetId = tuple[str, str]
RESULTS = "_augury_results"
"""How the hidden datasets of query results begin; the service has hidden ones too ("Using cached query results")."""


class TableId(NamedTuple):
    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @property
    def within(self) -> DatasetId:
        return (self.project, self.dataset)

    def shown(self) -> dict[str, str]:
        return {"projectId": self.project, "datasetId": self.dataset, "tableId": self.table}


@dataclass(frozen=True)
class Dataset:
    project: str
    dataset: str
    location: str
    created: int
    """Milliseconds since 1970, as in every resource."""
    modified: int
    version: int
    """Grows with every change: what `etag` is made of."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """description, labels, friendlyName, access, defaultTableExpirationMs, ...: kept as given."""


@dataclass(frozen=True)
class Partitioning:
    """BigQuery docs: "Introduction to partitioned tables"."""

    type: str
    """HOUR, DAY, MONTH or YEAR."""
    field: str | None
    """None: by ingestion time."""
    expiration_ms: str | None = None

    def shown(self) -> dict[str, Any]:
        found = {"type": self.type, "field": self.field, "expirationMs": self.expiration_ms}
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True)
class Table:
    id: TableId
    physical: str | None
    """DuckDB's table; None for a view."""
    fields: tuple[Field, ...]
    created: int
    modified: int
    version: int
    partitioning: Partitioning | None = None
    clustering: tuple[str, ...] = ()
    view: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """description, labels, friendlyName, expirationTime, requirePartitionFilter: kept as given."""

    @property
    def stamped(self) -> bool:
        """Whether rows carry the time of their ingestion."""
        return self.partitioning is not None and self.partitioning.field is None

    def changed(self, version: int, now: int, **parts: Any) -> Table:
        return replace(self, version=version, modified=now, **parts)


@dataclass(frozen=True)
class State:
    """Everything at one instant. Never changed: a change makes another one."""

    datasets: Mapping[DatasetId, Dataset]
    tables: Mapping[TableId, Table]


def written(found: Dataset | Table) -> str:
    """As it is kept in a file."""
    return json.dumps(asdict(found), sort_keys=True)


def dataset_from(text: str) -> Dataset:
    return Dataset(**json.loads(text))


def table_from(text: str) -> Table:
    found = json.loads(text)
    parts = found.pop("partitioning")
    return Table(
        **{
            **found,
            "id": TableId(*found["id"]),
            "fields": tuple(found["fields"]),
            "clustering": tuple(found["clustering"]),
            "partitioning": Partitioning(**parts) if parts else None,
        }
    )
