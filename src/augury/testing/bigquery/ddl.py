"""CREATE, ALTER and DROP of tables, views and datasets. BigQuery docs: "Data definition language (DDL) statements in
GoogleSQL"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import datasets, definitions, names, partitions, views, writing
from augury.testing.bigquery.alterations import alter
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.clauses import Reader, reader_of
from augury.testing.bigquery.gathering import gathered
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import duplicate, invalid, missing, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.statements import Statement
from augury.testing.bigquery.store import Change

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


@dataclass(frozen=True)
class Asked:
    """A statement in the middle of its change."""

    service: Service
    change: Change
    scope: Scope
    reader: Reader
    parameters: Parameters


@dataclass(frozen=True)
class Done:
    """What a statement of DDL did, as the statistics of its job say it."""

    kind: str
    operation: str
    target: TableId | None = None


def perform(service: Service, change: Change, scope: Scope, statement: Statement, parameters: Parameters) -> Done:
    asked = Asked(service, change, scope, reader_of(statement), parameters)
    return VERBS[statement.kind](asked)


def _create_table(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("CREATE")
    replaces = reader.take("OR", "REPLACE")
    if reader.take("TEMP") or reader.take("TEMPORARY"):
        raise not_imitated("temporary tables")
    reader.need("TABLE")
    unless = reader.take("IF", "NOT", "EXISTS")
    found = target(asked)
    fields = definitions.columns_from(reader.group()) if reader.word == "(" else ()
    for word in ("LIKE", "COPY", "CLONE"):
        if reader.word == word:
            raise not_imitated(f"CREATE TABLE ... {word} (use a copy job)")
    partition = reader.until("CLUSTER", "CLUSTER BY", "OPTIONS", "AS") if reader.take("PARTITION", "BY") else ""
    cluster = reader.until("OPTIONS", "AS") if reader.take("CLUSTER", "BY") else ""
    options = reader.group() if reader.take("OPTIONS") else ""
    query = reader.rest() if reader.take("AS") else None
    reader.end()
    if found in asked.change.state.tables:
        if unless:
            return Done("CREATE_TABLE" if query is None else "CREATE_TABLE_AS_SELECT", "SKIP", found)
        if not replaces:
            raise duplicate("Table", str(found))
    given = definitions.options_from(options, asked.scope, definitions.OF_TABLE)
    staged, columns = None, fields
    if query is not None:
        staged, columns = _queried(asked, query, fields)
    elif not fields:
        raise invalid("CREATE TABLE needs a list of columns or AS query.")
    before = asked.change.state.tables.get(found)
    if before is not None:
        asked.change.remove(found)
    made = _made(asked, found, columns, partition, cluster, given)
    if staged is not None:
        writing.write(asked.change, writing.Target(found, create="CREATE_NEVER"), staged, columns)
        asked.change.cursor.execute(f"DROP TABLE {staged}")
    if before is not None:
        asked.change.put(replace(asked.change.state.tables[found], created=before.created, version=made.version))
    kind = "CREATE_TABLE" if query is None else "CREATE_TABLE_AS_SELECT"
    return Done(kind, "REPLACE" if before is not None else "CREATE", found)


def _queried(asked: Asked, query: str, fields: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The rows of CREATE TABLE AS, under the names of the column list where there is one."""
    staged, found = gathered(asked.scope, query, asked.parameters)
    if not fields:
        return staged, found
    if [one["name"].lower() for one in fields] != [one["name"].lower() for one in found]:
        raise invalid("The column list of CREATE TABLE AS must have the names of the query's columns, in their order.")
    return staged, fields


def _made(
    asked: Asked, found: TableId, columns: tuple[Any, ...], partition: str, cluster: str, given: dict[str, Any]
) -> Table:
    wanted = definitions.partitioning_from(partition, columns) if partition else None
    days = given.get("partition_expiration_days")
    if wanted is not None and days is not None:
        wanted["expirationMs"] = str(int(days * 86_400_000))
    by = [piece.strip().strip("`") for piece in cluster.split(",")] if cluster else []
    settings = {key: value for key, value in definitions.settings_from(given).items() if value is not None}
    return writing.new_table(
        asked.change,
        found,
        columns,
        partitions.asked(wanted, columns),
        clustering=writing.clustered(by, columns),
        settings=settings,
    )


def _create_view(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("CREATE")
    replaces = reader.take("OR", "REPLACE")
    reader.need("VIEW")
    unless = reader.take("IF", "NOT", "EXISTS")
    found = target(asked)
    if reader.word == "(":
        raise not_imitated("the column list of a view (name the columns in its query)")
    options = reader.group() if reader.take("OPTIONS") else ""
    reader.need("AS")
    query = reader.rest()
    before = asked.change.state.tables.get(found)
    if before is not None and unless:
        return Done("CREATE_VIEW", "SKIP", found)
    if before is not None and not replaces:
        raise duplicate("Table", str(found))
    given = definitions.options_from(options, asked.scope, definitions.OF_TABLE)
    settings = {key: value for key, value in definitions.settings_from(given).items() if value is not None}
    views.define(asked.service, asked.change, found, {"query": query, "useLegacySql": False}, settings)
    return Done("CREATE_VIEW", "REPLACE" if before is not None else "CREATE", found)


def _create_schema(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("CREATE")
    reader.need("SCHEMA")
    unless = reader.take("IF", "NOT", "EXISTS")
    path = reader.path()
    project, dataset = path if len(path) == 2 else (asked.scope.project, path[0])
    given = definitions.options_from(
        reader.group() if reader.take("OPTIONS") else "", asked.scope, definitions.OF_SCHEMA
    )
    reader.end()
    if (project, dataset) in asked.change.state.datasets and unless:
        return Done("CREATE_SCHEMA", "SKIP")
    location = given.get("location") or asked.scope.location or "US"
    datasets.create(asked.change, project, dataset, location, definitions.settings_from(given))
    return Done("CREATE_SCHEMA", "CREATE")


def _drop(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("DROP")
    word = reader.word
    reader.place += 1
    unless = reader.take("IF", "EXISTS")
    found = target(asked, exists=not unless)
    reader.end()
    table = asked.change.state.tables.get(found)
    if table is None and unless:
        return Done(f"DROP_{word}", "SKIP", found)
    if table is None:
        raise missing("Table", str(found))
    if (table.view is not None) != (word == "VIEW"):
        other = "VIEW" if table.view is not None else "TABLE"
        raise invalid(f"{found} is not allowed for DROP {word}: it is a {other}.")
    asked.change.remove(found)
    return Done(f"DROP_{word}", "DROP", found)


def _drop_schema(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("DROP")
    reader.need("SCHEMA")
    unless = reader.take("IF", "EXISTS")
    path = reader.path()
    key = (path[0], path[1]) if len(path) == 2 else (asked.scope.project, path[0])
    contents = reader.take("CASCADE")
    if not contents:
        reader.take("RESTRICT")
    reader.end()
    if key not in asked.change.state.datasets and unless:
        return Done("DROP_SCHEMA", "SKIP")
    datasets.remove(asked.service, asked.change, key, contents=contents)
    return Done("DROP_SCHEMA", "DROP")


def _alter(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("ALTER")
    word = reader.word
    reader.place += 1
    unless = reader.take("IF", "EXISTS")
    found = target(asked, exists=not unless)
    if found not in asked.change.state.tables:
        if unless:
            return Done(f"ALTER_{word}", "SKIP", found)
        raise missing("Table", str(found))
    while True:
        alter(asked.change, asked.scope, found, reader)
        if not reader.take(","):
            break
    reader.end()
    return Done(f"ALTER_{word}", "ALTER", found)


def _alter_schema(asked: Asked) -> Done:
    reader = asked.reader
    reader.need("ALTER")
    reader.need("SCHEMA")
    unless = reader.take("IF", "EXISTS")
    path = reader.path()
    key = (path[0], path[1]) if len(path) == 2 else (asked.scope.project, path[0])
    if key not in asked.change.state.datasets and unless:
        return Done("ALTER_SCHEMA", "SKIP")
    before = asked.change.dataset(key)
    reader.need("SET")
    reader.need("OPTIONS")
    given = definitions.settings_from(definitions.options_from(reader.group(), asked.scope, definitions.OF_SCHEMA))
    settings = {key: value for key, value in {**before.settings, **given}.items() if value is not None}
    asked.change.put(replace(before, settings=settings, version=asked.change.next_version()))
    return Done("ALTER_SCHEMA", "ALTER")


def target(asked: Asked, *, exists: bool = True) -> TableId:
    """The table that the statement is about, whose name and place are checked."""
    found = asked.scope.id_of(asked.reader.path())
    plain, decorator = names.table(found.table)
    if decorator is not None:
        raise invalid(f"Invalid table ID {found.table!r}: a statement names the whole table.")
    names.project(found.project)
    names.dataset(found.dataset)
    if exists or found.within in asked.change.state.datasets:
        asked.scope.located(found.within)
    return TableId(found.project, found.dataset, plain)


VERBS: dict[str, Callable[[Asked], Done]] = {
    "CREATE_TABLE": _create_table,
    "CREATE_VIEW": _create_view,
    "CREATE_SCHEMA": _create_schema,
    "DROP_TABLE": _drop,
    "DROP_VIEW": _drop,
    "DROP_SCHEMA": _drop_schema,
    "ALTER_TABLE": _alter,
    "ALTER_VIEW": _alter,
    "ALTER_SCHEMA": _alter_schema,
}
