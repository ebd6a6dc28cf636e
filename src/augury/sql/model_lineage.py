"""What does a statement of BigQuery ML read outside the relations? Its queries say it, without the ML functions."""

from __future__ import annotations

from collections.abc import Iterator

from augury.errors import SpecError
from augury.sql.bigquery_ml.queries import MlQuery, read_query
from augury.sql.bigquery_ml.statements import CreateModel, is_statement, read_statement
from augury.sql.lineage import trace

DIALECT = "bigquery"


def outside_of(text: str) -> tuple[tuple[str, int], ...]:
    """(table, line of the text). What cannot be read as BigQuery ML is said by whoever performs it, not here."""
    try:
        queries = list(_queries(text))
    except SpecError:
        return ()
    found: dict[str, int] = {}
    for query in queries:
        for table, line in trace(query, (), DIALECT).outside:
            found.setdefault(table, line)
    return tuple(found.items())


def _queries(text: str) -> Iterator[str]:
    if is_statement(text):
        statement = read_statement(text)
        if isinstance(statement, CreateModel) and statement.query is not None:
            yield from _parts(read_query(statement.query.text))
        return
    yield from _parts(read_query(text))


def _parts(query: MlQuery) -> Iterator[str]:
    yield query.text
    for call in query.calls:
        if call.rows is not None:
            yield from _parts(call.rows)
