"""What does one action of ALTER TABLE do? BigQuery docs: "ALTER TABLE ADD COLUMN", "DROP COLUMN", "RENAME TO",
"SET OPTIONS", "ALTER COLUMN ... SET OPTIONS", "DROP NOT NULL", "SET DATA TYPE"."""

from __future__ import annotations

from dataclasses import replace

from augury.names import quote
from augury.testing.bigquery import definitions, names, selects
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.clauses import Reader
from augury.testing.bigquery.refusals import duplicate, invalid, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import WIDER, Field, described, duckdb_type, named
from augury.testing.bigquery.store import Change, milliseconds
from augury.testing.bigquery.writing import add_column


def alter(change: Change, scope: Scope, found: TableId, reader: Reader) -> None:
    table = change.state.tables[found]
    if reader.take("ADD", "COLUMN"):
        change.put(_added(change, table, reader))
    elif reader.take("DROP", "COLUMN"):
        change.put(_dropped(change, table, reader))
    elif reader.take("ALTER", "COLUMN"):
        change.put(_changed(change, table, reader))
    elif reader.take("SET", "OPTIONS"):
        given = definitions.options_from(reader.group(), scope, definitions.OF_TABLE)
        settings = {**table.settings, **definitions.settings_from(given)}
        kept = {key: value for key, value in settings.items() if value is not None}
        change.put(table.changed(change.next_version(), milliseconds(), settings=kept))
    elif reader.take("RENAME", "TO"):
        _rename(change, table, reader)
    else:
        raise not_imitated(f"ALTER TABLE ... {reader.word}")


def _added(change: Change, table: Table, reader: Reader) -> Table:
    unless = reader.take("IF", "NOT", "EXISTS")
    field = definitions.columns_from(reader.until(","))[0]
    if named(table.fields, field["name"]) is not None:
        if unless:
            return table
        raise invalid(f"Column already exists: {field['name']}")
    if field["mode"] == "REQUIRED":
        raise invalid(f"Cannot add a REQUIRED column to an existing table: {field['name']}")
    return add_column(change, table, field)


def _dropped(change: Change, table: Table, reader: Reader) -> Table:
    unless = reader.take("IF", "EXISTS")
    name = reader.path()[0]
    field = named(table.fields, name)
    if field is None:
        if unless:
            return table
        raise invalid(f"Column not found: {name}")
    partition = table.partitioning.field if table.partitioning else None
    if field["name"] == partition or field["name"] in table.clustering:
        raise invalid(f"Cannot drop the column {name}: the table is partitioned or clustered by it.")
    change.cursor.execute(f"ALTER TABLE {table.physical} DROP COLUMN {quote(field['name'])}")
    fields = tuple(one for one in table.fields if one is not field)
    return table.changed(change.next_version(), milliseconds(), fields=fields)


def _changed(change: Change, table: Table, reader: Reader) -> Table:
    name = reader.path()[0]
    field = named(table.fields, name)
    if field is None:
        raise invalid(f"Column not found: {name}")
    if reader.take("SET", "DATA", "TYPE"):
        return _retyped(change, table, field, reader)
    if reader.take("DROP", "NOT", "NULL"):
        new = {**field, "mode": "NULLABLE"}
    elif reader.take("SET", "OPTIONS"):
        # The options of a column are those of a column in CREATE TABLE.
        new = {**field, **_described(reader.group())}
    else:
        raise not_imitated(f"ALTER COLUMN ... {reader.word}")
    fields = tuple(new if one is field else one for one in table.fields)
    return table.changed(change.next_version(), milliseconds(), fields=fields)


def _retyped(change: Change, table: Table, field: Field, reader: Reader) -> Table:
    """Only to a type that takes every value of the old one."""
    new = {**definitions.columns_from(f"c {reader.until(',')}")[0], "name": field["name"], "mode": field["mode"]}
    if new["type"] not in (field["type"], *WIDER.get(field["type"], ())):
        raise invalid(
            "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type "
            f"({described(field)}) is assignable to the new type ({described(new)})"
        )
    column, kind = quote(field["name"]), duckdb_type(new)
    selects.execute(change.cursor, f"ALTER TABLE {table.physical} ALTER COLUMN {column} SET DATA TYPE {kind}")
    kept = {**new, "description": field["description"]} if "description" in field else new
    fields = tuple(kept if one is field else one for one in table.fields)
    return table.changed(change.next_version(), milliseconds(), fields=fields)


def _described(options: str) -> dict[str, str]:
    field = definitions.columns_from(f"c INT64 OPTIONS({options})")[0]
    return {"description": field["description"]} if "description" in field else {}


def _rename(change: Change, table: Table, reader: Reader) -> None:
    plain = names.model(".".join(reader.path()))
    new = TableId(table.id.project, table.id.dataset, plain)
    if new in change.state.tables:
        raise duplicate("Table", str(new))
    change.put(replace(table, id=new, version=change.next_version(), modified=milliseconds()))
    change.remove(table.id)
