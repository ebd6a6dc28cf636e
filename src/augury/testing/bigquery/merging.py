"""MERGE: a row is handled by the first clause that applies to it, and all clauses see the table as it was. BigQuery
docs: "Data manipulation language (DML) statements in GoogleSQL", MERGE statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from augury.names import quote
from augury.testing.bigquery import dml, selects
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.dml import ROW, Counts, Edit
from augury.testing.bigquery.refusals import not_imitated
from augury.testing.bigquery.statements import Statement, invalid_query

Work = Callable[[], Counts]


def merge(edit: Edit, statement: Statement) -> Counts:
    tree = selects.parsed(statement.text)
    table = edit.target(tree.this)
    works: list[Work] = []
    for number, when in enumerate(tree.args["whens"].expressions):
        earlier = [one for one in tree.args["whens"].expressions[:number] if _kind(one) == _kind(when)]
        works.append(_staged(edit, tree, table, when, earlier))
    done = [work() for work in works]
    edit.touched(table.id)
    return Counts(sum(one.inserted for one in done), sum(one.updated for one in done), sum(one.deleted for one in done))


def _quoted(name: str) -> str:
    return quote(name, "bigquery")


def _kind(when: Any) -> tuple[bool, bool]:
    return bool(when.args.get("matched")), bool(when.args.get("source"))


def _staged(edit: Edit, tree: Any, table: Table, when: Any, earlier: list[Any]) -> Work:
    """What a clause is going to do, with its rows already found."""
    from sqlglot import exp

    rows = _rows(tree, when, earlier)
    then = when.args["then"]
    name = _quoted(tree.this.alias_or_name)
    if isinstance(then, exp.Var) and then.name.upper() == "DELETE":
        staged, _ = edit.rows(f"SELECT {name}.{ROW} {rows}")
        return lambda: Counts(deleted=dml.delete_rows(edit, table, staged))
    if isinstance(then, exp.Update):
        sets = dml.assignments(table, then.expressions)
        cells = [f"{name}.{ROW}", *(f"{value} AS v{number}" for number, (_, value) in enumerate(sets))]
        staged, _ = edit.rows(f"SELECT {', '.join(cells)} {rows}")
        return lambda: Counts(updated=dml.update_rows(edit, table, staged, [one for one, _ in sets]))
    if isinstance(then, exp.Insert):
        return _insertion(edit, tree, table, then, rows)
    raise not_imitated(f"the MERGE clause {when.sql('bigquery')[:80]}")


def _insertion(edit: Edit, tree: Any, table: Table, then: Any, rows: str) -> Work:
    from sqlglot import exp

    columns = list(table.fields)
    if isinstance(then.this, exp.Tuple):
        columns = [dml.column(table, one.name) for one in then.this.expressions]
    if isinstance(then.expression, exp.Tuple):
        cells = [one.sql("bigquery") for one in then.expression.expressions]
        if len(cells) != len(columns):
            raise invalid_query(f"Inserted row has wrong column count; Has {len(cells)}, expected {len(columns)}")
        sql = f"SELECT {', '.join(f'{cell} AS v{number}' for number, cell in enumerate(cells))} {rows}"
    else:
        # INSERT ROW: the columns of the source that have the names of those of the target.
        source = tree.args["using"].alias_or_name
        wanted = (f"{_quoted(source)}.{_quoted(one['name'])} AS v{number}" for number, one in enumerate(columns))
        sql = f"SELECT {', '.join(wanted)} {rows}"
    staged, fields = edit.rows(sql)
    return lambda: Counts(inserted=dml.put_in(edit, table, columns, staged, fields, loosely=True))


def _rows(tree: Any, when: Any, earlier: list[Any]) -> str:
    """FROM and WHERE of the rows that a clause applies to."""
    target, source, on = (tree.args[name].sql("bigquery") for name in ("this", "using", "on"))
    matched, by_source = _kind(when)
    if matched:
        base, conditions = f"FROM {target} JOIN {source} ON {on}", []
    elif by_source:
        base, conditions = f"FROM {target}", [f"NOT EXISTS (SELECT 1 FROM {source} WHERE {on})"]
    else:
        base, conditions = f"FROM {source}", [f"NOT EXISTS (SELECT 1 FROM {target} WHERE {on})"]
    for one in earlier:
        condition = one.args.get("condition")
        conditions.append(f"NOT COALESCE({condition.sql('bigquery')}, FALSE)" if condition is not None else "FALSE")
    own = when.args.get("condition")
    if own is not None:
        conditions.append(f"({own.sql('bigquery')})")
    return f"{base} WHERE {' AND '.join(conditions)}" if conditions else base
