"""Which functions of DuckDB has BigQuery, and under which name?

Cited names are pages of BigQuery's documentation: 'Date functions', 'Conditional expressions', 'String functions',
'Aggregate functions'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True)
class Given:
    """The finished arguments of one call."""

    name: str
    texts: list[str]
    literals: list[str | None]
    """Values of string literals."""
    kinds: list[str | None]
    refuse: Callable[[str], NoReturn]

    def count(self, fewest: int, most: int) -> None:
        if not fewest <= len(self.texts) <= most:
            self.refuse(f"{self.name}() with {len(self.texts)} arguments has no counterpart on BigQuery")


Function = Callable[[Given], tuple[str, str | None]]

NULLS_LEFT_OUT = frozenset(
    (
        "sum", "count", "avg", "mean", "min", "max", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp",
        "var_pop", "any_value", "bool_and", "bool_or", "string_agg",
    )
)  # fmt: skip
"""Aggregates for which FILTER (WHERE c) is the same as IF(c, x, NULL)."""

_PARTS = ("day", "month", "quarter", "year")


def _same(name: str, fewest: int, most: int, kind: str | None = None) -> Function:
    def write(given: Given) -> tuple[str, str | None]:
        given.count(fewest, most)
        return f"{name}({', '.join(given.texts)})", kind

    return write


def _keeps(name: str, fewest: int = 1, most: int = 1) -> Function:
    """Of the type of its first argument."""

    def write(given: Given) -> tuple[str, str | None]:
        given.count(fewest, most)
        return f"{name}({', '.join(given.texts)})", given.kinds[0]

    return write


def _part(given: Given, parts: tuple[str, ...]) -> str:
    part = (given.literals[0] or "").lower().removesuffix("s")
    if part not in parts:
        given.refuse(f"{given.name}({part!r}, ...): parts that both engines treat alike are {', '.join(parts)}")
    return part.upper()


def _date_diff(given: Given) -> tuple[str, str | None]:
    """Both count boundaries; BigQuery takes dates only, and the later one first."""
    given.count(3, 3)
    part = _part(given, _PARTS)
    return f"DATE_DIFF({_date(given, 2)}, {_date(given, 1)}, {part})", "INT64"


def _date(given: Given, at: int) -> str:
    return given.texts[at] if given.kinds[at] == "DATE" else f"CAST({given.texts[at]} AS DATE)"


def _date_trunc(given: Given) -> tuple[str, str | None]:
    """DuckDB gives a TIMESTAMP without a zone for a DATE, a DATETIME of BigQuery; weeks begin on Monday."""
    given.count(2, 2)
    part = _part(given, (*_PARTS, "week"))
    part = "ISOWEEK" if part == "WEEK" else part
    if given.kinds[1] == "TIMESTAMP":
        return f"TIMESTAMP_TRUNC({given.texts[1]}, {part})", "TIMESTAMP"
    return f"DATETIME_TRUNC(CAST({given.texts[1]} AS DATETIME), {part})", "DATETIME"


def _extreme(name: str) -> Function:
    """DuckDB leaves NULLs out, BigQuery gives NULL: each argument stands in for the other."""

    def write(given: Given) -> tuple[str, str | None]:
        given.count(2, 2)
        first, second = given.texts
        kinds = set(given.kinds)
        if _is_number(second):
            return f"{name}(IFNULL({first}, {second}), {second})", None
        if _is_number(first):
            return f"{name}({first}, IFNULL({second}, {first}))", None
        return f"{name}(IFNULL({first}, {second}), IFNULL({second}, {first}))", kinds.pop() if len(kinds) == 1 else None

    return write


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _concat(given: Given) -> tuple[str, str | None]:
    """DuckDB leaves NULLs out."""
    given.count(1, 99)
    return f"CONCAT({', '.join(f'''IFNULL(CAST({text} AS STRING), '')''' for text in given.texts)})", "STRING"


def _parts_of(part: str) -> Function:
    def write(given: Given) -> tuple[str, str | None]:
        given.count(1, 1)
        return f"EXTRACT({part} FROM {given.texts[0]})", "INT64"

    return write


FUNCTIONS: dict[str, Function] = {
    "abs": _keeps("ABS"),
    "any_value": _keeps("ANY_VALUE"),
    "arg_max": _same("MAX_BY", 2, 2),
    "arg_min": _same("MIN_BY", 2, 2),
    "avg": _same("AVG", 1, 1, "FLOAT64"),
    "bool_and": _same("LOGICAL_AND", 1, 1, "BOOL"),
    "bool_or": _same("LOGICAL_OR", 1, 1, "BOOL"),
    "ceil": _same("CEIL", 1, 1),
    "coalesce": _keeps("COALESCE", 1, 99),
    "concat": _concat,
    "corr": _same("CORR", 2, 2, "FLOAT64"),
    "count": _same("COUNT", 1, 1, "INT64"),
    "count_if": _same("COUNTIF", 1, 1, "INT64"),
    "date_diff": _date_diff,
    "datediff": _date_diff,
    "date_trunc": _date_trunc,
    "day": _parts_of("DAY"),
    "dense_rank": _same("DENSE_RANK", 0, 0, "INT64"),
    "exp": _same("EXP", 1, 1, "FLOAT64"),
    "first_value": _keeps("FIRST_VALUE"),
    "floor": _same("FLOOR", 1, 1),
    "greatest": _extreme("GREATEST"),
    "hour": _parts_of("HOUR"),
    "if": _same("IF", 3, 3),
    "ifnull": _keeps("IFNULL", 2, 2),
    "isnan": _same("IS_NAN", 1, 1, "BOOL"),
    "lag": _keeps("LAG", 1, 3),
    "last_value": _keeps("LAST_VALUE"),
    "lead": _keeps("LEAD", 1, 3),
    "least": _extreme("LEAST"),
    "left": _same("LEFT", 2, 2, "STRING"),
    "length": _same("CHAR_LENGTH", 1, 1, "INT64"),
    "ln": _same("LN", 1, 1, "FLOAT64"),
    "lower": _same("LOWER", 1, 1, "STRING"),
    "make_date": _same("DATE", 3, 3, "DATE"),
    "max": _keeps("MAX"),
    "mean": _same("AVG", 1, 1, "FLOAT64"),
    "min": _keeps("MIN"),
    "month": _parts_of("MONTH"),
    "ntile": _same("NTILE", 1, 1, "INT64"),
    "nullif": _keeps("NULLIF", 2, 2),
    "pow": _same("POW", 2, 2, "FLOAT64"),
    "power": _same("POW", 2, 2, "FLOAT64"),
    "quarter": _parts_of("QUARTER"),
    "rank": _same("RANK", 0, 0, "INT64"),
    "regexp_matches": _same("REGEXP_CONTAINS", 2, 2, "BOOL"),
    "replace": _same("REPLACE", 3, 3, "STRING"),
    "right": _same("RIGHT", 2, 2, "STRING"),
    "round": _keeps("ROUND", 1, 2),
    "row_number": _same("ROW_NUMBER", 0, 0, "INT64"),
    "sign": _same("SIGN", 1, 1),
    "sqrt": _same("SQRT", 1, 1, "FLOAT64"),
    "starts_with": _same("STARTS_WITH", 2, 2, "BOOL"),
    "stddev": _same("STDDEV_SAMP", 1, 1, "FLOAT64"),
    "stddev_pop": _same("STDDEV_POP", 1, 1, "FLOAT64"),
    "stddev_samp": _same("STDDEV_SAMP", 1, 1, "FLOAT64"),
    "string_agg": _same("STRING_AGG", 2, 2, "STRING"),
    "strpos": _same("STRPOS", 2, 2, "INT64"),
    "sum": _keeps("SUM"),
    "trim": _same("TRIM", 1, 2, "STRING"),
    "upper": _same("UPPER", 1, 1, "STRING"),
    "var_pop": _same("VAR_POP", 1, 1, "FLOAT64"),
    "var_samp": _same("VAR_SAMP", 1, 1, "FLOAT64"),
    "variance": _same("VAR_SAMP", 1, 1, "FLOAT64"),
    "year": _parts_of("YEAR"),
}
