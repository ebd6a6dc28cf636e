"""Aggregates and window functions: BigQuery docs, 'Aggregate functions', 'Approximate aggregate functions',
'Navigation functions', 'Numbering functions'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augury.sql.bigquery.calling import Aggregate, Arguments, Builder, Built

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True)
class _Modified:
    """`DISTINCT x IGNORE NULLS HAVING MAX y ORDER BY z LIMIT n`, taken apart."""

    arguments: list[exp.Expr]
    distinct: bool = False
    ignore_nulls: bool = False
    respect_nulls: bool = False
    having: exp.Expr | None = None
    having_max: bool = False
    order: str = ""
    limit: str = ""


def _modified(a: Arguments) -> _Modified:
    from sqlglot import exp

    if not a.nodes:
        return _Modified([])
    *before, node = a.nodes
    found: dict[str, object] = {}
    while True:
        if isinstance(node, exp.Limit):
            found["limit"] = a.context.generator.sql(node.expression)
        elif isinstance(node, exp.Order):
            found["order"] = "ORDER BY " + ", ".join(a.context.generator.sql(item) for item in node.expressions)
        elif isinstance(node, exp.IgnoreNulls):
            found["ignore_nulls"] = True
        elif isinstance(node, exp.RespectNulls):
            found["respect_nulls"] = True
        elif isinstance(node, exp.HavingMax):
            found["having"], found["having_max"] = node.expression, bool(node.args.get("max"))
        else:
            break
        node = node.this
    arguments = [*before, node]
    if isinstance(arguments[0], exp.Distinct):
        found["distinct"] = True
        arguments = [*arguments[0].expressions, *arguments[1:]]
    return _Modified(arguments, **found)  # type: ignore[arg-type]


def _plain(
    a: Arguments, *, distinct: bool = False, order: bool = False, nulls: bool = False, having: bool = False
) -> _Modified:
    """The arguments, with only these modifiers allowed."""
    m = _modified(a)
    refused = {
        "DISTINCT": m.distinct and not distinct,
        "ORDER BY": m.order and not order,
        "LIMIT": m.limit and not order,
        "IGNORE NULLS or RESPECT NULLS": (m.ignore_nulls or m.respect_nulls) and not nulls,
        "HAVING MAX or HAVING MIN": m.having is not None and not having,
    }
    for name in (name for name, given in refused.items() if given):
        a.lacks(f"{a.call.name}() with {name} has no counterpart on DuckDB")
    a.nodes = m.arguments
    return m


def simple(call: str, kind: str | None = None, *, wrap: str = "{0}", count: int = 1) -> Builder:
    """An aggregate of the same meaning on both engines."""

    def build(a: Arguments) -> Built:
        m = _plain(a, distinct=count == 1)
        a.count(count)
        texts = a.all()
        if m.distinct:
            texts[0] = f"DISTINCT {texts[0]}"
        return Aggregate(a.fill(call, *texts), wrap, kind)

    return build


def total(a: Arguments) -> Built:
    """SUM of INT64 is INT64; DuckDB widens it to HUGEINT."""
    m = _plain(a, distinct=True)
    a.count(1)
    kind = a.kind(0)
    return Aggregate(
        f"sum({'DISTINCT ' if m.distinct else ''}{a.sql(0)})", "CAST({0} AS BIGINT)" if kind == "INT64" else "{0}", kind
    )


def count(a: Arguments) -> Built:
    m = _plain(a, distinct=True)
    a.count(1)
    return Aggregate(f"count({'DISTINCT ' if m.distinct else ''}{a.sql(0)})", kind="INT64")


def countif(a: Arguments) -> Built:
    _plain(a)
    a.count(1)
    return Aggregate(f"count(*) FILTER (WHERE {a.sql(0)})", kind="INT64")


def extreme(name: str) -> Builder:
    """MIN and MAX leave NULLs out; NaN is the result where one is among floats, on BigQuery only."""

    def build(a: Arguments) -> Built:
        m = _plain(a, distinct=True)
        a.count(1)
        return Aggregate(f"{name}({'DISTINCT ' if m.distinct else ''}{a.sql(0)})", kind=a.kind(0))

    return build


def any_value(a: Arguments) -> Built:
    """ANY_VALUE(x HAVING MAX y) is x where y is greatest; NULLs of x are left out on both engines."""
    m = _plain(a, having=True)
    a.count(1)
    if m.having is None:
        return Aggregate(f"any_value({a.sql(0)})", kind=a.kind(0))
    name = "arg_max" if m.having_max else "arg_min"
    return Aggregate(f"{name}({a.sql(0)}, {a.context.generator.sql(m.having)})", kind=a.kind(0))


def array_agg(a: Arguments) -> Built:
    """Never empty: NULL where there is no row."""
    m = _plain(a, distinct=True, order=True, nulls=True)
    a.count(1)
    element = a.value(0)
    inner = " ".join(part for part in ("DISTINCT" if m.distinct else "", element, m.order) if part)
    call = f"array_agg({inner})" + (f" FILTER (WHERE {element} IS NOT NULL)" if m.ignore_nulls else "")
    return Aggregate(call, f"list_slice({{0}}, 1, {m.limit})" if m.limit else "{0}", "ARRAY", 1)


def array_concat_agg(a: Arguments) -> Built:
    m = _plain(a, order=True)
    a.count(1)
    if m.limit:
        a.lacks("ARRAY_CONCAT_AGG() with LIMIT has no counterpart on DuckDB")
    element = a.sql(0)
    inner = f"{element} {m.order}".rstrip()
    return Aggregate(f"array_agg({inner}) FILTER (WHERE {element} IS NOT NULL)", "flatten({0})", "ARRAY")


def string_agg(a: Arguments) -> Built:
    m = _plain(a, distinct=True, order=True)
    a.count(1, 2)
    separator = a.sql(1) if len(a) == 2 else "','"
    text = a.sql(0)
    head = f"{'DISTINCT ' if m.distinct else ''}{text}"
    if not m.limit:
        return Aggregate(f"string_agg({head}, {separator}{' ' if m.order else ''}{m.order})", kind="STRING")
    call = f"array_agg({head}{' ' if m.order else ''}{m.order}) FILTER (WHERE {text} IS NOT NULL)"
    return Aggregate(call, f"array_to_string(list_slice({{0}}, 1, {m.limit}), {separator})", "STRING")


def approx_quantiles(a: Arguments) -> Built:
    """n + 1 boundaries. BigQuery's are approximate; these are exact, and so within what it promises."""
    m = _plain(a, distinct=True, nulls=True)
    a.count(2)
    number = a.number(1)
    if number is None or not 0 < number <= 10_000:
        a.refuse("APPROX_QUANTILES(): the number of quantiles must be a whole number between 1 and 10000")
    if m.respect_nulls:
        a.lacks("APPROX_QUANTILES() with RESPECT NULLS has no counterpart on DuckDB")
    points = ", ".join(repr(at / number) for at in range(number + 1))
    call = f"quantile_disc({'DISTINCT ' if m.distinct else ''}{a.value(0)}, [{points}])"
    return Aggregate(call, kind="ARRAY", length=number + 1)


def approx_top_count(a: Arguments) -> Built:
    """Exact here; NULL is a value like any other."""
    _plain(a)
    a.count(2)
    pairs = "list_transform(map_entries({0}), lambda _e: {'n': -CAST(_e.value AS BIGINT), 'v': _e.key.v})"
    most = f"list_transform(list_sort({pairs}), lambda _e: {{'value': _e.v, 'count': -_e.n}})"
    counted = f"list_slice({most}, 1, {a.integer(1)})"
    return Aggregate(f"histogram({{'v': {a.value(0)}}})", counted, "ARRAY")


def percentile(name: str) -> Builder:
    """NULLs are left out; a window function only, as in BigQuery."""

    def build(a: Arguments) -> Built:
        m = _plain(a, nulls=True)
        a.count(2)
        if m.respect_nulls:
            a.lacks(f"{a.call.name}() with RESPECT NULLS has no counterpart on DuckDB")
        if not a.windowed:
            a.refuse(f"{a.call.name}() is a window function: add OVER (...), or use APPROX_QUANTILES")
        return Aggregate(f"{name}({a.sql(0)}, {a.sql(1)})", kind="FLOAT64" if name == "quantile_cont" else a.kind(0))

    return build


def navigated(name: str, fewest: int, most: int, kind: str | None = None) -> Builder:
    """Window functions only; without `kind` they give what their first argument is."""

    def build(a: Arguments) -> Built:
        m = _plain(a, nulls=True)
        a.count(fewest, most)
        if not a.windowed:
            a.refuse(f"{a.call.name}() is a window function: add OVER (...)")
        texts = [a.value(at) if at != 1 else a.integer(at) for at in range(len(a))]
        nulls = " IGNORE NULLS" if m.ignore_nulls else ""
        return Aggregate(f"{name}({', '.join(texts)}{nulls})", kind=kind or a.kind(0))

    return build


AGGREGATES: dict[str, Builder] = {
    "SUM": total,
    "COUNT": count,
    "COUNTIF": countif,
    "AVG": simple("avg({0})", "FLOAT64"),
    "MIN": extreme("min"),
    "MAX": extreme("max"),
    "MAX_BY": simple("arg_max({0}, {1})", count=2),
    "MIN_BY": simple("arg_min({0}, {1})", count=2),
    "ANY_VALUE": any_value,
    "LOGICAL_AND": simple("bool_and({0})", "BOOL"),
    "LOGICAL_OR": simple("bool_or({0})", "BOOL"),
    "BIT_AND": simple("bit_and({0})", "INT64"),
    "BIT_OR": simple("bit_or({0})", "INT64"),
    "BIT_XOR": simple("bit_xor({0})", "INT64"),
    "STDDEV": simple("stddev_samp({0})", "FLOAT64"),
    "STDDEV_SAMP": simple("stddev_samp({0})", "FLOAT64"),
    "STDDEV_POP": simple("stddev_pop({0})", "FLOAT64"),
    "VARIANCE": simple("var_samp({0})", "FLOAT64"),
    "VAR_SAMP": simple("var_samp({0})", "FLOAT64"),
    "VAR_POP": simple("var_pop({0})", "FLOAT64"),
    "CORR": simple("corr({0}, {1})", "FLOAT64", count=2),
    "COVAR_POP": simple("covar_pop({0}, {1})", "FLOAT64", count=2),
    "COVAR_SAMP": simple("covar_samp({0}, {1})", "FLOAT64", count=2),
    "GROUPING": simple("CAST(grouping({0}) AS BIGINT)", "INT64"),
    "ARRAY_AGG": array_agg,
    "ARRAY_CONCAT_AGG": array_concat_agg,
    "STRING_AGG": string_agg,
    "APPROX_COUNT_DISTINCT": simple("count(DISTINCT {0})", "INT64"),
    "APPROX_QUANTILES": approx_quantiles,
    "APPROX_TOP_COUNT": approx_top_count,
    "PERCENTILE_CONT": percentile("quantile_cont"),
    "PERCENTILE_DISC": percentile("quantile_disc"),
    "ROW_NUMBER": navigated("row_number", 0, 0, "INT64"),
    "RANK": navigated("rank", 0, 0, "INT64"),
    "DENSE_RANK": navigated("dense_rank", 0, 0, "INT64"),
    "PERCENT_RANK": navigated("percent_rank", 0, 0, "FLOAT64"),
    "CUME_DIST": navigated("cume_dist", 0, 0, "FLOAT64"),
    "NTILE": navigated("ntile", 1, 1, "INT64"),
    "LAG": navigated("lag", 1, 3),
    "LEAD": navigated("lead", 1, 3),
    "FIRST_VALUE": navigated("first_value", 1, 1),
    "LAST_VALUE": navigated("last_value", 1, 1),
    "NTH_VALUE": navigated("nth_value", 2, 2),
}
