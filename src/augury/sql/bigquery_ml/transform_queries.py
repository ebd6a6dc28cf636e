"""How does a query run on DuckDB that calls preprocessing functions outside of TRANSFORM?

    translated = translate(sql, tables=..., placeholders=...)      # instead of augury.sql.bigquery.to_duckdb

There an analytic function learns from the rows of the query itself, every time (BigQuery docs: 'Manual feature
preprocessing'). Whoever opens DuckDB installs the functions of `augury.sql.bigquery`: ML.HASH_BUCKETIZE needs them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from augury.errors import SpecError
from augury.sql.bigquery import Tables, Translated, to_duckdb
from augury.sql.bigquery_ml.lexer import Source, refused
from augury.sql.bigquery_ml.transform_calls import Call, check_kept, from_window, located, placeholders, restore
from augury.sql.bigquery_ml.transform_reading import Reader, Span

_QUICK = re.compile(r"\bML\s*\.", re.IGNORECASE)


@dataclass(frozen=True)
class Rewritten:
    """BigQuery SQL without ML functions, and the way back from its translation."""

    sql: str
    """Each call is a COALESCE of its expressions and markers; lines are those of the text."""
    calls: tuple[Call, ...] = ()

    @property
    def placeholders(self) -> dict[str, str]:
        """The markers, as `to_duckdb` takes them."""
        return placeholders(self.calls)

    def restore(self, sql: str) -> str:
        """DuckDB SQL with the functions in place of the markers, on as many lines."""
        check_kept(sql, self.calls)
        return restore(sql, self.calls, from_window) if self.calls else sql


def rewrite_scalar(sql: str, file: str | None = None) -> Rewritten:
    """Raises SpecError with every call that cannot be used and its place."""
    if not _QUICK.search(sql):
        return Rewritten(sql)
    source = Source.of(sql, file)
    reader = Reader(source)
    tokens = source.tokens
    masked = reader.masked(Span(0, len(tokens)))
    if reader.problems:
        raise refused(reader.problems)
    if not reader.calls:
        return Rewritten(sql)
    return Rewritten(sql[: tokens[0].start] + masked + sql[tokens[-1].end :], tuple(reader.calls))


def translate(
    sql: str,
    *,
    tables: Tables | None = None,
    placeholders: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    now: datetime | None = None,
    file: str | None = None,
) -> Translated:
    """`augury.sql.bigquery.to_duckdb` for a SELECT that may call preprocessing functions."""
    rewritten = rewrite_scalar(sql, file)
    given = {**(placeholders or {}), **rewritten.placeholders}
    try:
        translated = to_duckdb(rewritten.sql, tables=tables, placeholders=given, parameters=parameters, now=now)
    except SpecError as error:
        raise located(error, file) from error
    return Translated(rewritten.restore(translated.sql), translated.lines)
