"""How does a BigQuery SELECT run here?

The translation is augury's own (`augury.sql.bigquery`); this adds the names of the output columns, BigQuery's types,
and BigQuery's messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augury.errors import AuguryError, SpecError
from augury.names import quote
from augury.sql.bigquery import NoCounterpart, Translated
from augury.sql.bigquery_ml.transform_queries import translate
from augury.testing.bigquery.catalog import RESULTS, TableId
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import Refusal, invalid, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field, duckdb_type, field_from
from augury.testing.bigquery.statements import invalid_query

PSEUDO = re.compile(r"\b_PARTITION(?:TIME|DATE)\b", re.IGNORECASE)
POSITION = re.compile(r" \((?:line (\d+), )?column (\d+)\)")
ML_ELSEWHERE = re.compile(r"\bon BigQuery\b|\bnot on this machine\b")
"""What the ML engine says of something that BigQuery has and this machine has not."""
NO_PARAMETERS = Parameters()


@dataclass(frozen=True)
class Prepared:
    """A query that DuckDB has understood."""

    sql: str
    """With the names and types that its rows have in BigQuery."""
    fields: tuple[Field, ...]
    values: dict[str, Any]


def translated(sql: str, scope: Scope, parameters: Parameters = NO_PARAMETERS) -> Translated:
    """DuckDB's SQL; the scope then knows what is read."""
    tree = parsed(sql)
    from sqlglot import exp

    scope.pseudo = PSEUDO.search(sql) is not None
    if scope.pseudo and any(select.is_star for select in tree.find_all(exp.Select)):
        raise not_imitated("SELECT * beside _PARTITIONTIME or _PARTITIONDATE (name the columns)")
    try:
        return translate(sql, tables=scope, parameters=parameters.types)
    except SpecError as error:
        raise refused(error) from error


def parsed(sql: str) -> Any:
    """sqlglot's tree of one statement."""
    import sqlglot

    try:
        return sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        what = str(first.get("description") or "Syntax error")
        raise invalid_query(f"Syntax error: {what}", first.get("line") or 1, first.get("col") or 1) from None
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise invalid_query(f"Syntax error: {str(error).splitlines()[0]}") from None


def refused(error: AuguryError) -> Refusal:
    """The words of augury's translation in the form of BigQuery's."""
    text, line = " ".join(filter(None, (error.what, error.why))), error.where.line
    if isinstance(error, SpecError) and error.problems:
        first = error.problems[0]
        hint = f"; did you mean {first.suggestion}?" if first.suggestion else ""
        text, line = f"{first.message}{hint}", first.line
    found = POSITION.search(text)
    column = int(found[2]) if found else 1
    line = int(found[1]) if found and found[1] else line or 1
    text = POSITION.sub("", text)
    if _lacking(error) or ML_ELSEWHERE.search(text):
        return not_imitated(f"this: {text} at [{line}:{column}]")
    return invalid_query(text, line, column)


def _lacking(error: BaseException | None) -> bool:
    """Whether the translation has said that DuckDB has no counterpart; others pass it on in words of theirs."""
    while error is not None and not isinstance(error, NoCounterpart):
        error = error.__cause__
    return error is not None


def prepare(sql: str, scope: Scope, parameters: Parameters = NO_PARAMETERS, *, twice: bool = False) -> Prepared:
    """Translate and bind a SELECT. `twice` lets columns have the same name, as in INSERT ... SELECT."""
    out = translated(sql, scope, parameters)
    cursor, values = scope.snapshot.cursor, used(out.sql, parameters)
    found = _bound(out, sql, cursor, values)
    names = [f"c{number}" for number in range(len(found.columns))] if twice else list(found.columns)
    distinct(names)
    fields = tuple(field_from(name, kind) for name, kind in zip(names, found.types, strict=True))
    return Prepared(typed(out.sql, fields, [str(kind) for kind in found.types]), fields, values)


def used(sql: str, parameters: Parameters) -> dict[str, Any]:
    """The values that DuckDB's SQL asks for; it refuses more."""
    return {name: value for name, value in parameters.values.items() if re.search(rf"\${name}\b", sql)}


def _bound(out: Translated, sql: str, cursor: Any, values: dict[str, Any]) -> Any:
    import duckdb

    try:
        found = cursor.sql(out.sql, params=values) if values else cursor.sql(out.sql)
    except duckdb.Error as error:
        try:
            # Relations say what is wrong, statements also on which line.
            cursor.execute(f"DESCRIBE (\n{out.sql}\n)", values or None)
        except duckdb.Error as again:
            raise engine_refusal(again, sql, (1, *out.lines)) from error
        raise engine_refusal(error, sql, out.lines) from error
    if found is None:
        raise invalid("The statement returns no rows.")
    return found


def typed(sql: str, fields: Sequence[Field], kinds: Sequence[str]) -> str:
    """The query with BigQuery's types in the place of DuckDB's others: INT64 for HUGEINT, ..."""
    inner = [f"c{number}" for number in range(len(fields))]
    columns = [
        f"{name} AS {quote(one['name'])}"
        if kind == duckdb_type(one)
        else f"CAST({name} AS {duckdb_type(one)}) AS {quote(one['name'])}"
        for name, kind, one in zip(inner, kinds, fields, strict=True)
    ]
    return f"SELECT {', '.join(columns)} FROM (\n{sql}\n) AS t({', '.join(inner)})"


def distinct(names: Sequence[str]) -> None:
    counts = Counter(name.lower() for name in names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        shown = ", ".join(twice)
        raise Refusal(
            "invalidQuery",
            f"Duplicate column names in the result are not supported. Found duplicate(s): {shown}",
            location="query",
        )


def materialised(scope: Scope, prepared: Prepared) -> str:
    """The rows of a query in a table of DuckDB of their own."""
    physical = scope.service.store.new_rows()
    execute(scope.snapshot.cursor, f"CREATE TABLE {physical} AS {prepared.sql}", prepared.values)
    return physical


def execute(cursor: Any, sql: str, values: dict[str, Any] | None = None) -> list[Any]:
    """What DuckDB's SQL returns; what it refuses, such as a value that does not fit its column, is invalid here."""
    import duckdb

    try:
        found: list[Any] = cursor.execute(sql, values or None).fetchall()
    except duckdb.InterruptException as error:
        raise Refusal("stopped", "Job execution was cancelled: User requested cancellation") from error
    except duckdb.Error as error:
        raise engine_refusal(error, "", ()) from error
    return found


def engine_refusal(error: Exception, sql: str, lines: tuple[int, ...]) -> Refusal:
    """DuckDB's complaint in BigQuery's form: what, and for a mistake in the text also [line:column]."""
    text = str(error)
    kind, _, rest = text.partition(": ")
    message = rest.split("\n")[0].strip() or text.split("\n")[0]
    if kind.startswith(("Out of Memory", "IO")):
        return Refusal("resourcesExceeded", f"Resources exceeded during query execution: {message}")
    found = re.search(r"^LINE (\d+): ", text, re.M)
    if not found or not 0 < int(found[1]) <= len(lines):
        # Values that cannot be computed are nowhere in the text.
        return Refusal("invalidQuery", message, location="query")
    line = lines[int(found[1]) - 1]
    name = re.search(r'Referenced column "([^"]+)"', message)
    if not name:
        return invalid_query(message, line)
    written = sql.splitlines()
    place = written[line - 1].lower().find(name[1].lower()) if line <= len(written) else -1
    return invalid_query(f"Unrecognized name: {name[1]}", line, max(place, 0) + 1)


def result_id(project: str, location: str, physical: str) -> TableId:
    """Where the rows of a query without a destination are found."""
    place = re.sub(r"\W", "_", location.lower())
    return TableId(project, f"{RESULTS}_{place}", f"anon{physical.rpartition('_')[2]}")
