"""How are BigQuery's operators, literals and constructors written for DuckDB?

Each rewriter answers for one kind of node whose children are finished; it gives the text that takes its place, or
None to leave the node to sqlglot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from augury.sql.bigquery.calling import Context, Sql, string_literal
from augury.sql.bigquery.casts import cast_text
from augury.sql.bigquery.intervals import UNITS, make_interval
from augury.sql.bigquery.kinds import kind_of
from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.writing import anonymous, finished, moment, plain, text, value, window

if TYPE_CHECKING:
    from sqlglot import exp


def divided(node: exp.Div, context: Context) -> Sql:
    """Always FLOAT64 for whole numbers; a division by zero is an error, of which DuckDB makes infinity."""
    from sqlglot import exp

    by = node.expression
    left, right = text(node.this, context), text(by, context)
    literal = isinstance(by, exp.Literal) and by.this.strip("0.e") != ""
    if not literal:
        right = context.fill("CASE {0} WHEN 0 THEN error('division by zero') ELSE {0} END", right)
    exact = {kind_of(node.this, context), kind_of(by, context)} == {"NUMERIC"}
    out = f"({left} / {right})"
    return Sql(f"CAST({out} AS DECIMAL(38, 9))", "NUMERIC") if exact else Sql(out, "FLOAT64")


def arithmetic(node: exp.Binary, context: Context) -> Sql | None:
    """Dates move by whole days, which are INTEGER on DuckDB; literals are INT64."""
    from sqlglot import exp

    left, right = kind_of(node.this, context), kind_of(node.expression, context)
    operator = {"Add": "+", "Sub": "-", "Mul": "*"}[type(node).__name__]
    if left == "DATE" and right == "DATE":
        context.source.lacks(offset_of(node), "the difference of two dates is an INTERVAL: write DATE_DIFF(a, b, DAY)")
    if left == "DATE" and right == "INT64" and not isinstance(node.expression, exp.Literal):
        return Sql(f"({text(node.this, context)} {operator} CAST({text(node.expression, context)} AS INTEGER))", "DATE")
    if isinstance(node.this, exp.Literal) and isinstance(node.expression, exp.Literal) and left == right == "INT64":
        return Sql(f"({value(node.this, context)} {operator} {text(node.expression, context)})", "INT64")
    return None


def interval(node: exp.Interval, context: Context) -> Sql | None:
    from sqlglot import exp

    if isinstance(node.parent, exp.Anonymous):
        return None  # with the call
    unit = node.unit.name.upper() if node.unit is not None else ""
    if unit not in UNITS or node.this is None:
        context.source.refuse(
            offset_of(node), f"INTERVAL ... {unit or '?'}: write a number and one of {', '.join(UNITS)}"
        )
    amount = node.this
    number = amount.this if isinstance(amount, exp.Literal) else text(amount, context)
    return Sql(make_interval(number, unit), "INTERVAL")


def at_zone(node: exp.AtTimeZone, context: Context) -> Sql:
    zone = text(node.args["zone"], context)
    return Sql(f"timezone({zone}, CAST({text(node.this, context)} AS TIMESTAMP WITH TIME ZONE))", "DATETIME")


def cast(node: exp.Cast, context: Context) -> Sql:
    return cast_text(node, context, text(node.this, context))


def bracket(node: exp.Bracket, context: Context) -> Sql | None:
    """array[OFFSET(0)] and its like: an index outside is an error, unless SAFE_."""
    from sqlglot import exp

    if len(node.expressions) != 1:
        return None
    index = node.expressions[0]
    start, array = node.args.get("offset") or 0, text(node.this, context)
    if isinstance(index, exp.Literal) and index.is_string:
        return Sql(f"json_extract({array}, '$.' || {string_literal(chr(34) + index.this + chr(34))})", "JSON")
    position = text(index, context) if start else f"({text(index, context)} + 1)"
    if isinstance(index, exp.Literal) and index.this.isdigit():
        at = int(index.this) - start + 1
        if at >= 1 and (node.args.get("safe") or at <= node.this.meta.get("length", 0)):
            return Sql(f"({array})[{at}]")
        position = str(at)
    inside = "{0}[{1}]"
    outside = "NULL" if node.args.get("safe") else "error('Array index is out of bounds')"
    pattern = (
        f"CASE WHEN {{1}} BETWEEN 1 AND len({{0}}) THEN {inside} "
        f"WHEN {{0}} IS NULL OR {{1}} IS NULL THEN NULL ELSE {outside} END"
    )
    return Sql(context.fill(pattern, array, position))


def contained(node: exp.In, context: Context) -> Sql | None:
    """x IN UNNEST(array): NULLs count as they do in a list."""
    unnest = node.args.get("unnest")
    if unnest is None:
        return None
    array = text(unnest.expressions[0], context) if unnest.expressions else "NULL"
    return Sql(f"({text(node.this, context)} IN (SELECT unnest({array})))", "BOOL")


def array(node: exp.Array, context: Context) -> Sql:
    from sqlglot import exp

    first = node.expressions[0] if node.expressions else None
    if isinstance(first, exp.Comprehension):
        context.source.refuse(
            offset_of(node), "a list comprehension is not of BigQuery: ARRAY(SELECT ... FROM UNNEST(x))"
        )
    if isinstance(first, exp.Query):
        return Sql(f"ARRAY({context.generator.sql(first)})", "ARRAY")
    return Sql("[" + ", ".join(value(item, context) for item in node.expressions) + "]", "ARRAY", len(node.expressions))


def struct(node: exp.Struct, context: Context) -> Sql:
    """Fields are called by their alias, or by the column that they are."""
    from sqlglot import exp

    fields: list[tuple[str, str]] = []
    for item in node.expressions:
        if isinstance(item, exp.PropertyEQ):
            fields.append((plain(item.this.name), value(item.expression, context)))
        elif isinstance(item, exp.Alias):
            fields.append((plain(item.alias), value(item.this, context)))
        else:
            name = plain(item.name) if isinstance(item, exp.Column | exp.Dot) else ""
            fields.append((name, value(item, context)))
    if not any(name for name, _ in fields):
        return Sql(f"row({', '.join(item for _, item in fields)})", "STRUCT")
    pairs = (f"{string_literal(name or f'_field_{at}')}: {item}" for at, (name, item) in enumerate(fields, 1))
    return Sql("{" + ", ".join(pairs) + "}", "STRUCT")


def dot(node: exp.Dot, context: Context) -> Sql | None:
    """A field of something that is no column."""
    from sqlglot import exp

    if isinstance(node.this, exp.Column | exp.Identifier | exp.Dot):
        return None
    return Sql(f"({context.generator.sql(node.this)}).{context.generator.sql(node.expression)}")


def case(node: exp.Case, context: Context) -> Sql | None:
    """Whole numbers among the results are INT64."""
    places = [*node.args["ifs"], node]
    for holder in places:
        key = "default" if holder is node else "true"
        result = holder.args.get(key)
        if result is not None and kind_of(result, context) == "INT64":
            result.replace(finished(Sql(value(result, context), "INT64")))
    return None


def like(node: exp.Like, context: Context) -> Sql | None:
    """A backslash takes the meaning from % and _ (docs: 'Operators'); DuckDB has no such character by itself."""
    from sqlglot import exp

    pattern = node.expression
    if isinstance(node.parent, exp.Escape) or (isinstance(pattern, exp.Literal) and "\\" not in pattern.this):
        return None
    return Sql(f"({text(node.this, context)} LIKE {text(pattern, context)} ESCAPE '\\')", "BOOL")


def literal(node: exp.Literal, context: Context) -> Sql | None:
    """Fractions are FLOAT64, where DuckDB reads DECIMAL; bytes are BLOBs."""
    if node.is_string:
        return Sql(f"unhex('{node.this[2:]}')", "BYTES") if node.this.startswith("\0b") else None
    if not node.this.isdigit() and "e" not in node.this.lower():
        node.set("this", f"{node.this}e0")
    return None


def hexadecimal(node: exp.HexString, context: Context) -> Sql:
    return Sql(str(int(node.name, 16)), "INT64")


def parameter(node: exp.Parameter, context: Context) -> Sql:
    name = node.name
    return Sql(f"${name}", context.kinds.get(f"@{name}"))


def column(node: exp.Column, context: Context) -> Sql | None:
    name = plain(node.name)
    if name.startswith("__augury_") and not node.table:
        return Sql(name, context.kinds.get(name))
    return None


def identifier(node: exp.Identifier, context: Context) -> None:
    """Quoted, so that no word of DuckDB is in the way, and marked with its line."""
    line = node.meta.get("line")
    if line is not None and not node.this.startswith("__augury_"):
        node.set("this", f"{node.this}\0{line}\0")
        node.set("quoted", True)


def rewriters() -> dict[type[exp.Expr], Callable[[Any, Context], Sql | None]]:
    from sqlglot import exp

    return {
        exp.Add: arithmetic,
        exp.Anonymous: anonymous,
        exp.Array: array,
        exp.AtTimeZone: at_zone,
        exp.Bracket: bracket,
        exp.Case: case,
        exp.Cast: cast,
        exp.Column: column,
        exp.CurrentDate: moment,
        exp.CurrentDatetime: moment,
        exp.CurrentTime: moment,
        exp.CurrentTimestamp: moment,
        exp.Div: divided,
        exp.Dot: dot,
        exp.HexString: hexadecimal,
        exp.Identifier: identifier,
        exp.In: contained,
        exp.Interval: interval,
        exp.Like: like,
        exp.Literal: literal,
        exp.Mul: arithmetic,
        exp.Parameter: parameter,
        exp.Struct: struct,
        exp.Sub: arithmetic,
        exp.TryCast: cast,
        exp.Window: window,
    }
