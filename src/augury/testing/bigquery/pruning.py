"""Which columns of its tables does a SELECT need, seen through its subqueries?

BigQuery docs: "Estimate and control costs": a query is charged for the columns that it reads. A column of a subquery
that nobody outside of it asks for is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from augury.testing.bigquery import selects
from augury.testing.bigquery.catalog import TableId
from augury.testing.bigquery.refusals import Refusal
from augury.testing.bigquery.resolving import Scope

Needed = Mapping[TableId, set[str]]


def needed(scope: Scope, sql: str) -> Needed | None:
    """Names of columns, in lower case. None where it cannot be seen, such as behind a view."""
    from sqlglot import exp

    if scope.wildcards or any(table.view is not None for table in scope.read.values()):
        return None
    try:
        tree = selects.parsed(sql)
        if not isinstance(tree, exp.Query):
            return None
        found: dict[TableId, set[str]] = {one: set() for one in scope.read}
        for table, column in _read(tree, scope):
            found[table].add(column)
    except (Refusal, LookupError):
        # BigQuery ML, or a name that is not of a table that was read.
        return None
    except Exception:  # noqa: BLE001 - the optimizer has limits of its own; without it an estimate is only higher
        return None
    return found


def _read(tree: Any, scope: Scope) -> Iterator[tuple[TableId, str]]:
    """Raises LookupError where a column cannot be followed to its table."""
    from sqlglot import exp
    from sqlglot.optimizer.pushdown_projections import pushdown_projections
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import traverse_scope

    project, dataset = scope.default or (scope.project, None)
    schema: dict[str, Any] = {}
    for it, table in scope.read.items():
        columns = {one["name"]: "STRUCT" if one["type"] == "RECORD" else "STRING" for one in table.fields}
        schema.setdefault(it.project, {}).setdefault(it.dataset, {})[it.table] = columns
    tree = qualify(tree, schema=schema, dialect="bigquery", catalog=project, db=dataset, validate_qualify_columns=False)
    tree = pushdown_projections(tree)
    for part in traverse_scope(tree):
        for row in part.find_all(exp.TableColumn):
            source = _source(part, row.name)
            if not isinstance(source, exp.Table):
                raise LookupError(f"a whole row of {row.name}")
            whole = scope.id_of(tuple(one.name for one in source.parts))
            yield from ((whole, one["name"].lower()) for one in scope.read[whole].fields)
        for column in part.columns:
            if column.name.upper().startswith("_PARTITION"):
                continue
            source = _source(part, column.table)
            if isinstance(source, exp.Table):
                yield scope.id_of(tuple(one.name for one in source.parts)), column.name.lower()


def _source(part: Any, name: str) -> Any:
    """What a name stands for, in the query itself or in one around it."""
    while part is not None:
        if name in part.sources:
            return part.sources[name]
        part = part.parent
    raise LookupError(name)
