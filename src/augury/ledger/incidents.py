"""What is not well, which of it is known as an incident, and which messages are still to be sent?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, func, select

from augury.ledger import incident_tables, queue_tables, tables
from augury.ledger.database import columns_of, records, row_of, rows_of
from augury.ledger.incident_records import Incident, IncidentKey, Notice, NotWell
from augury.ledger.part import Part
from augury.ledger.queue_records import TaskState
from augury.ledger.records import FOREGROUND, Status
from augury.ledger.verbs import once, repeatable

_INCIDENTS = incident_tables.incidents
_NOTICES = incident_tables.notices
_QUEUE = queue_tables.queue.c
NOT_WELL = (Status.FAILED, Status.REFUSED, Status.CRASHED, Status.BLOCKED, Status.HELD, Status.EXPIRED)
"""What people are told of. A locked date is another run's, a cancelled one was a person's wish."""
_OPEN = tuple(state for state in TaskState if state.open)
_TRAINING = _QUEUE.task.like("train %")
_DONE_SINCE = (~_TRAINING) & exists().where(
    tables.dates.c.pipeline == _QUEUE.pipeline,
    tables.dates.c.version == _QUEUE.version,
    tables.dates.c.run_date == _QUEUE.day,
    tables.dates.c.status.in_([status for status in Status if status.complete]),
    tables.dates.c.run_id > _QUEUE.run_id,  # ids of runs sort by time
) | _TRAINING & exists().where(
    tables.models.c.pipeline == _QUEUE.pipeline,
    tables.models.c.version == _QUEUE.version,
    tables.models.c.tick == _QUEUE.day,
)
"""A later run did what the dead letter was for."""


class Incidents(Part):
    @repeatable
    def not_well(self) -> list[NotWell]:
        """Every date whose latest outcome is none that anybody wanted, and every dead letter."""
        dates, runs = tables.dates.c, tables.runs.c
        again = exists().where(
            _QUEUE.run_id == dates.run_id, _QUEUE.day == dates.run_date, _QUEUE.state.in_(_OPEN), ~_TRAINING
        )
        origin = func.coalesce(runs.origin, FOREGROUND)
        ended = (
            select(
                dates.pipeline, dates.version, dates.run_date, dates.status, dates.detail, dates.run_id, origin, again
            )
            .join(tables.runs, runs.run_id == dates.run_id, isouter=True)
            .where(dates.status.in_(NOT_WELL))
            .order_by(dates.pipeline, dates.version, dates.run_date)
        )
        of = _QUEUE
        dead = (
            select(of.pipeline, of.version, of.task, of.facts, of.reason, of.run_id)
            .where(of.state == TaskState.DEAD, ~_DONE_SINCE)
            .order_by(of.pipeline, of.version, of.position)
        )
        with self._database.read() as connection:
            found = [
                NotWell(pipeline, version, str(day), status, detail, run_id, origin != FOREGROUND, again)
                for pipeline, version, day, status, detail, run_id, origin, again in connection.execute(ended)
            ]
            letters = [
                NotWell(pipeline, version, _subject(task), Status(facts.get("status", "failed")), reason, run_id, True)
                for pipeline, version, task, facts, reason, run_id in connection.execute(dead)
            ]
        known = {(each.pipeline, each.version, each.subject) for each in found}
        return found + [each for each in letters if (each.pipeline, each.version, each.subject) not in known]

    @repeatable
    def incidents(self) -> dict[IncidentKey, Incident]:
        """The newest of each key, open or closed."""
        with self._database.read() as connection:
            return {each.key: each for each in records(connection, Incident, columns_of(Incident, _INCIDENTS))}

    @once
    def record_incidents(self, changed: Sequence[Incident], notices: Sequence[Notice]) -> bool:
        """Remember incidents as they are from now on, with what is to be sent of them: all of it or nothing.

        False, and nothing is kept, where somebody else changed one of them since it was read.
        """
        of = _INCIDENTS.c
        with self._database.write() as connection:
            self._database.alone(connection, "incidents")
            for incident in changed:
                which = (of.pipeline == incident.pipeline) & (of.version == incident.version)
                query = select(of.revision).where(which, of.family == incident.family)
                if (connection.scalar(query) or 0) != incident.revision - 1:
                    return False
            if changed:
                connection.execute(self._database.upsert(_INCIDENTS), rows_of(changed))
            if notices:
                connection.execute(self._database.insert_new(_NOTICES), rows_of(notices))
        return True

    # -- messages ------------------------------------------------------------------------------------------------

    @repeatable
    def due_notices(self, now: datetime) -> list[Notice]:
        """Messages that nobody took yet and that may be sent now, oldest first."""
        of = _NOTICES.c
        query = columns_of(Notice, _NOTICES).where(of.sent_at.is_(None), of.given_up.is_(False), of.not_before <= now)
        with self._database.read() as connection:
            return records(connection, Notice, query.order_by(of.created_at, of.id))

    @once
    def claim_notice(self, notice: Notice, until: datetime) -> Notice | None:
        """Begin an attempt, which nobody else does before `until`; None where somebody else has begun it."""
        of = _NOTICES.c
        mine = (of.id == notice.id) & (of.attempts == notice.attempts) & of.sent_at.is_(None)
        claim = {"attempts": notice.attempts + 1, "not_before": until}
        with self._database.write() as connection:
            if not connection.execute(_NOTICES.update().where(mine).values(claim)).rowcount:
                return None
        return replace(notice, attempts=notice.attempts + 1, not_before=until)

    @repeatable
    def record_notice(self, notice: Notice) -> None:
        """How an attempt ended."""
        with self._database.write() as connection:
            connection.execute(self._database.upsert(_NOTICES), row_of(notice))

    @repeatable
    def forget_notices(self, before: datetime) -> None:
        """Messages that were sent or given up before."""
        of = _NOTICES.c
        over = of.sent_at.is_not(None) | of.given_up.is_(True)
        with self._database.write() as connection:
            connection.execute(_NOTICES.delete().where(over, of.created_at < before))


def _subject(task: str) -> str:
    """The date of a task, whichever part of it it is; trainings are named as they are."""
    return task if task.startswith("train ") else task.partition(" ")[0]
