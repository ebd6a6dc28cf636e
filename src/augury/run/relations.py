"""What does each relation of a query stand for on one date? Resolved to SQL of the warehouse."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from textwrap import shorten

from augury.errors import DataRefused, Place
from augury.names import quote
from augury.plan.definitions import Definitions, StepDefinition
from augury.plan.fingerprints import history_dates
from augury.plan.graph import StepGraph, table_of
from augury.plan.ticks import Ticks
from augury.spec.pipeline import StepSettings
from augury.spec.project import SourceSpec
from augury.sql.relations import (
    History,
    OfAnother,
    OtherHistory,
    OtherRef,
    Outcome,
    Published,
    Ref,
    Reference,
    Relation,
    Source,
    Staging,
    Window,
)
from augury.warehouses.contract import Bounds, Nulls, SourceState, TableColumn, Warehouse

NEAR = 31
"""Days that are looked at one by one for the latest published date, before all of them are listed."""


@dataclass(frozen=True)
class Resolver:
    """Relations of the steps of one date."""

    definitions: Definitions
    graph: StepGraph
    ticks: Ticks
    warehouse: Warehouse
    states: Mapping[str, SourceState]
    references_folder: Path
    references: Mapping[str, str]
    """Reference name to the SHA-256 of the version to read."""
    day: date
    training: bool = False
    """Read the copies of the tables that hold training dates."""
    by_name: bool = False
    checks: bool = True
    """Look for what a REQUIRED column of a source lacks: a query of its own."""
    """Write the names of tables instead of the files of their partitions: for people, not for the engine."""

    def __call__(self, relation: Relation) -> str:
        """A parenthesised SELECT. Raises DataRefused, StorageFailed."""
        match relation:
            case Source(name):
                return self._source(
                    name,
                    Bounds(
                        None,
                        self.definitions.values(self.day).cutoff,
                        self.definitions.values(self.day).cutoff,
                    ),
                )
            case Window(name):
                values = self.definitions.values(self.day)
                return self._source(name, Bounds(values.previous_cutoff, values.cutoff, values.cutoff))
            case Outcome(name):
                end, closes = self.definitions.values(self.day).horizon_end, self.ticks.closes(self.day)
                return self._source(name, Bounds(self.definitions.values(self.day).cutoff, end, closes))
            case Ref(step):
                return self._partitions(step, (self.day,))
            case History(step, _):
                days = history_dates(self.definitions.pipeline, self.graph, self.ticks, relation, self.day)
                return self._partitions(step, days)
            case OtherRef() | OtherHistory():
                return self._of_another(relation)
            case Reference(name):
                return self.warehouse.reference_sql(self._reference_file(name))
            case Staging():
                return self._partitions("post_process", (self.day,))
            case Published():
                return self._published()

    def _source(self, name: str, bounds: Bounds) -> str:
        source = self.definitions.project.sources[name]
        state = self.states.get(name)
        if state is None:
            raise DataRefused(
                f"source {name!r} is not there: nothing at {source.place}",
                fix="Put the data in place, or correct the source in augury.yml.",
            )
        if not state.typed:
            raise DataRefused(
                f"source {name!r} has a header and no rows, so that the types of its columns are not known",
                fix=f"Declare them: sources.{name}.columns in augury.yml.",
            )
        zone = source.timezone or self.definitions.project.settings.timezone
        if self.checks and not self.by_name:
            self._refuse_nulls(name, source, state, bounds, zone)
        return self.warehouse.source_sql(source, state, bounds, zone)

    def _refuse_nulls(self, name: str, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> None:
        found = self.warehouse.nulls(source, state, bounds, zone)
        if found:
            raise DataRefused(
                f"source {name!r}: a REQUIRED column is NULL",
                where=Place(file=source.place),
                why="; ".join(map(_described, found)),
                fix="Nothing was replaced. Correct the source, or take REQUIRED from its `columns` in augury.yml.",
            )

    def _partitions(self, step: str, days: tuple[date, ...]) -> str:
        table = table_of(step, self.definitions.pipeline.tables, training=self.training)
        if self.by_name:
            return self._named(table, days)
        like = None if days == (self.day,) else self._own_columns(step) or self._declared_columns(step)
        try:
            return self.warehouse.partition_sql(table, days, like)
        except DataRefused as error:
            if days != (self.day,):
                error.fix = error.fix or f"Declare them: steps.{step}.columns in {self.definitions.pipeline.file}."
            raise

    def _of_another(self, read: OfAnother) -> str:
        """Partitions of another pipeline; those of skipped dates are empty."""
        others = self.graph.others
        table, days, pipeline = others.table(read), others.days(read, self.day), others.of(read).pipeline
        if self.by_name:
            return self._named(table, days)
        like = _typed(pipeline.settings.steps.get(read.step))
        try:
            return self.warehouse.partition_sql(table, days, like)
        except DataRefused as error:
            error.fix = error.fix or f"Declare them: steps.{read.step}.columns in {pipeline.file}."
            raise

    def _declared_columns(self, step: str) -> tuple[TableColumn, ...] | None:
        """What stands for the history of a step on whose first date there is nothing to go by: its own past, or labels
        none of which is closed."""
        known = self.definitions.pipeline.steps.get(step)
        return _typed(known.settings if known else None)

    def _own_columns(self, step: str) -> tuple[TableColumn, ...] | None:
        """The columns of this date's own partition: the schema of a history that is still empty."""
        table = table_of(step, self.definitions.pipeline.tables, training=self.training)
        own = self.warehouse.partition(table, self.day)
        return own.columns if own else None

    def shape(self, definition: StepDefinition) -> Hashable:
        """The same for two dates on which a query returns the same columns; None where that takes a look at it."""
        if definition.compiled is None or not definition.compiled.contained:
            return None
        parts = [self._shape_of(read) for read in definition.reads]
        return None if None in parts else (definition.fingerprint, *parts)

    def _shape_of(self, relation: Relation) -> Hashable:
        match relation:
            case Source(name) | Window(name) | Outcome(name):
                state = self.states.get(name)
                # The shards of two dates may differ in their columns.
                return None if state is None or state.shards else state.signature
            case Ref(step):
                return self._own_columns(step)
            case OtherRef():
                other = self.warehouse.partition(self.graph.others.table(relation), self.day)
                return other.columns if other else None
            case Reference(name):
                return self.references.get(name)
        return None

    def _reference_file(self, name: str) -> Path:
        sha = self.references.get(name)
        if sha is None:
            raise DataRefused(f"reference {name!r}: the model in use was trained without it")
        return self.references_folder / f"{name}-{sha}.csv"

    def _published(self) -> str:
        """The latest published partition before this date; the candidate itself where there is none."""
        tables = self.definitions.pipeline.tables
        earlier = self._day_published_before(tables.predictions)
        table, day = (tables.predictions, earlier) if earlier else (tables.staging, self.day)
        return self._named(table, (day,)) if self.by_name else self.warehouse.partition_sql(table, (day,))

    def _named(self, table: str, days: tuple[date, ...]) -> str:
        """A readable stand-in for partitions: the table and the dates, not the files."""
        rows = f"SELECT * FROM {quote(table, self.warehouse.features.dialect)}"
        if not days:
            return f"({rows} LIMIT 0)"
        if len(days) == 1:
            return f"({rows} WHERE run_date = DATE '{days[0]}')"
        return f"({rows} WHERE run_date BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}')"

    def _day_published_before(self, predictions: str) -> date | None:
        for back in range(1, NEAR + 1):
            day = self.day - timedelta(days=back)
            if self.warehouse.partition(predictions, day) is not None:
                return day
        return max((day for day in self.warehouse.partitions(predictions) if day < self.day), default=None)


def _typed(settings: StepSettings | None) -> tuple[TableColumn, ...] | None:
    """The declared columns of a step, as its partitions have them."""
    if settings is None or not settings.columns:
        return None
    declared = (TableColumn(name, column.type) for name, column in settings.columns.items())
    return (TableColumn("run_date", "DATE"), *declared)


def _described(nulls: Nulls) -> str:
    shown = ", ".join(f"{name} {shorten(str(value), 40)}" for name, value in nulls.sample.items() if value is not None)
    rows = f"{nulls.rows:,} row{'s' * (nulls.rows != 1)}"
    return f"{nulls.column} in {rows} that this date may see" + (f", e.g. {shown}" if shown else "")
