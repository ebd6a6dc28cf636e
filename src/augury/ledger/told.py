"""Of which outcomes is the project still to be told?

An outcome is recorded before its hook is called, and the call is recorded after it. Between the two a process may die:
then the call is owed, and is made by somebody else.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, Table, select

from augury.ledger import tables
from augury.ledger.database import columns_of, records
from augury.ledger.part import Part
from augury.ledger.records import DateRecord, ModelRecord, Status
from augury.ledger.verbs import repeatable


class Told(Part):
    @repeatable
    def untold_dates(self, pipeline: str, version: str) -> list[DateRecord]:
        """Dates whose hook was not called by the run that they ended in, ascending. Runs at work make their own."""
        query = columns_of(DateRecord, tables.dates).where(_owed(tables.dates, pipeline, version))
        with self._database.read() as connection:
            return records(connection, DateRecord, query.order_by(tables.dates.c.run_date))

    @repeatable
    def untold_models(self, pipeline: str, version: str) -> list[ModelRecord]:
        """As for dates, ascending by number."""
        query = columns_of(ModelRecord, tables.models).where(_owed(tables.models, pipeline, version))
        with self._database.read() as connection:
            return records(connection, ModelRecord, query.order_by(tables.models.c.number))

    @repeatable
    def date_was_told(self, pipeline: str, version: str, run_date: date, run_id: str, at: datetime) -> None:
        """The hook of this outcome was called: not that of a later run of the date."""
        of = tables.dates.c
        which = (of.pipeline == pipeline) & (of.version == version) & (of.run_date == run_date) & (of.run_id == run_id)
        self._was_told(tables.dates, which, at)

    @repeatable
    def model_was_told(self, pipeline: str, version: str, number: int, at: datetime) -> None:
        of = tables.models.c
        which = (of.pipeline == pipeline) & (of.version == version) & (of.number == number)
        self._was_told(tables.models, which, at)

    def _was_told(self, table: Table, which: ColumnElement[bool], at: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(table.update().where(which).values(told_at=at))


def _owed(table: Table, pipeline: str, version: str) -> ColumnElement[bool]:
    runs = tables.runs.c
    at_work = select(runs.run_id).where(runs.status.in_((Status.QUEUED, Status.RUNNING)))
    of = table.c
    return (of.pipeline == pipeline) & (of.version == version) & of.told_at.is_(None) & of.run_id.not_in(at_work)
