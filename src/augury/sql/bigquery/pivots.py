"""Rows to columns and back. BigQuery docs: 'Query syntax', PIVOT operator and UNPIVOT operator.

Written out as aggregates with FILTER, because the names of DuckDB's columns differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.names import quote
from augury.sql.bigquery.calling import Context, Sql, string_literal
from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.writing import called, plain, text

if TYPE_CHECKING:
    from sqlglot import exp


def note_pivots(node: exp.Expr) -> None:
    """Notes the columns that a PIVOT uses up, before they are written."""
    from sqlglot import exp

    for pivot in node.args.get("pivots") or []:
        columns = {column.name: None for item in pivot.expressions for column in item.find_all(exp.Column)}
        subject = pivot.args["fields"][0].this
        pivot.meta["columns"] = [*columns, *([subject.name] if subject.name not in columns else [])]


def pivoted(node: exp.Expr, context: Context) -> Sql | None:
    pivots = node.args.get("pivots") or []
    if not pivots:
        return None
    if len(pivots) > 1 or len(pivots[0].args["fields"]) > 1:
        context.source.lacks(offset_of(node), "several PIVOTs at once: name the first in a WITH")
    pivot = pivots[0]
    alias = pivot.args.get("alias") or node.args.get("alias")
    node.set("pivots", None)
    node.set("alias", None)
    relation = context.generator.sql(node)
    rows = (
        _columns_to_rows(pivot, relation, context)
        if pivot.args.get("unpivot")
        else _rows_to_columns(pivot, relation, context)
    )
    name = plain(alias.name) if alias is not None and alias.name else "_pivot"
    return Sql(f"({rows}) AS {quote(name)}")


def _rows_to_columns(pivot: exp.Expr, relation: str, context: Context) -> str:
    from sqlglot import exp

    fields = pivot.args["fields"][0]
    subject = text(fields.this, context)
    out: list[str] = []
    for value in fields.expressions:
        named = isinstance(value, exp.PivotAlias)
        literal = value.this if named else value
        if not isinstance(literal, exp.Literal):
            context.source.lacks(offset_of(pivot), "PIVOT: only literals, or literals with an alias, can be pivoted")
        if not named and not literal.is_string:
            context.source.lacks(offset_of(pivot), "PIVOT of numbers: give each column a name, IN (1 AS one, 2 AS two)")
        label = plain(value.args["alias"].name) if named else literal.this
        for item in pivot.expressions:
            prefix = f"{plain(item.alias)}_" if isinstance(item, exp.Alias) else ""
            call = item.this if isinstance(item, exp.Alias) else item
            condition = f" FILTER (WHERE {subject} = {text(literal, context)})"
            out.append(f"{called(call, context, condition).text} AS {quote(prefix + label)}")
    used = ", ".join(map(quote, pivot.meta["columns"]))
    return f"SELECT * EXCLUDE ({used}), {', '.join(out)} FROM {relation} GROUP BY ALL"


def _columns_to_rows(pivot: exp.Expr, relation: str, context: Context) -> str:
    from sqlglot import exp

    fields = pivot.args["fields"][0]
    if len(pivot.expressions) != 1 or isinstance(pivot.expressions[0], exp.Tuple):
        context.source.lacks(
            offset_of(pivot), "UNPIVOT of several columns at once: UNION ALL of the SELECTs says the same"
        )
    value, name = plain(pivot.expressions[0].name), plain(fields.this.name)
    rows: list[str] = []
    gone: list[str] = []
    for item in fields.expressions:
        column = item.this if isinstance(item, exp.PivotAlias) else item
        label = item.args["alias"].name if isinstance(item, exp.PivotAlias) else plain(column.name)
        gone.append(quote(plain(column.name)))
        rows.append(f"{{{string_literal(value)}: {gone[-1]}, {string_literal(name)}: {string_literal(plain(label))}}}")
    inner = f"SELECT * EXCLUDE ({', '.join(gone)}), unnest([{', '.join(rows)}], max_depth := 2) FROM {relation}"
    if pivot.args.get("include_nulls"):
        return inner
    return f"SELECT * FROM ({inner}) WHERE {quote(value)} IS NOT NULL"
