"""Which views of INFORMATION_SCHEMA are there? A minimum: TABLES, COLUMNS, PARTITIONS, VIEWS, SCHEMATA and JOBS.

BigQuery docs: "TABLES view", "COLUMNS view", "PARTITIONS view", "VIEWS view", "SCHEMATA view", "JOBS view"; columns
that nothing here can fill are absent, so that a query for them is refused and not answered wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from augury.errors import nearest
from augury.testing.bigquery import partitions
from augury.testing.bigquery.catalog import DatasetId, Table
from augury.testing.bigquery.refusals import Refusal, invalid
from augury.testing.bigquery.schema import described

if TYPE_CHECKING:
    from augury.testing.bigquery.resolving import Scope

OF_PROJECT = ("SCHEMATA", "JOBS", "JOBS_BY_PROJECT", "JOBS_BY_USER")


def relation(scope: Scope, path: tuple[str, ...]) -> str:
    """The SQL of `[project.][dataset.|region-x.]INFORMATION_SCHEMA.view`."""
    place = next(number for number, piece in enumerate(path) if piece.upper() == "INFORMATION_SCHEMA")
    if place + 2 != len(path):
        raise invalid("INFORMATION_SCHEMA is followed by the name of one view.")
    view, before = path[-1].upper(), path[:place]
    if view not in VIEWS:
        close = nearest(view, VIEWS)
        hint = f"; did you mean {close}?" if close else f": one of {', '.join(sorted(VIEWS))}."
        raise Refusal("notImplemented", f"augury's test server does not imitate INFORMATION_SCHEMA.{view}{hint}")
    region = before[-1].lower().removeprefix("region-") if before and before[-1].lower().startswith("region-") else None
    if region or view in OF_PROJECT:
        return _of_project(scope, view, before, region)
    if not before:
        if scope.default is None:
            raise invalid(f"INFORMATION_SCHEMA.{view} must be qualified with a dataset or a region.")
        found = scope.default
    else:
        found = (before[-2] if len(before) > 1 else scope.project, before[-1])
    scope.located(found)
    return scope.register(_arrow(view, VIEWS[view](scope, [found])))


def _of_project(scope: Scope, view: str, before: tuple[str, ...], region: str | None) -> str:
    project = ".".join(before[: -1 if region else None]) or scope.project
    wanted = (region or scope.location or "US").lower()
    scope.location = scope.location or (region.upper() if region in ("us", "eu") else region)
    datasets = [
        key
        for key, one in scope.snapshot.state.datasets.items()
        if key[0] == project and one.location.lower() == wanted
    ]
    return scope.register(_arrow(view, VIEWS[view](scope, datasets)))


def _arrow(view: str, rows: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    kinds = {"s": pa.string(), "i": pa.int64(), "t": pa.timestamp("us", tz="UTC")}
    fields = [pa.field(name, kinds[kind]) for name, kind in COLUMNS[view].items()]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _tables_of(scope: Scope, datasets: Sequence[DatasetId]) -> list[Table]:
    inside = set(datasets)
    return sorted(
        (one for one in scope.snapshot.state.tables.values() if one.id.within in inside), key=lambda one: one.id
    )


def _named(table: Table) -> dict[str, Any]:
    return {"table_catalog": table.id.project, "table_schema": table.id.dataset, "table_name": table.id.table}


def _tables(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    return [
        {
            **_named(one),
            "table_type": "VIEW" if one.view is not None else "BASE TABLE",
            "is_insertable_into": "NO" if one.view is not None else "YES",
            "creation_time": _moment(one.created),
        }
        for one in _tables_of(scope, datasets)
    ]


def _views(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    return [
        {**_named(one), "view_definition": one.view, "use_standard_sql": "YES"}
        for one in _tables_of(scope, datasets)
        if one.view is not None
    ]


def _columns(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    return [
        {
            **_named(one),
            "column_name": column["name"],
            "ordinal_position": number,
            "is_nullable": "NO" if column["mode"] == "REQUIRED" else "YES",
            "data_type": described(column),
            "is_partitioning_column": "YES" if one.partitioning and one.partitioning.field == column["name"] else "NO",
            "clustering_ordinal_position": one.clustering.index(column["name"]) + 1
            if column["name"] in one.clustering
            else None,
        }
        for one in _tables_of(scope, datasets)
        for number, column in enumerate(one.fields, start=1)
    ]


def _partitions(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    out = []
    for one in _tables_of(scope, datasets):
        if one.view is not None:
            continue
        name = partitions.name_sql(one) if one.partitioning else "NULL"
        sql = f"SELECT {name} AS name, count(*) FROM {one.physical} GROUP BY ALL ORDER BY name"
        for partition, rows in scope.snapshot.cursor.execute(sql).fetchall():
            out.append(
                {
                    **_named(one),
                    "partition_id": partition,
                    "total_rows": rows,
                    "last_modified_time": _moment(one.modified),
                }
            )
    return out


def _schemata(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    found = [scope.snapshot.state.datasets[key] for key in sorted(datasets)]
    return [
        {
            "catalog_name": one.project,
            "schema_name": one.dataset,
            "location": one.location,
            "creation_time": _moment(one.created),
            "last_modified_time": _moment(one.modified),
        }
        for one in found
        if not one.dataset.startswith("_")
    ]


def _jobs(scope: Scope, datasets: Sequence[DatasetId]) -> list[dict[str, Any]]:
    return [
        {
            "project_id": job.project,
            "job_id": job.id,
            "job_type": job.kind.upper(),
            "statement_type": job.statistics.get("query", {}).get("statementType"),
            "state": job.state,
            "creation_time": _moment(job.created),
            "start_time": _moment(job.started),
            "end_time": _moment(job.ended),
            "query": job.body.get("query", {}).get("query"),
            "total_bytes_processed": int(job.statistics.get("totalBytesProcessed") or 0),
            "total_bytes_billed": int(job.statistics.get("query", {}).get("totalBytesBilled") or 0),
        }
        for job in scope.service.jobs.of(scope.project)
        if scope.location is None or job.location == scope.location
    ]


_NAME = {"table_catalog": "s", "table_schema": "s", "table_name": "s"}
COLUMNS = {
    "TABLES": {**_NAME, "table_type": "s", "is_insertable_into": "s", "creation_time": "t"},
    "VIEWS": {**_NAME, "view_definition": "s", "use_standard_sql": "s"},
    "COLUMNS": {
        **_NAME,
        "column_name": "s",
        "ordinal_position": "i",
        "is_nullable": "s",
        "data_type": "s",
        "is_partitioning_column": "s",
        "clustering_ordinal_position": "i",
    },
    "PARTITIONS": {**_NAME, "partition_id": "s", "total_rows": "i", "last_modified_time": "t"},
    "SCHEMATA": {
        "catalog_name": "s",
        "schema_name": "s",
        "location": "s",
        "creation_time": "t",
        "last_modified_time": "t",
    },
    "JOBS": {
        "project_id": "s",
        "job_id": "s",
        "job_type": "s",
        "statement_type": "s",
        "state": "s",
        "creation_time": "t",
        "start_time": "t",
        "end_time": "t",
        "query": "s",
        "total_bytes_processed": "i",
        "total_bytes_billed": "i",
    },
}
COLUMNS |= {"JOBS_BY_PROJECT": COLUMNS["JOBS"], "JOBS_BY_USER": COLUMNS["JOBS"]}
VIEWS = {
    "TABLES": _tables,
    "VIEWS": _views,
    "COLUMNS": _columns,
    "PARTITIONS": _partitions,
    "SCHEMATA": _schemata,
    **dict.fromkeys(("JOBS", "JOBS_BY_PROJECT", "JOBS_BY_USER"), _jobs),
}
