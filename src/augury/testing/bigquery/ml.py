"""How does BigQuery ML run here? By augury's own engine, `augury.bigquery_ml`, on this server's tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.session import Session
from augury.errors import AuguryError
from augury.sql.bigquery_ml.queries import MlQuery, is_ml, read_query
from augury.sql.bigquery_ml.statements import CreateModel, read_statement
from augury.sql.bigquery_ml.statements import Statement as ModelStatement
from augury.testing.bigquery import estimate, queries, selects
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.lending import lending
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import Refusal, duplicate, missing
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field, field_from
from augury.testing.bigquery.statements import Statement

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

__all__ = ["is_ml"]


@contextmanager
def session(scope: Scope, parameters: Parameters, job: Job | None = None) -> Iterator[Session]:
    """A session whose queries all see one instant."""
    service = scope.service
    try:
        with lending(service.store, parameters, scope.given) as lender:
            if job is not None:
                for cursor in lender.cursors:
                    job.working_with(cursor)
            yield Session(
                DuckDBEngine(lender),
                service.models.store,
                tables=scope,
                qualify=lambda name: scope.id_of(name),
                root=service.models.files,
            )
    except AuguryError as error:
        raise selects.refused(error) from error


def known(scope: Scope, query: MlQuery) -> None:
    """Refuse models that are not there, the way the service does."""
    for call in query.calls:
        found = scope.id_of(call.model.parts)
        scope.located(found.within)
        if scope.service.models.manifest(found) is None:
            raise missing("Model", f"{found} was not found in location {scope.location}")
        if call.rows is not None:
            known(scope, call.rows)


def columns(scope: Scope, sql: str, parameters: Parameters) -> tuple[Field, ...]:
    """What a SELECT with ML functions would return, without running it; the scope then knows what it reads."""
    _checked(scope, sql)
    with session(scope, parameters) as ml:
        schema = ml.describe(sql, parameters=parameters.types)
    kinds = _kinds(scope.snapshot.cursor, schema)
    return tuple(field_from(name, kind) for name, kind in zip(schema.names, kinds, strict=True))


def _checked(scope: Scope, sql: str) -> None:
    try:
        known(scope, read_query(sql))
    except AuguryError as error:
        raise selects.refused(error) from error


def gathered(scope: Scope, sql: str, parameters: Parameters, *, twice: bool) -> tuple[str, tuple[Field, ...]]:
    """The rows of a SELECT with ML functions in a table of DuckDB, and its columns."""
    _checked(scope, sql)
    cursor, physical = scope.snapshot.cursor, scope.service.store.new_rows()
    with session(scope, parameters) as ml, ml.read(sql, parameters=parameters.types) as reader, ExitStack() as stack:
        names = [f"c{number}" for number in range(len(reader.schema))] if twice else list(reader.schema.names)
        selects.distinct(names)
        incoming = f"incoming_{id(reader):x}"
        kinds = _kinds(cursor, reader.schema)
        fields = tuple(field_from(name, kind) for name, kind in zip(names, kinds, strict=True))
        cursor.register(incoming, reader)
        stack.callback(cursor.unregister, incoming)
        sql = selects.typed(f"SELECT * FROM {incoming}", fields, [str(kind) for kind in kinds])
        selects.execute(cursor, f"CREATE TABLE {physical} AS {sql}")
    return physical, fields


def _kinds(cursor: Any, schema: Any) -> list[Any]:
    """DuckDB's types of an Arrow schema."""
    name = f"shape_{id(schema):x}"
    cursor.register(name, schema.empty_table())
    try:
        found: list[Any] = list(cursor.sql(f"SELECT * FROM {name}").types)
    finally:
        cursor.unregister(name)
    return found


def perform(service: Service, job: Job, statement: Statement, parameters: Parameters) -> None:
    """CREATE, ALTER, DROP and EXPORT MODEL."""
    try:
        read = read_statement(statement.text)
    except AuguryError as error:
        raise selects.refused(error) from error
    with service.store.snapshot() as now:
        scope = queries.scope_of(service, job, now)
        name = scope.id_of(read.name.parts)
        scope.located(name.within)
        _may(scope, read, name)
        if isinstance(read, CreateModel) and read.query is not None:
            columns(scope, read.query.sql, parameters)
        queries.account(job, statement.kind, estimate.weights(scope, statement.text, parameters))
        if job.dry:
            return
        with session(scope, parameters, job) as ml:
            change = ml.execute("\n" * (statement.line - 1) + statement.text, parameters=parameters.types)
    operation = {"created": "CREATE", "replaced": "REPLACE", "dropped": "DROP", "altered": "ALTER"}
    job.statistics["query"]["ddlOperationPerformed"] = operation.get(change.did, "SKIP")
    job.affected, job.result = 0, None


def _may(scope: Scope, statement: ModelStatement, name: Any) -> None:
    there = scope.service.models.manifest(name) is not None
    if isinstance(statement, CreateModel):
        if there and not statement.replace and not statement.if_not_exists:
            raise duplicate("Model", str(name))
    elif not there and not getattr(statement, "if_exists", False):
        raise Refusal("notFound", f"Not found: Model {name} was not found in location {scope.location}")
