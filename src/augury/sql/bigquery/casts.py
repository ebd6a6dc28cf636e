"""How do casts round and print? BigQuery docs: 'Conversion rules' and 'Conversion functions'.

From FLOAT64 to INT64 halves go away from zero, DuckDB takes them to the even neighbour; text that is no whole number is
no INT64, DuckDB rounds it; whole floats are printed without a point, NUMERIC without zeros at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.sql.bigquery.calling import Context, Sql
from augury.sql.bigquery.kinds import duckdb_type, kind_of, kind_of_type
from augury.sql.bigquery.places import offset_of

if TYPE_CHECKING:
    from sqlglot import exp

_FLOATS = "('DOUBLE', 'FLOAT')"
_WHOLE = "regexp_full_match({0}, '\\s*[-+]?([0-9]+|0[xX][0-9a-fA-F]+)\\s*')"


def cast_text(node: exp.Cast, context: Context, operand: str) -> Sql:
    from sqlglot import exp

    type_ = duckdb_type(node.to)
    if type_ is None:
        written = node.to.sql(dialect="bigquery")
        context.source.lacks(offset_of(node), f"CAST(... AS {written[:40]}): no such type here")
    safe = isinstance(node, exp.TryCast)
    kind = kind_of(node.this, context)
    target = kind_of_type(type_)
    plain = f"{'TRY_CAST' if safe else 'CAST'}({{0}} AS {{1}})"
    pattern = plain
    if target == "INT64":
        pattern = _to_int64(kind, plain, safe)
    elif target == "STRING":
        pattern = _to_string(kind, plain, safe)
    elif target == "BYTES" and kind != "BYTES":
        pattern = "encode({0})"
    return Sql(context.fill(pattern, operand, type_), target)


def _to_int64(kind: str | None, plain: str, safe: bool) -> str:
    rounded = plain.replace("{0}", "round({0})")
    bad = "NULL" if safe else "error('Bad int64 value: ' || {0})"
    text = f"CASE WHEN {_WHOLE} THEN {plain} WHEN {{0}} IS NULL THEN NULL ELSE {bad} END"
    if kind == "FLOAT64":
        return rounded
    if kind == "STRING":
        return text
    if kind is not None:
        return plain
    either = text.replace("{0}", "CAST({0} AS VARCHAR)")
    number = rounded.replace("{0}", f"{'TRY_CAST' if safe else 'CAST'}({{0}} AS DOUBLE)")
    return (
        f"CASE WHEN typeof({{0}}) IN {_FLOATS} THEN {number} "
        f"WHEN typeof({{0}}) = 'VARCHAR' THEN {either} ELSE {plain} END"
    )


def _to_string(kind: str | None, plain: str, safe: bool) -> str:
    short = f"regexp_replace({plain}, '\\.0$', '')"
    exact = f"regexp_replace({plain}, '(\\.[0-9]*[1-9])0+$|\\.0+$', '\\1')"
    if kind == "FLOAT64":
        return short
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return exact
    if kind == "BYTES":
        return "TRY(decode({0}))" if safe else "decode({0})"
    if kind is not None:
        return plain
    return (
        f"CASE WHEN typeof({{0}}) IN {_FLOATS} THEN {short} "
        f"WHEN starts_with(typeof({{0}}), 'DECIMAL') THEN {exact} ELSE {plain} END"
    )
