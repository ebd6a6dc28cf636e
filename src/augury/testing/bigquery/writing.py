"""What does it mean to write rows into a table?

The one place that performs write and create dispositions, for load, query, copy jobs and INSERT. BigQuery docs: REST
"JobConfigurationLoad" and "JobConfigurationQuery" (createDisposition, writeDisposition, schemaUpdateOptions),
"Modifying table schemas", "Manage partitioned table data" (writing to a partition).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from augury.names import quote
from augury.testing.bigquery import partitions
from augury.testing.bigquery.catalog import Partitioning, Table, TableId
from augury.testing.bigquery.refusals import Refusal, duplicate, invalid, missing
from augury.testing.bigquery.schema import Field, described, duckdb_type, named
from augury.testing.bigquery.store import Change, milliseconds

WRITES = ("WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_APPEND", "WRITE_EMPTY")
CREATES = ("CREATE_IF_NEEDED", "CREATE_NEVER")
UPDATES = ("ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION")


@dataclass(frozen=True)
class Target:
    """Where rows go and how."""

    id: TableId
    decorator: str | None = None
    write: str = "WRITE_APPEND"
    create: str = "CREATE_IF_NEEDED"
    updates: tuple[str, ...] = ()
    partitioning: Mapping[str, Any] | None = None
    clustering: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What a new table is given: description, labels, expirationTime, ..."""
    declared: bool = False
    """Whether the request names the columns, whose modes and descriptions then count for a new table."""


def target_of(found: TableId, decorator: str | None, config: Mapping[str, Any], usual: str, declared: bool) -> Target:
    """A target from the `configuration` of a job."""
    write, create = config.get("writeDisposition") or usual, config.get("createDisposition") or CREATES[0]
    updates = tuple(config.get("schemaUpdateOptions") or ())
    for given, known in ((write, WRITES), (create, CREATES), *((one, UPDATES) for one in updates)):
        if given not in known:
            raise invalid(f"Invalid value {given!r}: one of {', '.join(known)}.")
    if updates and write != "WRITE_APPEND" and not (write.startswith("WRITE_TRUNCATE") and decorator):
        raise invalid(
            "Schema update options should only be specified with WRITE_APPEND disposition, or with WRITE_TRUNCATE "
            "disposition on a table partition."
        )
    properties = config.get("destinationTableProperties") or {}
    clustering = tuple((config.get("clustering") or {}).get("fields") or ())
    return Target(
        found, decorator, write, create, updates, config.get("timePartitioning"), clustering, properties, declared
    )


def write(change: Change, target: Target, source: str, fields: Sequence[Field]) -> int:
    """Put the rows of DuckDB's table `source`, whose columns are `fields`, into the target; how many there were."""
    change.dataset(target.id.within)
    table = change.state.tables.get(target.id)
    if table is not None and table.view is not None:
        raise invalid(f"Cannot write to view {target.id}.")
    if table is None and target.create == "CREATE_NEVER":
        raise missing("Table", str(target.id))
    whole = target.write == "WRITE_TRUNCATE" and target.decorator is None
    if table is None:
        table = _created(change, target, fields)
    elif whole:
        table = _emptied(change, table, target, fields)
    else:
        _same_partitioning(table, target)
        table = _widened(change, table, target, fields)
        _make_room(change, table, target)
    _required(change, table, source, fields)
    count = _insert(change, table, target, source, fields)
    change.put(table.changed(change.next_version(), milliseconds()))
    return count


def new_table(
    change: Change, found: TableId, fields: Sequence[Field], partitioning: Partitioning | None, **parts: Any
) -> Table:
    """An empty table with its rows' place in DuckDB."""
    physical = change.new_rows()
    now = milliseconds()
    table = Table(found, physical, tuple(fields), now, now, change.next_version(), partitioning, **parts)
    columns = [f"{quote(one['name'])} {duckdb_type(one)}" for one in table.fields]
    if table.stamped:
        columns.append(f"{quote(partitions.STAMP)} TIMESTAMP WITH TIME ZONE")
    # DuckDB has no table without columns; the service has.
    change.cursor.execute(f"CREATE TABLE {physical} ({', '.join(columns) or '_none BOOLEAN'})")
    change.put(table)
    return table


def _created(change: Change, target: Target, fields: Sequence[Field]) -> Table:
    columns = _columns(target, fields)
    wanted = target.partitioning or ({"type": "DAY"} if target.decorator else None)
    partitioning = partitions.asked(wanted, columns)
    clustering = clustered(target.clustering, columns)
    return new_table(change, target.id, columns, partitioning, clustering=clustering, settings=dict(target.settings))


def clustered(found: Sequence[str], fields: Sequence[Field]) -> tuple[str, ...]:
    if len(found) > 4:
        raise invalid("A table is clustered by at most four columns.")
    for name in found:
        if named(fields, name) is None:
            raise invalid(f"The field specified for clustering cannot be found in the schema: {name}.")
    return tuple(found)


def _columns(target: Target, fields: Sequence[Field]) -> tuple[Field, ...]:
    if target.declared:
        return tuple(fields)
    return tuple({**one, "mode": "NULLABLE"} if one["mode"] == "REQUIRED" else one for one in fields)


def _emptied(change: Change, table: Table, target: Target, fields: Sequence[Field]) -> Table:
    """WRITE_TRUNCATE of a whole table takes the schema of the new rows; the table keeps its partitioning, clustering,
    description and labels."""
    _same_partitioning(table, target)
    columns = _columns(target, fields)
    asked = target.partitioning or (table.partitioning.shown() if table.partitioning else None)
    fresh = new_table(
        change,
        table.id,
        columns,
        partitions.asked(asked, columns),
        clustering=clustered(target.clustering or table.clustering, columns),
        settings={**table.settings, **target.settings},
    )
    change.drop_rows(table.physical)
    return Table(**{**vars(fresh), "created": table.created})


def _same_partitioning(table: Table, target: Target) -> None:
    if not target.partitioning:
        return
    before = table.partitioning
    wanted = (target.partitioning.get("type"), target.partitioning.get("field"))
    if before is None or (before.type, before.field) != wanted:
        shown = f"interval(type:{before.type.lower()},field:{before.field or ''})" if before else "none"
        raise invalid(
            f"Incompatible table partitioning specification. Expected partitioning specification {shown}, but input "
            f"partitioning specification is interval(type:{str(wanted[0]).lower()},field:{wanted[1] or ''})"
        )


def _widened(change: Change, table: Table, target: Target, fields: Sequence[Field]) -> Table:
    """The table with the columns that the new rows add, where that is allowed."""
    for one in fields:
        known = named(table.fields, one["name"])
        if known is None:
            if "ALLOW_FIELD_ADDITION" not in target.updates:
                raise invalid(
                    f"Provided Schema does not match Table {table.id}. Cannot add fields (field: {one['name']})"
                )
            table = add_column(change, table, {**one, "mode": "REPEATED" if one["mode"] == "REPEATED" else "NULLABLE"})
        elif not _same_type(known, one):
            raise invalid(
                f"Provided Schema does not match Table {table.id}. Field {known['name']} has changed type from "
                f"{described(known)} to {described(one)}"
            )
    given = {one["name"].lower() for one in fields}
    lost = [one["name"] for one in table.fields if one["mode"] == "REQUIRED" and one["name"].lower() not in given]
    if lost and "ALLOW_FIELD_RELAXATION" in target.updates:
        relaxed = tuple({**one, "mode": "NULLABLE"} if one["name"] in lost else one for one in table.fields)
        return Table(**{**vars(table), "fields": relaxed})
    if lost:
        raise invalid(f"Provided Schema does not match Table {table.id}. Missing required field {lost[0]}")
    return table


def _same_type(known: Field, given: Field) -> bool:
    if (known["mode"] == "REPEATED") != (given["mode"] == "REPEATED"):
        return False
    if {known["type"], given["type"]} <= {"NUMERIC", "BIGNUMERIC"}:
        return True
    if known["type"] != given["type"]:
        return False
    if known["type"] != "RECORD":
        return True
    inner = [named(known["fields"], one["name"]) for one in given["fields"]]
    return all(one is not None and _same_type(one, new) for one, new in zip(inner, given["fields"], strict=True))


def add_column(change: Change, table: Table, column: Field) -> Table:
    change.cursor.execute(f"ALTER TABLE {table.physical} ADD COLUMN {quote(column['name'])} {duckdb_type(column)}")
    changed = table.changed(change.next_version(), milliseconds(), fields=(*table.fields, column))
    change.put(changed)
    return changed


def _make_room(change: Change, table: Table, target: Target) -> None:
    inside = partitions.predicate(table, target.decorator) if target.decorator else "true"
    if target.write == "WRITE_EMPTY":
        sql = f"SELECT 1 FROM {table.physical} WHERE {inside} LIMIT 1"
        if change.cursor.execute(sql).fetchall():
            raise duplicate("Table", str(target.id))
    elif target.write != "WRITE_APPEND":
        change.cursor.execute(f"DELETE FROM {table.physical} WHERE {inside}")


def _required(change: Change, table: Table, source: str, fields: Sequence[Field]) -> None:
    for one in table.fields:
        given = named(fields, one["name"])
        if one["mode"] != "REQUIRED":
            continue
        if given is None:
            raise invalid(f"Provided Schema does not match Table {table.id}. Missing required field {one['name']}")
        sql = f"SELECT 1 FROM {source} WHERE {quote(given['name'])} IS NULL LIMIT 1"
        if change.cursor.execute(sql).fetchall():
            raise invalid(f"Required field {one['name']} cannot be null")


def _insert(change: Change, table: Table, target: Target, source: str, fields: Sequence[Field]) -> int:
    into, out = [], []
    for one in table.fields:
        given = named(fields, one["name"])
        if given is not None:
            into.append(quote(one["name"]))
            out.append(f"CAST({quote(given['name'])} AS {duckdb_type(one)}) AS {quote(one['name'])}")
    if table.stamped:
        into.append(quote(partitions.STAMP))
        out.append(f"{partitions.stamp_of(table, target.decorator, datetime.now(UTC))} AS {quote(partitions.STAMP)}")
    rows = f"SELECT {', '.join(out)} FROM {source}"
    if target.decorator:
        inside = partitions.predicate(table, target.decorator)
        stray = f"SELECT 1 FROM ({rows}) WHERE NOT coalesce({inside}, false) LIMIT 1"
        if change.cursor.execute(stray).fetchall():
            raise Refusal(
                "invalid",
                f"Some rows belong to different partitions rather than destination partition {target.decorator}",
            )
    sql = f"INSERT INTO {table.physical} ({', '.join(into)}) {rows}"
    return int(change.cursor.execute(sql).fetchall()[0][0])


def adjusted(
    target: Target, partitioning: Mapping[str, Any] | None, clustering: tuple[str, ...], settings: Mapping[str, Any]
) -> Target:
    """A target whose new table is like another one."""
    return replace(target, partitioning=partitioning, clustering=clustering, settings={**settings, **target.settings})
