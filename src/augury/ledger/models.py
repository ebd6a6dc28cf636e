"""Which models were trained, and what did the gate say about each?"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, select

from augury.ledger import tables
from augury.ledger.database import Database, columns_of, records, row_of
from augury.ledger.part import Part
from augury.ledger.records import ModelRecord
from augury.ledger.verbs import repeatable


class Models(Part):
    @repeatable
    def add_model(self, model: ModelRecord) -> ModelRecord:
        """Register a model and return it with its number: the next one of its pipeline and version.

        `model.number` is not looked at. The same model of the same run (tick and card) keeps the number that
        it has, so that a step repeated after a crash does not register it twice.
        """
        with self._database.write() as connection:
            alone_with_numbers(self._database, connection, model)
            return register(connection, model)

    @repeatable
    def next_model_number(self, pipeline: str, version: str) -> int:
        """The number that the next model gets if nobody else registers one before."""
        with self._database.read() as connection:
            return _next_number(connection, pipeline, version)

    @repeatable
    def models(self, pipeline: str, version: str | None = None) -> list[ModelRecord]:
        """Ascending by number; of every version where none is named."""
        of = tables.models.c
        query = columns_of(ModelRecord, tables.models).where(of.pipeline == pipeline)
        if version is not None:
            query = query.where(of.version == version)
        with self._database.read() as connection:
            return records(connection, ModelRecord, query.order_by(of.version, of.number))


def alone_with_numbers(database: Database, connection: Connection, model: ModelRecord) -> None:
    """Nobody else gives a number to a model of this pipeline and version before the transaction ends."""
    database.alone(connection, f"models {model.pipeline} {model.version}")


def register(connection: Connection, model: ModelRecord) -> ModelRecord:
    """`add_model` inside the caller's transaction, which is alone with the numbers."""
    of = tables.models.c
    same = select(of.number).where(
        of.pipeline == model.pipeline,
        of.version == model.version,
        of.run_id == model.run_id,
        of.tick == model.tick,
        of.sha256 == model.sha256,
    )
    if (known := connection.scalar(same)) is not None:
        return replace(model, number=known)
    numbered = replace(model, number=_next_number(connection, model.pipeline, model.version))
    connection.execute(tables.models.insert(), row_of(numbered))
    return numbered


def _next_number(connection: Connection, pipeline: str, version: str) -> int:
    of = tables.models.c
    latest = select(func.max(of.number)).where(of.pipeline == pipeline, of.version == version)
    return int(connection.scalar(latest) or 0) + 1
