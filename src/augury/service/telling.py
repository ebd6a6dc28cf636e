"""Who is to be told of what now? The ledger is looked at, the decision is kept in it, and the messages are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from augury import plugins
from augury.ledger.incident_records import Incident, IncidentKey, Notice
from augury.notifiers.contract import Message
from augury.notifiers.contract import Notifier as Adapter
from augury.operations.opened import Opened
from augury.service.due import Timetable, timetables
from augury.service.incidents import OVERDUE, Decision, Sight, Told, Version, decide, overdue
from augury.service.messages import Words
from augury.service.sending import Sending, Tell
from augury.spec.cascade import choose_target
from augury.spec.files import PipelineSpec
from augury.spec.notifiers import Notifier, options_of


class Telling:
    """Used by the one process that decides. Without notifiers it does nothing, and costs nothing."""

    def __init__(self, opened: Opened, tell: Tell) -> None:
        """Raises PluginError where a notifier cannot be imported."""
        self._opened = opened
        self._tell = tell
        self._began = opened.clock()
        spec = opened.spec
        self._notifiers = {
            name: each for name, each in spec.settings.notifiers.items() if each.serves(spec.target_name)
        }
        self._sending = Sending(opened.ledger, adapters(self._notifiers), opened.clock, tell, opened.masker.mask)
        is_default = spec.target_name == choose_target(spec.settings, None)
        self._words = Words(spec.name, spec.target_name, is_default, opened.masker.mask)
        self._tables: dict[Version, Timetable] = {}
        if self._notifiers:
            for name, versions in spec.pipelines.items():
                for version, pipeline in versions.items():
                    self._tables[name, version] = predictions_of(pipeline)
        self._well_until: dict[Version, datetime] = {}
        """Nothing of a pipeline can be overdue before."""

    def once(self, now: datetime) -> None:
        """One look. Raises StorageFailed where the ledger is away; what was missed is found by the next look."""
        if not self._notifiers:
            return
        known = self._opened.ledger.incidents()
        decision = decide(self._sight(known, now), now)
        if decision.changed:
            self._opened.ledger.record_incidents(decision.changed, list(self._notices(decision, now)))
        self._sending.once(now)

    def finish(self, *, idle: bool) -> None:
        """The service ends: `idle` where it has all the time, else somebody waits for it."""
        if idle:
            self._sending.finish(whole_round=True)
            self._sending.once(self._opened.clock())
        self._sending.finish(whole_round=idle)

    # -- looking ---------------------------------------------------------------------------------------------------

    def _sight(self, known: Mapping[IncidentKey, Incident], now: datetime) -> Sight:
        is_open = {key: each for key, each in known.items() if each.closed_at is None}
        paused = self._opened.ledger.pauses()
        late: dict[Version, tuple[date, ...] | None] = {}
        for version, table in self._tables.items():
            rests = table.paused or version[0] in paused
            incident = is_open.get(IncidentKey(*version, OVERDUE))
            late[version] = None if rests else self._overdue(version, table, incident, now)
        not_well = self._opened.ledger.not_well()
        return Sight(not_well, late, known, frozenset(self._complete(is_open.values())))

    def _overdue(
        self, version: Version, table: Timetable, incident: Incident | None, now: datetime
    ) -> tuple[date, ...]:
        if incident is None and now < self._well_until.get(version, now):
            return ()
        after = self._notify_after(version)
        newest = table.newest(now - after)
        if newest is None:
            return ()
        followed = [date.fromisoformat(each) for each in incident.subjects] if incident else []
        first = min(table.grid.before(newest) or newest, newest, *followed)
        found = self._opened.ledger.date_records(*version, first)
        late = overdue(table, {day: each.status for day, each in found.items()}, followed, self._began, after, now)
        upcoming = next(table.upcoming(now - after), None)
        if not late and newest in found and found[newest].status.complete:
            self._well_until[version] = upcoming.utc + after if upcoming else datetime.max.replace(tzinfo=UTC)
        return late

    def _notify_after(self, version: Version) -> timedelta:
        settings = self._opened.spec.pipelines[version[0]][version[1]].settings
        return timedelta(seconds=settings.schedule.notify_after)

    def _complete(self, incidents: Iterable[Incident]) -> Iterator[tuple[str, str, str]]:
        """The subjects of open incidents that are well. A training is, once it is no dead letter any more."""
        for each in incidents:
            days = [date.fromisoformat(subject) for subject in each.subjects if not subject.startswith("train ")]
            found = self._opened.ledger.date_records(each.pipeline, each.version, min(days), max(days)) if days else {}
            for subject in each.subjects:
                record = None if subject.startswith("train ") else found.get(date.fromisoformat(subject))
                if subject.startswith("train ") or (record is not None and record.status.complete):
                    yield each.pipeline, each.version, subject

    # -- telling ---------------------------------------------------------------------------------------------------

    def _notices(self, decision: Decision, now: datetime) -> Iterator[Notice]:
        for told in decision.told:
            message = self._words.message(told, self._tick(told), now)
            for name, notifier in self._notifiers.items():
                if wants(notifier, told):
                    yield notice_of(name, message, now)

    def _tick(self, told: Told) -> datetime | None:
        if told.kind != OVERDUE:
            return None
        table = self._tables[told.incident.pipeline, told.incident.version]
        return table.tick(date.fromisoformat(told.subjects[0])).local


def wants(notifier: Notifier, told: Told) -> bool:
    """Whoever was not told of an incident does not hear of its end."""
    return told.kind in notifier.on and told.incident.family in notifier.on


def notice_of(notifier: str, message: Message, now: datetime) -> Notice:
    return Notice(f"{message.id}/{notifier}", notifier, message.as_dict(), now, now)


def adapters(notifiers: Mapping[str, Notifier]) -> dict[str, Adapter]:
    """Raises PluginError where one cannot be imported."""
    return {
        name: plugins.load("notifiers", each.type)(options_of(each.type).model_validate(each.options))
        for name, each in notifiers.items()
    }


def predictions_of(pipeline: PipelineSpec) -> Timetable:
    return next(table for table in timetables(pipeline) if table.kind == "predict")
