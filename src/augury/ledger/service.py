"""Who performs what the service has to do, and how far were its schedules served?"""

from __future__ import annotations

from datetime import datetime

from augury.ledger import queue_tables as tables
from augury.ledger.database import columns_of, records, row_of, storable
from augury.ledger.part import Part
from augury.ledger.queue_records import Pause, ScheduleRecord, WorkerRecord
from augury.ledger.verbs import once, repeatable


class Service(Part):
    @repeatable
    def register_worker(self, worker: WorkerRecord) -> None:
        with self._database.write() as connection:
            connection.execute(self._database.upsert(tables.workers), row_of(worker))

    @repeatable
    def beat(self, name: str, now: datetime, *, stopping: bool = False) -> bool:
        """A worker is alive. False where it was given up: its tasks are somebody else's by now."""
        of = tables.workers
        update = of.update().where(of.c.name == name).values(heartbeat_at=now, stopping=stopping)
        with self._database.write() as connection:
            return connection.execute(update).rowcount > 0

    @repeatable
    def remove_worker(self, name: str) -> None:
        with self._database.write() as connection:
            connection.execute(tables.workers.delete().where(tables.workers.c.name == name))

    @repeatable
    def workers(self) -> list[WorkerRecord]:
        """Oldest first, whether or not they live."""
        query = columns_of(WorkerRecord, tables.workers).order_by(tables.workers.c.started_at, tables.workers.c.name)
        with self._database.read() as connection:
            return records(connection, WorkerRecord, query)

    @repeatable
    def schedule_records(self) -> dict[tuple[str, str, str], ScheduleRecord]:
        """By pipeline, version and kind."""
        with self._database.read() as connection:
            found = records(connection, ScheduleRecord, columns_of(ScheduleRecord, tables.schedules))
        return {(each.pipeline, each.version, each.kind): each for each in found}

    @repeatable
    def record_schedule(self, record: ScheduleRecord) -> None:
        with self._database.write() as connection:
            connection.execute(self._database.upsert(tables.schedules), row_of(record))

    @repeatable
    def pauses(self) -> dict[str, Pause]:
        """Paused pipelines by name."""
        with self._database.read() as connection:
            return {each.pipeline: each for each in records(connection, Pause, columns_of(Pause, tables.pauses))}

    @repeatable
    def pause_pipeline(self, pause: Pause) -> None:
        """Pause a pipeline; one that is paused stays paused since it was."""
        with self._database.write() as connection:
            row = {**row_of(pause), "who": storable(pause.who)}
            connection.execute(self._database.insert_new(tables.pauses), row)

    @once
    def resume_pipeline(self, pipeline: str) -> bool:
        """False where it was not paused."""
        with self._database.write() as connection:
            return connection.execute(tables.pauses.delete().where(tables.pauses.c.pipeline == pipeline)).rowcount > 0

    @repeatable
    def forget_releases(self, before: datetime) -> None:
        """Rates look back a day at most."""
        with self._database.write() as connection:
            connection.execute(tables.releases.delete().where(tables.releases.c.at < before))
