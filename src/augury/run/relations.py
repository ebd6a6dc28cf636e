"""What does each relation of a query stand for on one date? Resolved to SQL of the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from augury.errors import DataRefused
from augury.plan.fingerprints import history_dates
from augury.plan.graph import table_of
from augury.run.work import Work
from augury.sql.relations import (
    History,
    Outcome,
    Published,
    Ref,
    Reference,
    Relation,
    Source,
    Staging,
    Window,
)
from augury.warehouses.contract import Bounds, TableColumn


class Resolver:
    """Relations of the steps of one date."""

    def __init__(
        self, work: Work, day: date, *, training: bool = False, references: Mapping[str, str] | None = None
    ) -> None:
        self._work = work
        self._day = day
        self._training = training
        self._references = references or work.facts.references
        self._values = work.definitions.values(day)
        self._tables = work.pipeline.tables

    def __call__(self, relation: Relation) -> str:
        """A parenthesised SELECT. Raises DataRefused, StorageFailed."""
        match relation:
            case Source(name):
                return self._source(name, Bounds(None, self._values.cutoff, self._values.cutoff))
            case Window(name):
                values = self._values
                return self._source(name, Bounds(values.previous_cutoff, values.cutoff, values.cutoff))
            case Outcome(name):
                end, closes = self._values.horizon_end, self._work.ticks.closes(self._day)
                return self._source(name, Bounds(self._values.cutoff, end, closes))
            case Ref(step):
                return self._partitions(step, (self._day,))
            case History(step, _):
                days = history_dates(self._work.pipeline, self._work.graph, self._work.ticks, relation, self._day)
                return self._partitions(step, days)
            case Reference(name):
                return self._work.warehouse.reference_sql(self._reference_file(name))
            case Staging():
                return self._work.warehouse.partition_sql(self._tables.staging, (self._day,))
            case Published():
                return self._published()

    def _source(self, name: str, bounds: Bounds) -> str:
        source = self._work.definitions.project.sources[name]
        state = self._work.states.get(name)
        if state is None:
            raise DataRefused(
                f"source {name!r} is not there: nothing at {source.path or source.database}",
                fix="Put the data in place, or correct the source in augury.yml.",
            )
        zone = source.timezone or self._work.definitions.project.settings.timezone
        return self._work.warehouse.source_sql(source, state, bounds, zone)

    def _partitions(self, step: str, days: tuple[date, ...]) -> str:
        table = table_of(step, self._tables, training=self._training)
        return self._work.warehouse.partition_sql(table, days, self._own_columns(step))

    def _own_columns(self, step: str) -> tuple[TableColumn, ...] | None:
        """The columns of this date's own partition: the schema of a history that is still empty."""
        table = table_of(step, self._tables, training=self._training)
        own = self._work.warehouse.partition(table, self._day)
        return own.columns if own else None

    def _reference_file(self, name: str) -> Path:
        sha = self._references.get(name)
        if sha is None:
            raise DataRefused(f"reference {name!r}: the model in use was trained without it")
        return self._work.references / f"{name}-{sha}.csv"

    def _published(self) -> str:
        """The latest published partition before this date; the candidate itself where there is none."""
        warehouse = self._work.warehouse
        earlier = [day for day in warehouse.partitions(self._tables.predictions) if day < self._day]
        if earlier:
            return warehouse.partition_sql(self._tables.predictions, (max(earlier),))
        return warehouse.partition_sql(self._tables.staging, (self._day,))
