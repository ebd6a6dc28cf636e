"""From the text of one dialect to the text of the other: the order of the work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from augury.errors import nearest
from augury.sql.bigquery.contract import Tables, Translated

if TYPE_CHECKING:
    from sqlglot import exp

    from augury.sql.bigquery.calling import Context


def to_duckdb(
    sql: str,
    *,
    tables: Tables | None = None,
    placeholders: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Translated:
    """One BigQuery SELECT as DuckDB SQL, for a connection that `functions.install` prepared.

    `placeholders` are types of names that begin with `__augury_` and stand for values; such names in FROM stand for
    relations. `parameters` are types of @named parameters, or of ? by their number; they come out as `$name`. `now`
    makes constants of the current date and time. Raises SpecError with the line of what cannot be translated.
    """
    from augury.sql.bigquery.calling import Context
    from augury.sql.bigquery.lines import placed
    from augury.sql.bigquery.reading import read

    reading = read(sql)
    kinds = {name: _kind(type_) for name, type_ in (placeholders or {}).items()}
    kinds |= {f"@{name}": _kind(type_) for name, type_ in (parameters or {}).items()}
    generator = _duckdb().generator(comments=False)
    at = now.astimezone(UTC).isoformat() if now is not None else None
    context = Context(reading.source, reading.calls, generator, kinds, at)
    if parameters is not None:
        _name_parameters(reading.tree, parameters, context)
    try:
        text = _written(reading.tree, context, tables)
    except RecursionError:
        reading.source.lacks(0, "this query is nested too deeply: name inner queries with WITH")
    if generator.unsupported_messages:
        reading.source.lacks(0, f"DuckDB has no counterpart: {'; '.join(generator.unsupported_messages)}")
    return placed(text)


def _written(tree: exp.Query, context: Context, tables: Tables | None) -> str:
    from sqlglot import exp

    from augury.sql.bigquery.pivots import pivoted
    from augury.sql.bigquery.relations import table, unnest
    from augury.sql.bigquery.selects import prepare, written
    from augury.sql.bigquery.writing import finished

    rewriters = _rewriters()
    for select in list(tree.find_all(exp.Select)):
        prepare(select, context)
    # Breadth first, backwards: children before their parents, without recursion.
    for node in reversed(list(tree.walk(bfs=True))):
        rewriter = rewriters.get(type(node))
        found = rewriter(node, context) if rewriter is not None else None
        if isinstance(node, exp.Select):
            written(node, context)
        elif isinstance(node, exp.Table):
            table(node, context, tables)
            found = pivoted(node, context)
        elif isinstance(node, exp.Subquery):
            found = pivoted(node, context)
        elif isinstance(node, exp.Unnest):
            found = unnest(node, context)
        if found is not None:
            node.replace(finished(found))
    return str(context.generator.sql(tree))


@lru_cache(maxsize=1)
def _rewriters() -> Any:
    from augury.sql.bigquery.operators import rewriters

    return rewriters()


@lru_cache(maxsize=1)
def _duckdb() -> Any:
    from sqlglot.dialects.duckdb import DuckDB

    return DuckDB()


def _kind(type_: str) -> str:
    """`DATE` of `DATE`, `ARRAY` of `ARRAY<STRING>`; old names of types in their new form."""
    name = type_.strip().upper().partition("<")[0].partition("(")[0].strip()
    return {
        "INTEGER": "INT64", "INT": "INT64", "BIGINT": "INT64", "FLOAT": "FLOAT64", "DOUBLE": "FLOAT64",
        "BOOLEAN": "BOOL", "VARCHAR": "STRING", "DECIMAL": "NUMERIC", "RECORD": "STRUCT",
    }.get(name, name)  # fmt: skip


def _name_parameters(tree: exp.Query, parameters: Mapping[str, str], context: Context) -> None:
    """Each parameter by the name that it was given with; letter case is free (BigQuery docs: 'Lexical structure and
    syntax', case sensitivity)."""
    from sqlglot import exp

    from augury.sql.bigquery.places import offset_of

    given = {name.lower(): name for name in parameters}
    for node in tree.find_all(exp.Parameter):
        name = given.get(node.name.lower())
        if name is None:
            close = nearest(node.name, parameters)
            context.source.refuse(offset_of(node), f"no parameter is called @{node.name}", suggestion=close)
        node.set("this", exp.Var(this=name))


def from_duckdb(sql: str, placeholders: Mapping[str, str] | None = None) -> Translated:
    """One DuckDB SELECT as BigQuery SQL; `placeholders` as in `to_duckdb`."""
    from augury.sql.bigquery import reverse

    return reverse.from_duckdb(sql, placeholders)
