"""What does one SELECT mean by its names? BigQuery docs: 'Query syntax', aliases and value tables.

An alias of the SELECT list goes before a column of the same name in GROUP BY and ORDER BY; DuckDB takes the column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.sql.bigquery.builders.aggregates import AGGREGATES
from augury.sql.bigquery.calling import Context, Sql, string_literal
from augury.sql.bigquery.pivots import note_pivots
from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.relations import note_unnests, note_wildcards, unnest_paths
from augury.sql.bigquery.writing import finished, plain, value

if TYPE_CHECKING:
    from sqlglot import exp


def prepare(select: exp.Select, context: Context) -> None:
    """What must be seen before expressions are written."""
    from sqlglot import exp

    if not select.expressions:
        context.source.refuse(offset_of(select), "a SELECT without columns")
    for join in select.args.get("joins", ()):
        if join.kind in ("SEMI", "ANTI", "STRAIGHT") or join.args.get("method"):
            context.source.refuse(offset_of(join), f"{join.args.get('method') or join.kind} JOIN is not of BigQuery")
    read = [source.this for source in (select.args.get("from_"), *select.args.get("joins", ())) if source is not None]
    read = unnest_paths(read)
    _columns_by_whole_paths(select, read)
    _columns_of_using_first(select)
    note_wildcards(select, read)
    note_unnests(select, read, context)
    for item in read:
        note_pivots(item)
    aliases = {
        item.alias.lower(): (at, item.this)
        for at, item in enumerate(select.expressions, 1)
        if isinstance(item, exp.Alias)
    }
    if aliases:
        _group_by_aliases(select, aliases)
        _order_by_aliases(select, aliases, context)


def _columns_by_whole_paths(select: exp.Select, read: list[exp.Expr]) -> None:
    """`project.dataset.t`.x is t.x where the table has no alias; DuckDB knows it by its last name alone."""
    from sqlglot import exp

    tables = [item for item in read if isinstance(item, exp.Table) and item.db and not item.alias]
    paths = [tuple(part.name for part in item.parts) for item in tables]
    for column in select.find_all(exp.Column) if paths else ():
        path = tuple(part.name for part in column.parts[:-1])
        if len(path) > 1 and any(path == whole[-len(path) :] for whole in paths):
            column.set("db", None)
            column.set("catalog", None)


def _columns_of_using_first(select: exp.Select) -> None:
    """`*` begins with the columns of USING (docs: 'Query syntax', USING clause); DuckDB leaves them in their places."""
    from sqlglot import exp

    joins = reversed(select.args.get("joins") or ())
    names = {column.name.lower(): column.name for join in joins for column in join.args.get("using") or ()}
    out: list[exp.Expr] = []
    for star in select.expressions:
        if names and isinstance(star, exp.Star) and not star.args.get("replace"):
            without = list(star.args.get("except_") or [])
            left_out = {column.name.lower() for column in without}
            first = [exp.column(name, quoted=True) for key, name in names.items() if key not in left_out]
            star.set("except_", [*without, *(column.copy() for column in first)])
            out += first
        out.append(star)
    if names:
        select.set("expressions", out)


def _group_by_aliases(select: exp.Select, aliases: dict[str, tuple[int, exp.Expr]]) -> None:
    """GROUP BY 1 instead of GROUP BY alias."""
    from sqlglot import exp

    group = select.args.get("group")
    if group is None:
        return
    stars = any(item.is_star for item in select.expressions)
    places = (exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets)
    for item in [column for column in group.find_all(exp.Column) if isinstance(column.parent, places)]:
        found = aliases.get(item.name.lower()) if not item.table else None
        if found is None or _is_column(found[1], item.name):
            continue
        item.replace(found[1].copy() if stars else exp.Literal.number(found[0]))


def _order_by_aliases(select: exp.Select, aliases: dict[str, tuple[int, exp.Expr]], context: Context) -> None:
    """ORDER BY f(alias): DuckDB finds aliases that stand alone by itself."""
    from sqlglot import exp

    order = select.args.get("order")
    for ordered in order.expressions if order is not None else ():
        if isinstance(ordered.this, exp.Column):
            continue
        for column in list(ordered.find_all(exp.Column)):
            found = aliases.get(column.name.lower()) if not column.table else None
            if (
                found is not None
                and not _is_column(found[1], column.name)
                and not _aggregated(column, ordered, context)
            ):
                column.replace(exp.Paren(this=found[1].copy()))


def _is_column(node: exp.Expr, name: str) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Column) and node.name.lower() == name.lower()


def _aggregated(node: exp.Expr, until: exp.Expr, context: Context) -> bool:
    from sqlglot import exp

    parent = node.parent
    while parent is not None and parent is not until:
        if isinstance(parent, exp.Anonymous) and context.call_of(parent).name in AGGREGATES:
            return True
        parent = parent.parent
    return False


def written(select: exp.Select, context: Context) -> None:
    """Names and types of the columns, once their expressions are written."""
    kind = select.args.get("kind")
    if kind == "STRUCT":
        select.set("kind", None)
        select.set("expressions", [finished(_as_struct(select, context))])
        return
    if kind == "VALUE":
        select.set("kind", None)
    _name_columns(select, context)


def _as_struct(select: exp.Select, context: Context) -> Sql:
    from sqlglot import exp

    fields = []
    for at, item in enumerate(select.expressions, 1):
        if item.is_star:
            context.source.lacks(offset_of(select), "SELECT AS STRUCT *: name the columns")
        inner = item.this if isinstance(item, exp.Alias) else item
        name = plain(item.alias_or_name) if isinstance(item, exp.Alias | exp.Column | exp.Dot) else f"_field_{at}"
        fields.append(f"{string_literal(name)}: {value(inner, context)}")
    return Sql("{" + ", ".join(fields) + "}", "STRUCT")


def _name_columns(select: exp.Select, context: Context) -> None:
    """Expressions without an alias are f0_, f1_, ... as in BigQuery; whole numbers are INT64."""
    from sqlglot import exp

    out, unnamed = [], 0
    for item in select.expressions:
        inner = item.this if isinstance(item, exp.Alias) else item
        if isinstance(inner, exp.Literal | exp.Neg):
            inner.replace(finished(Sql(value(inner, context))))
            inner = item.this if isinstance(item, exp.Alias) else finished(Sql(value(inner, context)))
        if isinstance(item, exp.Alias) or item.is_star or isinstance(item, exp.Column | exp.Dot):
            out.append(item)
            continue
        out.append(exp.alias_(inner, f"f{unnamed}_", quoted=True, copy=False))
        unnamed += 1
    select.set("expressions", out)
