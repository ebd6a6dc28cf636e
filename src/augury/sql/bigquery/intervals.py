"""How is an INTERVAL written for DuckDB?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augury.sql.bigquery.calling import Arguments

UNITS = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


def interval_of(a: Arguments, at: int) -> tuple[str, str]:
    """(SQL of the number, unit) of an argument `INTERVAL n UNIT`."""
    from sqlglot import exp

    from augury.sql.bigquery.writing import text

    node = a.nodes[at]
    if not isinstance(node, exp.Interval) or node.this is None or node.unit is None:
        a.refuse(f"{a.call.name}() takes an interval such as INTERVAL 7 DAY as its argument {at + 1}")
    unit = node.unit.name.upper()
    if unit not in UNITS:
        a.refuse(f"INTERVAL ... {unit}: units are {', '.join(UNITS)}")
    amount = node.this
    if isinstance(amount, exp.Literal) and amount.this.lstrip("-").isdigit():
        return amount.this, unit
    return text(amount, a.context), unit


def make_interval(amount: str, unit: str) -> str:
    """An INTERVAL of DuckDB; a number that is NULL makes it NULL."""
    if unit in ("MONTH", "QUARTER", "YEAR"):
        months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
        return f"to_months(CAST(({amount}) * {months} AS INTEGER))"
    if unit in ("DAY", "WEEK"):
        return f"to_days(CAST(({amount}) * {7 if unit == 'WEEK' else 1} AS INTEGER))"
    micros = {"MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000}
    return f"to_microseconds(CAST({amount} AS BIGINT) * {micros[unit]})"
