"""How does a SELECT of DuckDB run on BigQuery? The way back, for the SQL of ordinary pipelines.

Functions are known by name here too; what BigQuery answers differently is written in another way, and what it has not
is refused with its position. Columns have no types here: where DuckDB takes dates and timestamps alike, both are cast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from augury.sql.bigquery.calling import Context
from augury.sql.bigquery.contract import PLACEHOLDER, Translated
from augury.sql.bigquery.kinds import kind_of
from augury.sql.bigquery.lines import placed
from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.refusals import Source
from augury.sql.bigquery.reverse_functions import FUNCTIONS, NULLS_LEFT_OUT, Given
from augury.sql.bigquery.reverse_reading import Calls

if TYPE_CHECKING:
    from sqlglot import exp

_ESCAPED = re.compile(r"(?<!\\)\\x00(\d+)\\x00")
"""A mark as sqlglot writes it in a name of BigQuery; backslashes of the user are doubled."""
_WINDOWED = "_AUGURY_WINDOWED"
_TYPES = {
    "BOOLEAN": "BOOL", "TINYINT": "INT64", "SMALLINT": "INT64", "INT": "INT64", "BIGINT": "INT64", "FLOAT": "FLOAT64",
    "DOUBLE": "FLOAT64", "TEXT": "STRING", "VARCHAR": "STRING", "DATE": "DATE", "TIMESTAMP": "DATETIME",
    "TIMESTAMPTZ": "TIMESTAMP", "TIME": "TIME", "DECIMAL": "NUMERIC", "VARBINARY": "BYTES",
}  # fmt: skip


def from_duckdb(sql: str, placeholders: Mapping[str, str] | None = None) -> Translated:
    """One DuckDB SELECT as BigQuery SQL; `placeholders` as in `to_duckdb`. Raises SpecError with the line."""
    from sqlglot import exp
    from sqlglot.dialects.bigquery import BigQuery
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.errors import SqlglotError

    source = Source(sql, engine="BigQuery")
    dialect = DuckDB()
    try:
        calls = Calls(source, dialect.tokenize(sql))
        trees = dialect.parser().parse(calls.tokens, sql)
    except SqlglotError as error:
        place = (getattr(error, "errors", None) or [{}])[0]
        offset = source.offset(place.get("line") or 1, place.get("col") or 1)
        source.refuse(offset, f"not the SQL of a DuckDB SELECT: {place.get('description') or 'something does not end'}")
    except RecursionError:
        source.refuse(0, "this query is nested too deeply: name inner queries with WITH")
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        source.refuse(calls.second, "more than one statement" if calls.second else "only a SELECT can be translated")
    generator: Any = BigQuery().generator(comments=False)
    context = Context(source, (), generator, {name: type_.upper() for name, type_ in (placeholders or {}).items()})
    return placed(_ESCAPED.sub("\0\\1\0", _written(trees[0], context, calls)), bigquery=True)


def _written(tree: exp.Query, context: Context, calls: Calls) -> str:
    from sqlglot import exp

    for node in tree.find_all(*_foreign()):
        context.source.refuse(
            offset_of(node), f"{type(node).__name__} has no counterpart on BigQuery that is known here"
        )
    for select in tree.find_all(exp.Select):
        _check_names(select, context)
    rewriters = _rewriters(calls)
    for node in reversed(list(tree.walk(bfs=True))):
        rewriter = rewriters.get(type(node))
        found = rewriter(node, context) if rewriter is not None else None
        if found is not None:
            text, kind = found
            done = exp.Var(this=text)
            if kind:
                done.meta["kind"] = kind
            node.replace(done)
    text = str(context.generator.sql(tree))
    if context.generator.unsupported_messages:
        context.source.refuse(0, f"BigQuery has no counterpart: {'; '.join(context.generator.unsupported_messages)}")
    return text


def _check_names(select: exp.Select, context: Context) -> None:
    """Where the same names mean something else on BigQuery."""
    from sqlglot import exp

    joins = select.args.get("joins") or ()
    if any(join.args.get("using") for join in joins) and any(isinstance(item, exp.Star) for item in select.expressions):
        context.source.refuse(offset_of(select), "* over USING: its columns have another order on BigQuery; name them")
    group = select.args.get("group")
    grouped = {
        item.name.lower() for item in (group.expressions if group is not None else ()) if not item.args.get("table")
    }
    for item in select.expressions:
        alias = item.alias.lower() if isinstance(item, exp.Alias) and not isinstance(item.this, exp.Column) else ""
        if alias in grouped and any(column.name.lower() == alias for column in item.this.find_all(exp.Column)):
            message = (
                f"GROUP BY {alias}: DuckDB groups by the column, BigQuery by the alias; give the alias another name"
            )
            context.source.refuse(offset_of(item), message)


def _foreign() -> tuple[type[exp.Expr], ...]:
    """What is not carried over."""
    from sqlglot import exp

    return (exp.Bracket, exp.Lambda, exp.Comprehension, exp.Pivot, exp.TableSample, exp.Lateral, exp.Unnest, exp.Map)


_Found = tuple[str, str | None] | None


def _rewriters(calls: Calls) -> dict[type[Any], Callable[[Any, Context], _Found]]:
    from sqlglot import exp

    def anonymous(node: exp.Anonymous, context: Context) -> _Found:
        if isinstance(node.parent, exp.Filter):
            return None  # with the FILTER
        return _called(node, context, calls, "")

    def filtered(node: exp.Filter, context: Context) -> _Found:
        return _called(node.this, context, calls, _text(node.expression.this, context))

    def windowed(node: exp.Window, context: Context) -> _Found:
        call = str(context.generator.sql(node.this))
        node.set("this", exp.Anonymous(this=_WINDOWED))
        return str(context.generator.sql(node)).replace(f"{_WINDOWED}()", call, 1), None

    comparisons = dict.fromkeys((exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ), _compared)
    return {
        exp.Anonymous: anonymous,
        exp.Filter: filtered,
        exp.Window: windowed,
        exp.Like: _like,
        exp.Join: _join,
        exp.Distinct: _distinct,
        exp.Identifier: _identifier,
        exp.Column: _column,
        exp.Table: _table,
        exp.Div: _divided,
        exp.IntDiv: _whole,
        exp.Mod: _rest,
        exp.Cast: _cast,
        exp.TryCast: _cast,
        exp.Interval: _interval,
        exp.Between: _between,
        exp.Extract: _extract,
        exp.CurrentDate: lambda node, context: ("CURRENT_DATE()", "DATE"),
        exp.Sub: _moved,
        exp.Add: _moved,
        **comparisons,
    }


def _text(node: exp.Expr, context: Context) -> str:
    from sqlglot import exp

    out = str(context.generator.sql(node))
    loose = isinstance(node, exp.Binary | exp.Unary | exp.Predicate) and not isinstance(node, exp.Paren | exp.Dot)
    return f"({out})" if loose else out


def _called(node: exp.Anonymous, context: Context, calls: Calls, condition: str) -> _Found:
    from sqlglot import exp

    if not node.name.startswith("\0"):
        context.source.refuse(offset_of(node), f"{node.name[:60]}() is not known on BigQuery")
    name, offset = calls.names[int(node.name[1:])]
    mark = f"\0{context.source.line(offset)}\0"
    distinct = bool(node.expressions) and isinstance(node.expressions[0], exp.Distinct)
    nodes = node.expressions[0].expressions if distinct else node.expressions
    texts = [_text(item, context) for item in nodes]
    if condition and name == "count" and texts == ["*"]:
        return f"{mark}COUNTIF({condition})", "INT64"
    if condition:
        if name not in NULLS_LEFT_OUT:
            context.source.refuse(offset, f"{name}() with FILTER: only aggregates that leave NULLs out can be filtered")
        texts[0] = f"IF({condition}, {texts[0]}, NULL)"
    if distinct:
        texts[0] = f"DISTINCT {texts[0]}"
    literals = [item.this if isinstance(item, exp.Literal) and item.is_string else None for item in nodes]
    kinds = [kind_of(item, context) for item in nodes]
    given = Given(name, texts, literals, kinds, lambda message: context.source.refuse(offset, message))
    text, kind = FUNCTIONS[name](given)
    return mark + text, kind


def _identifier(node: exp.Identifier, context: Context) -> None:
    line = context.source.line(node.meta["start"]) if "start" in node.meta else None
    if line is not None and not node.this.startswith(PLACEHOLDER):
        node.set("this", f"{node.this}\0{line}\0")
        node.set("quoted", True)


def _column(node: exp.Column, context: Context) -> _Found:
    name = node.name.partition("\0")[0]
    return (name, context.kinds.get(name)) if name.startswith(PLACEHOLDER) and not node.table else None


def _table(node: exp.Table, context: Context) -> None:
    from sqlglot import exp

    if node.args.get("pivots") or node.args.get("sample"):
        context.source.refuse(offset_of(node), "PIVOT, UNPIVOT and TABLESAMPLE of DuckDB: write them out")
    if node.name.startswith(PLACEHOLDER):
        node.set("this", exp.Var(this=node.name))


def _divided(node: exp.Div, context: Context) -> _Found:
    """DuckDB makes infinity or NaN of a division by zero, as IEEE_DIVIDE does; BigQuery's own / fails."""
    from sqlglot import exp

    by = node.expression
    left, right = _text(node.this, context), _text(by, context)
    if isinstance(by, exp.Literal) and by.this.strip("0.") != "":
        return f"({left} / {right})", "FLOAT64"
    return f"IEEE_DIVIDE({left}, {right})", "FLOAT64"


def _whole(node: exp.IntDiv, context: Context) -> _Found:
    return f"DIV({_text(node.this, context)}, {_text(node.expression, context)})", "INT64"


def _rest(node: exp.Mod, context: Context) -> _Found:
    return f"MOD({_text(node.this, context)}, {_text(node.expression, context)})", kind_of(node.this, context)


def _cast(node: exp.Cast, context: Context) -> _Found:
    from sqlglot import exp

    type_ = _TYPES.get(node.to.this.name)
    if type_ is None:
        context.source.refuse(offset_of(node), f"CAST to {node.to.sql(dialect='duckdb')}: BigQuery has no such type")
    name = "SAFE_CAST" if isinstance(node, exp.TryCast) else "CAST"
    return f"{name}({_text(node.this, context)} AS {type_})", type_


def _interval(node: exp.Interval, context: Context) -> _Found:
    from sqlglot import exp

    unit = node.unit.name.upper() if node.unit is not None else ""
    if not unit or node.this is None:
        context.source.refuse(offset_of(node), "an interval without a unit: write INTERVAL 7 DAY")
    amount = node.this.this if isinstance(node.this, exp.Literal) else _text(node.this, context)
    return f"INTERVAL {amount} {unit.removesuffix('S')}", "INTERVAL"


def _moved(node: exp.Binary, context: Context) -> _Found:
    left, right = kind_of(node.this, context), kind_of(node.expression, context)
    sign = "+" if type(node).__name__ == "Add" else "-"
    if left == "DATE" and right == "DATE" and sign == "-":
        return f"DATE_DIFF({_text(node.this, context)}, {_text(node.expression, context)}, DAY)", "INT64"
    return None


def _compared(node: exp.Binary, context: Context) -> _Found:
    """DuckDB compares a TIMESTAMP with a DATE, BigQuery does not: a column beside a date may be either."""
    operator = {"GT": ">", "GTE": ">=", "LT": "<", "LTE": "<=", "EQ": "=", "NEQ": "<>"}[type(node).__name__]
    sides = _both(context, node.this, node.expression)
    return (f"{sides[0]} {operator} {sides[1]}", "BOOL") if sides is not None else None


def _between(node: exp.Between, context: Context) -> _Found:
    sides = _both(context, node.this, node.args["low"], node.args["high"])
    return (f"{sides[0]} BETWEEN {sides[1]} AND {sides[2]}", "BOOL") if sides is not None else None


def _both(context: Context, *nodes: exp.Expr) -> list[str] | None:
    from sqlglot import exp

    kinds = [kind_of(node, context) for node in nodes]
    if "DATE" not in kinds or set(kinds) == {"DATE"}:
        return None
    if any(isinstance(node, exp.Literal) for node in nodes):
        return None
    return [f"CAST({_text(node, context)} AS TIMESTAMP)" for node in nodes]


def _like(node: exp.Like, context: Context) -> None:
    from sqlglot import exp

    if not isinstance(node.expression, exp.Literal) or "\\" in node.expression.this:
        context.source.refuse(offset_of(node), "LIKE: BigQuery takes a backslash for an escape, DuckDB does not")


def _join(node: exp.Join, context: Context) -> None:
    if node.kind in ("SEMI", "ANTI") or node.args.get("method"):
        context.source.refuse(offset_of(node), f"{node.args.get('method') or node.kind} JOIN is not of BigQuery")


def _distinct(node: exp.Distinct, context: Context) -> None:
    if node.args.get("on") is not None:
        context.source.refuse(offset_of(node), "DISTINCT ON: write QUALIFY ROW_NUMBER() OVER (...) = 1")


def _extract(node: exp.Extract, context: Context) -> _Found:
    part = node.name.upper()
    if part not in ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE"):
        context.source.refuse(offset_of(node), f"extract({part.lower()}): its numbers differ on BigQuery")
    return f"EXTRACT({part} FROM {_text(node.expression, context)})", "INT64"
