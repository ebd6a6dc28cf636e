"""Arrays and JSON: BigQuery docs, 'Array functions' and 'JSON functions'."""

from __future__ import annotations

import re

from augury.sql.bigquery.calling import Arguments, Builder, Sql, string_literal, template
from augury.sql.bigquery.intervals import interval_of


def concat(a: Arguments) -> Sql:
    """NULL where any array is; DuckDB's list_concat takes NULL for an empty list, its operator does not."""
    a.count(1, 99)
    return Sql("(" + " || ".join(a.all()) + ")", "ARRAY")


def to_string(a: Arguments) -> Sql:
    """NULL elements are left out, or are the third argument."""
    a.count(2, 3)
    if len(a) == 2:
        pattern = "array_to_string(list_filter({0}, lambda _e: _e IS NOT NULL), {1})"
    else:
        pattern = "array_to_string(list_transform({0}, lambda _e: coalesce(CAST(_e AS VARCHAR), {2})), {1})"
    return Sql(a.fill(pattern, *a.all()), "STRING")


def generate(a: Arguments) -> Sql:
    """From the first to the last of all steps that do not pass it, both ends included."""
    a.count(2, 3)
    kinds = {a.kind(at) for at in range(len(a))}
    if kinds & {"FLOAT64", "NUMERIC"}:
        a.lacks("GENERATE_ARRAY() with fractions: generate whole numbers and divide")
    return Sql(f"generate_series({', '.join(a.value(at) for at in range(len(a)))})", "ARRAY")


def generate_dates(a: Arguments) -> Sql:
    """Months are counted from the first date: 31 January, 29 February, 31 March. DuckDB adds them one to another."""
    a.count(2, 3)
    amount, unit = ("1", "DAY") if len(a) == 2 else interval_of(a, 2)
    start, end = f"CAST({a.sql(0)} AS DATE)", f"CAST({a.sql(1)} AS DATE)"
    if unit in ("DAY", "WEEK"):
        days = f"CAST({amount} AS BIGINT) * {7 if unit == 'WEEK' else 1}"
        pattern = "list_transform(generate_series(0, {1} - {0}, {2}), lambda _k: {0} + CAST(_k AS INTEGER))"
        return Sql(a.fill(pattern, start, end, days), "ARRAY")
    if unit not in ("MONTH", "QUARTER", "YEAR"):
        a.refuse(f"GENERATE_DATE_ARRAY() has steps of DAY, WEEK, MONTH, QUARTER or YEAR, not {unit}")
    if not amount.isdigit():
        a.lacks("GENERATE_DATE_ARRAY() by months: the number of months must be a positive literal")
    months = str(int(amount) * {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit])
    pattern = (
        "list_filter(list_transform(generate_series(0, date_diff('month', {0}, {1}) + 1), "
        "lambda _k: CAST({0} + to_months(CAST(_k * {2} AS INTEGER)) AS DATE)), lambda _d: _d <= {1})"
    )
    return Sql(a.fill(pattern, start, end, months), "ARRAY")


def generate_moments(a: Arguments) -> Sql:
    a.count(3)
    amount, unit = interval_of(a, 2)
    if unit not in ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"):
        a.refuse(f"GENERATE_TIMESTAMP_ARRAY() has no steps of {unit}")
    step = f"to_{unit.lower()}s({amount})"
    pattern = (
        "generate_series(CAST({0} AS TIMESTAMP WITH TIME ZONE), CAST({1} AS TIMESTAMP WITH TIME ZONE), " + step + ")"
    )
    return Sql(a.fill(pattern, a.sql(0), a.sql(1)), "ARRAY")


# -- JSON ----------------------------------------------------------------------------------------------------

_QUOTED_STEP = re.compile(r"\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\]")
_PATH = re.compile(r"""\$(?:\.[^.\["'\s*$]+|\."[^"]*"|\[\d+\])*""")


def _path(a: Arguments, *, default: str = "$") -> str:
    """BigQuery docs: 'JSONPath': $.key, $."key" or $['key'], $.list[0]. DuckDB reads the first two."""
    a.count(1, 2)
    if len(a) == 1:
        return default
    written = a.literal(1)
    if written is None:
        a.refuse(f"{a.call.name}(): the path must be a string literal")
    path = _QUOTED_STEP.sub(lambda found: f'."{found[1] if found[1] is not None else found[2]}"', written)
    if not _PATH.fullmatch(path):
        a.lacks(f'{a.call.name}(): {written!r} is no path that both engines read; write $.a.b, $."a b" or $.a[0]')
    return path


def scalar(a: Arguments) -> Sql:
    """NULL where the path leads to an object, a list or nothing, or where the text is no JSON."""
    pattern = (
        "CASE WHEN NOT json_valid({0}) OR json_type({0}, {1}) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL "
        "ELSE json_extract_string({0}, {1}) END"
    )
    return Sql(a.fill(pattern, a.sql(0), string_literal(_path(a))), "STRING")


def query(a: Arguments) -> Sql:
    pattern = "CASE WHEN json_valid({0}) THEN json_extract({0}, {1}) END"
    return Sql(a.fill(pattern, a.sql(0), string_literal(_path(a))), "JSON")


def elements(function: str) -> Builder:
    """NULL where the path leads to no list."""

    def build(a: Arguments) -> Sql:
        path = _path(a)
        pattern = f"CASE WHEN json_valid({{0}}) AND json_type({{0}}, {{1}}) = 'ARRAY' THEN {function}({{0}}, {{2}}) END"
        return Sql(a.fill(pattern, a.sql(0), string_literal(path), string_literal(f"{path}[*]")), "ARRAY")

    return build


ARRAYS: dict[str, Builder] = {
    "ARRAY_LENGTH": template("len({0})", "INT64"),
    "ARRAY_CONCAT": concat,
    "ARRAY_REVERSE": template("list_reverse({0})", "ARRAY"),
    "ARRAY_TO_STRING": to_string,
    "ARRAY_FIRST": template("CASE WHEN len({0}) = 0 THEN error('ARRAY_FIRST() of an empty array') ELSE {0}[1] END"),
    "ARRAY_LAST": template(
        "CASE WHEN len({0}) = 0 THEN error('ARRAY_LAST() of an empty array') ELSE {0}[len({0})] END"
    ),
    "RANGE_BUCKET": template(
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE len(list_filter({1}, lambda _e: _e <= {0})) END", "INT64"
    ),
    "ARRAY_INCLUDES": template("list_contains({0}, {1})", "BOOL"),
    "GENERATE_ARRAY": generate,
    "GENERATE_DATE_ARRAY": generate_dates,
    "GENERATE_TIMESTAMP_ARRAY": generate_moments,
    "JSON_VALUE": scalar,
    "JSON_EXTRACT_SCALAR": scalar,
    "JSON_QUERY": query,
    "JSON_EXTRACT": query,
    "JSON_VALUE_ARRAY": elements("json_extract_string"),
    "JSON_EXTRACT_STRING_ARRAY": elements("json_extract_string"),
    "JSON_QUERY_ARRAY": elements("json_extract"),
    "JSON_EXTRACT_ARRAY": elements("json_extract"),
    "PARSE_JSON": template("CAST({0} AS JSON)", "JSON"),
    "TO_JSON": template("to_json({0})", "JSON"),
    "TO_JSON_STRING": template("CAST(to_json({0}) AS VARCHAR)", "STRING"),
}
