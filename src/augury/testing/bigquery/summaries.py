"""The table of a table's partitions, `table$__PARTITIONS_SUMMARY__`, which Google's client reads to list partitions.

BigQuery docs: "Manage partitioned tables", list partitions with legacy SQL meta-tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import partitions
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.refusals import invalid
from augury.testing.bigquery.schema import Field
from augury.testing.bigquery.schema import shown as schema_shown

if TYPE_CHECKING:
    from augury.testing.bigquery.store import Snapshot

SUFFIX = "$__PARTITIONS_SUMMARY__"
FIELDS: tuple[Field, ...] = tuple(
    {"name": name, "type": kind, "mode": "NULLABLE"}
    for name, kind in (
        ("project_id", "STRING"),
        ("dataset_id", "STRING"),
        ("table_id", "STRING"),
        ("partition_id", "STRING"),
        ("creation_time", "INTEGER"),
        ("last_modified_time", "INTEGER"),
    )
)


def resource(table: Table) -> dict[str, Any]:
    reference = {**table.id.shown(), "tableId": table.id.table + SUFFIX}
    return {
        "kind": "bigquery#table",
        "id": f"{table.id}{SUFFIX}",
        "tableReference": reference,
        "type": "TABLE",
        "schema": schema_shown(FIELDS),
    }


def rows(now: Snapshot, table: Table) -> Any:
    """An Arrow table, one row per partition."""
    import pyarrow as pa

    if table.partitioning is None:
        raise invalid(f"Cannot read partition information from a table that is not partitioned: {table.id}")
    sql = f"SELECT DISTINCT {partitions.name_sql(table)} FROM {table.physical} ORDER BY 1"
    found = [name for (name,) in now.cursor.execute(sql).fetchall()]
    place = dict(zip(("project_id", "dataset_id", "table_id"), table.id, strict=True))
    moments = {"creation_time": table.created, "last_modified_time": table.modified}
    return pa.Table.from_pylist([{**place, "partition_id": one, **moments} for one in found])
