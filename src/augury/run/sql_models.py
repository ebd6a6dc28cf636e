"""How does a pipeline train and ask a model that is a statement of BigQuery ML?

Where the engine has models of its own the statements run there. Elsewhere a session of `augury.bigquery_ml` performs
them: the engine gives the rows, and the model is trained and asked in this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from augury.errors import DataRefused, LimitExceeded, ModelFailed, Place, QueryRefused, SpecError, WorkFailed
from augury.ledger.records import ModelRecord
from augury.plan.definitions import StepDefinition
from augury.run.builds import in_template
from augury.run.work import Work
from augury.sql.model_names import with_model
from augury.sql.relations import Relation
from augury.warehouses.contract import NativeModels, Write, Written

if TYPE_CHECKING:
    import pyarrow as pa

    from augury.bigquery_ml.session import Session

ADDED = ("version", "model_version", "model_rule", "run_id", "predicted_at")
"""Columns of predictions that say where a row comes from."""
FOLDER = "bigquery_ml"
"""Below the folder of models: what the sessions keep."""


@dataclass(frozen=True)
class SqlModel:
    """One trained model of a version, in the hands of whoever runs its statements."""

    work: Work
    name: str
    """In the namespace: of one training."""

    def create(self, definition: StepDefinition, tick: date, rows: Mapping[Relation, str]) -> None:
        """Train it. `rows` are relations that only a training has. Raises ModelFailed, QueryRefused, UsageError."""
        with _placed(definition):
            sql, relations = self._bound(definition, tick, rows)
            if isinstance(self.work.warehouse, NativeModels):
                limit = self.work.pipeline.settings.limits.bytes_billed
                self.work.warehouse.create_model(self.name, sql, self.work.labels("train"), limit)
            else:
                self._session(relations).execute(sql)

    def predict(self, definition: StepDefinition, day: date, write: Write) -> Written:
        """What predicting.sql says of one date, with this model. Raises ModelFailed, QueryRefused, DataRefused."""
        with _placed(definition):
            sql, relations = self._bound(definition, day, {})
            if isinstance(self.work.warehouse, NativeModels):
                written = self.work.warehouse.create(write, sql)
                _refuse_added(column.name for column in written.partition.columns)
                return written
            with self._session(relations).read(sql) as reader:
                _refuse_added(reader.schema.names)
                return self.work.warehouse.load(write, reader)

    def rows(self, function: str) -> list[dict[str, Any]]:
        """What an ML function says of the model itself. Raises AuguryError where it says nothing of this type."""
        with self._asked(f"SELECT * FROM ML.{function.upper()}(MODEL {self._written})") as reader:
            found: list[dict[str, Any]] = reader.read_all().to_pylist()
        return found

    # -- statements ------------------------------------------------------------------------------------------

    def _asked(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        if isinstance(self.work.warehouse, NativeModels):
            return self.work.warehouse.read(sql)
        return self._session({}).read(sql)

    @property
    def _path(self) -> tuple[str, str]:
        return (self.work.warehouse.namespace, self.name)

    @property
    def _written(self) -> str:
        """How a statement names it."""
        if isinstance(self.work.warehouse, NativeModels):
            return self.work.warehouse.model_sql(self.name)
        return f"`{'.'.join(self._path)}`"

    def _bound(self, definition: StepDefinition, day: date, rows: Mapping[Relation, str]) -> tuple[str, dict[str, str]]:
        """The statement with this model's name, and what each name of a relation in it stands for."""
        compiled = definition.compiled
        assert compiled is not None
        resolver = self.work.resolver(day)
        # Symbols are left alone by a translation: the session asks what other names stand for.
        symbols = {
            slot.relation: slot.symbol.removeprefix("__") for slot in compiled.slots if slot.relation is not None
        }
        known = {relation: rows.get(relation) or resolver(relation) for relation in symbols}
        native = isinstance(self.work.warehouse, NativeModels)
        values = self.work.definitions.values(day)
        sql = compiled.bind(
            values, lambda relation: known[relation] if native else f"(SELECT * FROM {symbols[relation]})"
        )
        shared = self.work.pipeline.tables.model
        names = (f"{self.work.definitions.project.namespace}.{shared}", shared)
        sql, found = with_model(sql, names, self._written)
        if not found:
            raise ModelFailed(
                f"{definition.file} does not name the model of this version, {names[0]}",
                fix="Write {{ target_dataset }}." + shared + " where the model stands.",
            )
        return sql, {symbols[relation]: text for relation, text in known.items()}

    def _session(self, relations: Mapping[str, str]) -> Session:
        from augury.bigquery_ml.session import Session
        from augury.bigquery_ml.store import ModelStore

        model = self.work.pipeline.settings.model
        assert model is not None
        return Session(
            WarehouseEngine(self.work),
            ModelStore(self.work.models / FOLDER),
            tables=_Relations(relations),
            clock=self.work.clock,
            seed=model.train.seed,
            threads=self.work.threads,
        )


@dataclass(frozen=True)
class WarehouseEngine:
    """The warehouse of the target as the engine of a session."""

    work: Work

    @contextmanager
    def read(self, sql: str, streams: Mapping[str, Any]) -> Iterator[pa.RecordBatchReader]:
        with self.work.warehouse.read(sql, streams=streams) as reader:
            yield reader

    def describe(self, sql: str, streams: Mapping[str, pa.Schema]) -> pa.Schema:
        import pyarrow as pa

        empty = {name: pa.RecordBatchReader.from_batches(schema, iter(())) for name, schema in streams.items()}
        with self.work.warehouse.read(f"SELECT * FROM ({sql}\n) LIMIT 0", streams=empty) as reader:
            return reader.schema


@dataclass(frozen=True)
class _Relations:
    """The relations of a statement by the names that stand for them in it."""

    known: Mapping[str, str]

    def table(self, parts: tuple[str, ...]) -> str | None:
        return self.known.get(parts[0]) if len(parts) == 1 else None

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return ()


@contextmanager
def _placed(definition: StepDefinition) -> Iterator[None]:
    """What goes wrong in a statement, with the file and the line that it was written on."""
    try:
        yield
    except QueryRefused as error:
        raise in_template(error, definition.compiled) from error
    except SpecError as error:
        compiled = definition.compiled
        assert compiled is not None
        places = [compiled.place(problem.line or 1) for problem in error.problems]
        problems = [
            replace(problem, file=file, line=line) for problem, (file, line) in zip(error.problems, places, strict=True)
        ]
        raise SpecError(problems, what=error.what) from error
    except (WorkFailed, LimitExceeded) as error:
        raise error.at(Place(file=definition.file)) from error


def _refuse_added(columns: Iterable[str]) -> None:
    """Raises DataRefused for columns that augury adds to every prediction."""
    taken = [name for name in columns if name.lower() in ADDED]
    if taken:
        raise DataRefused(
            f"predicting.sql returns {', '.join(taken)}, which augury adds to every prediction",
            fix="Leave it out, or give it another name.",
        )


def model_of(work: Work, record: ModelRecord) -> SqlModel:
    """The model behind a record of the ledger."""
    return SqlModel(work, PurePath(record.folder).name)


def new_model(work: Work, tick: date) -> SqlModel:
    """One for a training of this run."""
    return SqlModel(work, f"{work.pipeline.tables.model}_{tick:%Y%m%d}_{work.run_id.lower()}")
