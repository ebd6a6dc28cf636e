"""CREATE, ALTER and DROP of tables, views and datasets. BigQuery docs: "Data definition language (DDL) statements in
GoogleSQL"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from augury.testing.bigquery import datasets, definitions, views
from augury.testing.bigquery.alterations import alter
from augury.testing.bigquery.asking import Asked, Done, target
from augury.testing.bigquery.clauses import reader_of
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import duplicate, invalid, missing, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.statements import Statement
from augury.testing.bigquery.store import Change
from augury.testing.bigquery.table_making import create_table

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


def perform(service: Service, change: Change, scope: Scope, statement: Statement, parameters: Parameters) -> Done:
    asked = Asked(service, change, scope, reader_of(statement), parameters)
    return VERBS[statement.kind](asked)


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


VERBS: dict[str, Callable[[Asked], Done]] = {
    "CREATE_TABLE": create_table,
    "CREATE_VIEW": _create_view,
    "CREATE_SCHEMA": _create_schema,
    "DROP_TABLE": _drop,
    "DROP_VIEW": _drop,
    "DROP_SCHEMA": _drop_schema,
    "ALTER_TABLE": _alter,
    "ALTER_VIEW": _alter,
    "ALTER_SCHEMA": _alter_schema,
}
