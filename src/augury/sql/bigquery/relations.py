"""What do FROM and JOIN read? Tables, wildcard tables and arrays.

BigQuery docs: 'Query syntax' (FROM clause, UNNEST operator, correlated join) and 'Query multiple tables using a
wildcard table'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.names import quote
from augury.sql.bigquery.calling import Context, Sql, string_literal
from augury.sql.bigquery.contract import PLACEHOLDER, Tables
from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.writing import plain, text

if TYPE_CHECKING:
    from sqlglot import exp


def table(node: exp.Table, context: Context, tables: Tables | None) -> None:
    """Three-part names, CTEs left alone, wildcard tables as a union of their shards."""
    from sqlglot import exp

    parts = tuple(plain(name) for part in node.parts for name in _names(part))
    if not parts or not all(parts):
        context.source.lacks(offset_of(node), "this is no table: table functions have no counterpart on DuckDB")
    if node.args.get("version") is not None or node.args.get("when") is not None:
        context.source.lacks(offset_of(node), "FOR SYSTEM_TIME AS OF: DuckDB does not keep what a table was")
    alias = node.args.get("alias")
    if len(parts) == 1 and parts[0].startswith(PLACEHOLDER):
        node.set("this", exp.Var(this=parts[0]))
        return
    if len(parts) == 1 and parts[0].lower() in _ctes(node):
        return
    if parts[-1].endswith("*"):
        found: str | None = _wildcard(node, parts, context, tables)
    else:
        found = tables.table(parts) if tables is not None else None
    line = node.parts[-1].meta.get("line", 1)
    name = ".".join(map(quote, parts)) if found is None else found
    for key in ("db", "catalog"):
        node.set(key, None)
    node.set("this", exp.Var(this=f"\0{line}\0{name}"))
    if alias is None or not alias.this:
        if not parts[-1].endswith("*"):
            node.set("alias", exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True)))
        elif found is not None:
            node.set("alias", exp.TableAlias(this=exp.to_identifier("_wildcard", quoted=True)))


def _names(part: exp.Expr) -> list[str]:
    from sqlglot import exp

    if isinstance(part, exp.Dot):
        return [name for inner in part.parts for name in _names(inner)]
    if isinstance(part, exp.Identifier):
        # INFORMATION_SCHEMA.X comes as one name.
        return part.name.split(".") if part.name.upper().startswith("INFORMATION_SCHEMA.") else [part.name]
    return [""]


def _ctes(node: exp.Expr) -> set[str]:
    """CTEs that can be seen from here: not a CTE's own name inside its query, unless it is recursive."""
    from sqlglot import exp

    seen: set[str] = set()
    below, holder = node, node.parent
    inside: exp.Expr | None = None
    while holder is not None:
        if isinstance(below, exp.CTE):
            inside = below
        clause = holder.args.get("with_") if isinstance(holder, exp.Query) else None
        if clause is not None:
            for cte in clause.expressions:
                if cte is inside and not clause.args.get("recursive"):
                    break
                seen.add(plain(cte.alias).lower())
        below, holder = holder, holder.parent
    return seen


# -- wildcard tables -----------------------------------------------------------------------------------------


def _wildcard(node: exp.Table, parts: tuple[str, ...], context: Context, tables: Tables | None) -> str:
    prefix = (*parts[:-1], parts[-1][:-1])
    shards = list(tables.shards(prefix)) if tables is not None else []
    if not shards:
        context.source.refuse(offset_of(node), f"no table matches {'.'.join(parts)}")
    lowest, highest = node.meta.get("bounds", ("", None))
    read = [shard for shard in shards if shard[0] >= lowest and (highest is None or shard[0] <= highest)]
    used = node.meta.get("suffix", False)
    selects = (
        f"SELECT *{f', {string_literal(suffix)} AS _TABLE_SUFFIX' if used else ''} FROM {relation}"
        for suffix, relation in read or shards[:1]
    )
    return f"({' UNION ALL BY NAME '.join(selects)})"


def note_wildcards(select: exp.Select, read: list[exp.Expr]) -> None:
    """Notes whether _TABLE_SUFFIX is used, and its literal bounds; `*` does not give it."""
    from sqlglot import exp

    wild = [item for item in read if isinstance(item, exp.Table) and item.name.endswith("*")]
    if not wild:
        return
    used = any(column.name.upper() == "_TABLE_SUFFIX" for column in select.find_all(exp.Column))
    for item in wild:
        item.meta["suffix"] = used
        if len(wild) == 1:
            item.meta["bounds"] = _bounds(select.args.get("where"))
    if used:
        names = {item.alias.lower() for item in wild}
        for column in select.expressions:
            star = column.this if isinstance(column, exp.Column) and column.table.lower() in names else column
            if isinstance(star, exp.Star):
                star.set("except_", [*(star.args.get("except_") or []), exp.column("_TABLE_SUFFIX")])


def _bounds(where: exp.Expr | None) -> tuple[str, str | None]:
    """(lowest, highest) suffix that a WHERE of literals joined by AND lets through."""
    from sqlglot import exp

    lowest, highest = "", None
    conditions = [where.this] if where is not None else []
    while conditions:
        condition = conditions.pop()
        if isinstance(condition, exp.And | exp.Paren):
            conditions += [condition.this, *([condition.expression] if isinstance(condition, exp.And) else [])]
            continue
        subject = condition.this if isinstance(condition, exp.Binary | exp.Between) else None
        if not isinstance(subject, exp.Column) or subject.name.upper() != "_TABLE_SUFFIX":
            continue
        low, high = condition.args.get("low", condition.expression), condition.args.get("high", condition.expression)
        if isinstance(condition, exp.Between | exp.EQ | exp.GTE | exp.GT) and _is_text(low):
            lowest = max(lowest, low.this)
        if isinstance(condition, exp.Between | exp.EQ | exp.LTE | exp.LT) and _is_text(high):
            highest = high.this if highest is None else min(highest, high.this)
    return lowest, highest


def _is_text(node: exp.Expr | None) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Literal) and bool(node.is_string)


# -- arrays --------------------------------------------------------------------------------------------------


def note_unnests(select: exp.Select, read: list[exp.Expr], context: Context) -> None:
    """Decides for each array whether its elements are values or rows: only their use tells without a schema.

    An element that is used as `e.field`, or that has no name, is a struct whose fields are columns.
    """
    from sqlglot import exp

    unnests = [item for item in read if isinstance(item, exp.Unnest)]
    if not unnests:
        return
    bare: set[str] = set()
    qualified: set[str] = set()
    for column in select.find_all(exp.Column):
        if column.table:
            qualified.add(column.parts[0].name.lower())
        else:
            bare.add(column.name.lower())
    starred = any(isinstance(item, exp.Star) for item in select.expressions)
    for item in unnests:
        name = item.alias_column_names[0].lower() if item.alias_column_names else ""
        kind = _elements(item, context)
        if kind is None and name:
            kind = "struct" if name in qualified else "value" if name in bare else None
            if kind is None and starred:
                start = offset_of(item)
                context.source.lacks(
                    start, f"whether * gives {name} or its fields cannot be seen: write {name}.*, or {name}"
                )
        item.meta["elements"] = kind or "struct"


_OF_VALUES = frozenset(
    (
        *("GENERATE_ARRAY", "GENERATE_DATE_ARRAY", "GENERATE_TIMESTAMP_ARRAY", "SPLIT", "REGEXP_EXTRACT_ALL"),
        *("JSON_VALUE_ARRAY", "JSON_EXTRACT_STRING_ARRAY", "APPROX_QUANTILES"),
    )
)
"""Functions whose arrays hold no structs."""


def _elements(item: exp.Unnest, context: Context) -> str | None:
    """What is seen from the array itself."""
    from sqlglot import exp

    array = item.expressions[0]
    if isinstance(array, exp.Anonymous):
        return "value" if context.call_of(array).name in _OF_VALUES else None
    if isinstance(array, exp.Cast):
        inner = array.to.expressions[0] if array.to.expressions else None
        return "struct" if inner is not None and inner.is_type("struct") else "value"
    if isinstance(array, exp.Array) and array.expressions:
        first = array.expressions[0]
        if isinstance(first, exp.Select):
            return "struct" if first.args.get("kind") == "STRUCT" else None
        return (
            "struct"
            if isinstance(first, exp.Struct | exp.Tuple)
            else None
            if isinstance(first, exp.Column)
            else "value"
        )
    return None


def unnest(node: exp.Unnest, context: Context) -> Sql | None:
    from sqlglot import exp

    if isinstance(node.parent, exp.In):
        return None  # with the IN
    if len(node.expressions) != 1:
        context.source.lacks(offset_of(node), "UNNEST of several arrays at once: join them WITH OFFSET")
    names = [plain(name) for name in node.alias_column_names]
    offset = node.args.get("offset")
    array = text(node.expressions[0], context)
    as_rows = node.meta.get("elements", "struct") == "struct"
    source = "_a" if offset else array
    element = (
        f"unnest({source}, max_depth := 2)" if as_rows else f"unnest({source}) AS {quote(names[0] if names else 'f0_')}"
    )
    if offset:
        at = quote(plain(offset.name) if isinstance(offset, exp.Expr) else "offset")
        rows = f"(SELECT {element}, unnest(range(len(_a))) AS {at} FROM (SELECT {array} AS _a))"
    else:
        rows = f"(SELECT {element})"
    name = quote(names[0]) if as_rows and names else f'"_u{next(context.lambdas)}"'
    joined = node.parent if isinstance(node.parent, exp.Join) else None
    if joined is not None and not joined.args.get("on") and (joined.side or joined.kind in ("", "INNER")):
        joined.set("on", exp.true())
    return Sql(f"{'LATERAL ' if joined is not None else ''}{rows} AS {name}")


def unnest_paths(read: list[exp.Expr]) -> list[exp.Expr]:
    """`FROM t, t.items AS i` reads an array of each row: the same as UNNEST(t.items)."""
    from sqlglot import exp

    seen: set[str] = set()
    out: list[exp.Expr] = []
    for item in read:
        if (
            isinstance(item, exp.Table)
            and item.db
            and item.parts[0].name.lower() in seen
            and not item.args.get("pivots")
        ):
            path = [part.copy() for part in item.parts]
            alias = item.args.get("alias")
            name = alias.this.copy() if alias is not None and alias.this else path[-1].copy()
            column = exp.Dot.build(path) if len(path) > 2 else exp.Column(this=path[1], table=path[0])
            array = exp.Unnest(expressions=[column], alias=exp.TableAlias(columns=[name]), offset=False)
            item.replace(array)
            out.append(array)
            continue
        seen.add(item.alias_or_name.lower())
        out.append(item)
    return out
