"""How is BigQuery ML used on an engine that knows nothing of it?

    from augury.bigquery_ml.session import Session
    from augury.bigquery_ml.store import ModelStore, exists

    session = Session(engine, ModelStore(folder), tables=tables, clock=clock, seed=0, threads=2)
    session.execute("CREATE OR REPLACE MODEL d.m OPTIONS(...) AS SELECT ...")      -> ModelChange
    with session.read("SELECT * FROM ML.PREDICT(MODEL d.m, TABLE d.t)") as reader:  # pa.RecordBatchReader
        ...
    session.describe("SELECT ...")                                                  -> pa.Schema
    session.models()                                                                -> tuple[Manifest, ...]

`engine` is `augury.bigquery_ml.engine.Engine`; `augury.bigquery_ml.duckdb_engine.DuckDBEngine(connection)` is one.
SQL is BigQuery's; `tables` says what its tables are in DuckDB (`augury.sql.bigquery.Tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.changes import ModelChange
from augury.bigquery_ml.engine import Engine
from augury.bigquery_ml.manifest import Manifest, Name
from augury.bigquery_ml.models import Models
from augury.bigquery_ml.paths import Places
from augury.bigquery_ml.reading import Reading, Surroundings
from augury.bigquery_ml.store import ModelStore, exists
from augury.bigquery_ml.training import Trainer
from augury.bigquery_ml.types import Types
from augury.errors import UsageError
from augury.sql.bigquery import Tables
from augury.sql.bigquery_ml.catalogue.check import Chosen, alterations, check_create, export_uri
from augury.sql.bigquery_ml.queries import MlQuery, read_query
from augury.sql.bigquery_ml.statements import AlterModel, CreateModel, DropModel, ExportModel, read_statement
from augury.sql.bigquery_ml.values import Expression

if TYPE_CHECKING:
    import pyarrow as pa


def _now() -> datetime:
    return datetime.now(UTC)


def _as_written(name: Name) -> Name:
    return name


class Session:
    """Safe for several threads: each statement and each read stands alone.

    `qualify` completes the name of a model with a default project or dataset. `root` is the folder below which files
    of imported models and exports must lie; without it only whole `file:///` URIs are taken.
    """

    def __init__(
        self,
        engine: Engine,
        store: ModelStore,
        *,
        tables: Tables | None = None,
        clock: Callable[[], datetime] = _now,
        seed: int = 0,
        threads: int = 1,
        types: Types | None = None,
        qualify: Callable[[Name], Name] = _as_written,
        root: Path | None = None,
    ) -> None:
        types = types or Types()
        self._store = store
        self._clock = clock
        self._places = Places(root)
        self._models = Models(store, types, clock, threads)
        self._trainer = Trainer(engine, store, types, seed, threads)
        self._around = Surroundings(engine, self._models, tables, clock, qualify)

    def models(self) -> tuple[Manifest, ...]:
        return self._models.list()

    def model(self, name: Name) -> Manifest | None:
        return self._models.manifest(self._around.qualify(name))

    @contextmanager
    def read(
        self, sql: str, *, file: str | None = None, parameters: Mapping[str, str] | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows of one SELECT, with ML functions or without.

        `parameters` are BigQuery types by name; their values are the engine's. Raises SpecError, UsageError,
        QueryRefused, ModelFailed.
        """
        query = read_query(sql, file)
        with Reading(self._around, file, parameters).rows(query) as reader:
            yield reader

    def describe(self, sql: str, *, file: str | None = None, parameters: Mapping[str, str] | None = None) -> pa.Schema:
        """The columns of one SELECT, which is not run."""
        return Reading(self._around, file, parameters).schema(read_query(sql, file))

    def execute(self, sql: str, *, file: str | None = None, parameters: Mapping[str, str] | None = None) -> ModelChange:
        """CREATE, DROP, ALTER or EXPORT MODEL."""
        statement = read_statement(sql, file)
        name = self._around.qualify(statement.name.parts)
        match statement:
            case CreateModel():
                return self._create(statement, name, file, parameters)
            case DropModel():
                return self._drop(statement, name)
            case AlterModel():
                return self._alter(statement, name, file)
            case ExportModel():
                return self._export(statement, name, file)

    def _create(
        self, statement: CreateModel, name: Name, file: str | None, parameters: Mapping[str, str] | None
    ) -> ModelChange:
        import pyarrow as pa

        chosen = check_create(statement, file)
        before = None if statement.replace else self._models.manifest(name)
        if before is not None and statement.if_not_exists:
            return ModelChange("kept", name, before.model_type)
        if before is not None:
            raise exists(name)
        # Before the query, which may take long.
        self._trainer.types.get(chosen.model_type)
        files = {"model_path": self._places.model(chosen.model_path)} if chosen.model_path else {}
        rows = pa.table({})
        if statement.query is not None:
            query = read_query(statement.query.sql, file)
            with Reading(self._around, file, parameters).rows(query) as reader:
                rows = reader.read_all()
        now = self._clock()
        expires = self._moment(chosen)
        return self._trainer.create(statement, chosen, name, rows, now=now, expires=expires, files=files, file=file)

    def _moment(self, chosen: Chosen) -> datetime | None:
        """When a model expires; an expression is asked of the engine."""
        value: Any = chosen.expiration
        if isinstance(value, Expression):
            query = MlQuery(f"SELECT TIMESTAMP({value.sql}) AS moment")
            with Reading(self._around).rows(query) as reader:
                value = reader.read_all().column(0)[0].as_py()
        if value is not None and not isinstance(value, datetime):
            raise UsageError(f"expiration_timestamp is a TIMESTAMP, not {value!r}")
        return value

    def _drop(self, statement: DropModel, name: Name) -> ModelChange:
        if self._store.drop(name):
            return ModelChange("dropped", name)
        if statement.if_exists:
            return ModelChange("absent", name)
        raise self._models.missing(name)

    def _alter(self, statement: AlterModel, name: Name, file: str | None) -> ModelChange:
        chosen = alterations(statement, file)
        changes: dict[str, Any] = {key: getattr(chosen, key) for key in chosen.altered if key != "expiration"}
        if "expiration" in chosen.altered:
            moment = self._moment(chosen)
            changes["expires"] = moment.isoformat() if moment is not None else None
        changes["modified"] = self._clock().isoformat()
        if self._models.manifest(name) is not None:
            after = self._store.alter(name, lambda before: before.changed(**changes))
            if after is not None:
                return ModelChange("altered", name, after.model_type)
        if statement.if_exists:
            return ModelChange("absent", name)
        raise self._models.missing(name)

    def _export(self, statement: ExportModel, name: Name, file: str | None) -> ModelChange:
        uri = export_uri(statement, file)
        loaded = self._models.get(name)
        with self._places.export(uri) as folder:
            files = loaded.model.export(folder)
        return ModelChange("exported", name, loaded.manifest.model_type, files=files)
