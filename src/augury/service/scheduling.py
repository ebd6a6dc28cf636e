"""What do the schedules ask for now? Every due date is submitted once, and remembered as handled only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from augury.errors import AuguryError, UsageError
from augury.ledger.queue_records import ScheduleRecord
from augury.ledger.records import Status
from augury.operations.opened import Opened
from augury.operations.training import train_request
from augury.plan.steps import Request
from augury.service.due import Due, Look, Readiness, Timetable, Watch, due, readiness, timetables
from augury.service.sources import sources_are_there
from augury.service.submit import SCHEDULE, submit
from augury.spec.files import PipelineSpec
from augury.spec.service import DEFAULT, throttle_of_task

Tell = Callable[[str, str], None]
Key = tuple[str, str, str]
"""Pipeline, version, kind."""

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
"""Seconds until a date is submitted again that could not be planned; doubled each time."""


class Schedules:
    """Serves the timetables of all pipelines; used by the one process that decides."""

    def __init__(self, opened: Opened, tell: Tell) -> None:
        self._opened = opened
        self._tell = tell
        began = opened.clock()
        self._since: dict[str, datetime] = {}
        self._began = began
        self._tables: dict[tuple[str, str], tuple[Timetable, ...]] = {}
        self._wake: dict[Key, datetime | None] = {}
        """When a timetable is to be looked at again; None for never."""
        self._pauses: dict[Key, float] = {}
        """How long the last failure made a timetable wait."""

    def once(self, now: datetime) -> None:
        """Submit what is due. What cannot be planned is told, and tried again after a while."""
        records, paused = self._opened.ledger.schedule_records(), self._opened.ledger.pauses()
        for name, versions in self._opened.spec.pipelines.items():
            if name in paused:
                self._since[name] = now
            for version, pipeline in versions.items():
                for table in self._timetables(pipeline):
                    key = (name, version, table.kind)
                    if not self._rests(key, now):
                        record = records.get(key) or ScheduleRecord(*key)
                        self._serve(key, pipeline, table, record, name in paused, now)

    def _timetables(self, pipeline: PipelineSpec) -> tuple[Timetable, ...]:
        key = (pipeline.name, pipeline.version)
        if key not in self._tables:
            throttles = self._opened.spec.settings.throttle, pipeline.settings.throttle
            self._tables[key] = timetables(pipeline, throttle_of_task(*throttles, DEFAULT).expires)
        return self._tables[key]

    def _rests(self, key: Key, now: datetime) -> bool:
        """Nothing can be due before the time that was found last. A clock that was set back is looked at again."""
        wake = self._wake.get(key)
        return key in self._wake and (wake is None or now < wake)

    def _serve(
        self, key: Key, pipeline: PipelineSpec, table: Timetable, record: ScheduleRecord, paused: bool, now: datetime
    ) -> None:
        since = self._since.get(pipeline.name, self._began)
        watch = Watch(since, record.handled, record.reached, record.looked, paused)
        found = due(table, watch, now)
        handled = record.handled
        try:
            for day in found.dates:
                self._submit(table, pipeline, day)
                handled = day
            handled = found.handled if not found.looks else self._look(table, pipeline, found, handled)
        except AuguryError as error:
            pause = min(LONGEST_PAUSE, 2 * self._pauses.get(key, FIRST_PAUSE / 2))
            self._pauses[key], self._wake[key] = pause, now + timedelta(seconds=pause)
            what = self._opened.masker.mask(str(error))
            self._tell("error", f"{pipeline.name} {pipeline.version} {table.kind}: {what}; again in {pause:.0f} s")
        else:
            self._pauses.pop(key, None)
            if paused or table.paused:
                self._wake.pop(key, None)
            else:
                self._wake[key] = found.wake
        self._say(pipeline, found)
        looked = now if found.looks else record.looked
        changed = replace(record, handled=handled, reached=found.reached, looked=looked)
        if changed != record:
            self._opened.ledger.record_schedule(changed)

    def _say(self, pipeline: PipelineSpec, found: Due) -> None:
        for day in found.given_up:
            self._tell("warning", f"{pipeline.name} {day}: its sources did not come in time; nothing was run")
        if found.left_out:
            days = f"{found.left_out[0]} to {found.left_out[-1]}" if len(found.left_out) > 1 else f"{found.left_out[0]}"
            self._tell(
                "warning",
                f"{pipeline.name}: missed and not caught up ({len(found.left_out)}): {days}; "
                f"schedule.catchup decides, augury submit {pipeline.name} makes up for them",
            )

    # -- the readiness poll ----------------------------------------------------------------------------------------

    def _look(self, table: Timetable, pipeline: PipelineSpec, found: Due, handled: date | None) -> date | None:
        """Submit the dates whose sources are there; the newest date that is settled."""
        settled = found.handled
        for look in found.looks:
            match self._found(pipeline, look):
                case Readiness.DUE:
                    self._submit(table, pipeline, look.day)
                case Readiness.ABSENT if not look.last:
                    return settled
                case Readiness.ABSENT:
                    self._tell("warning", f"{pipeline.name} {look.day}: its sources did not come in time")
                case Readiness.DONE:
                    pass
            settled = look.day
        return settled

    def _found(self, pipeline: PipelineSpec, look: Look) -> Readiness:
        records = self._opened.ledger.date_records(pipeline.name, pipeline.version, look.day, look.day)
        record = records.get(look.day)
        done = record is not None and record.status.complete and record.status is not Status.SKIPPED_MISSING
        return readiness(present=done or sources_are_there(self._opened, pipeline, look.day), done=done)

    # -- submissions -----------------------------------------------------------------------------------------------

    def _submit(self, table: Timetable, pipeline: PipelineSpec, day: date) -> None:
        request = self._request(table, pipeline, day)
        if request is not None:
            submit(self._opened, request, command=f"schedule: {table.kind} {day}", origin=SCHEDULE)

    def _request(self, table: Timetable, pipeline: PipelineSpec, day: date) -> Request | None:
        opened, name, version = self._opened, pipeline.name, pipeline.version
        match table.kind:
            case "predict":
                return Request(name, version, (day,), archive="without" if _archives_apart(pipeline) else "with")
            case "train":
                if any(model.tick == day for model in opened.ledger.models(name, version)):
                    return None
                try:
                    return train_request(opened, name, day, version)
                except UsageError as error:
                    self._tell("info", f"{name} tick {day}: {error.what}")
                    return None
            case "archive":
                if opened.current_version(name) != version:
                    return None
                published = opened.warehouse.partitions(pipeline.tables.predictions)
                return Request(name, version, tuple(published), archive="only") if published else None


def _archives_apart(pipeline: PipelineSpec) -> bool:
    archive = pipeline.settings.archive
    return archive is not None and archive.schedule is not None
