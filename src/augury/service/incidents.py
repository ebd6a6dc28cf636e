"""Which incidents begin, grow and end, and what is to be told? Pure: what is not well, what is known, and a clock.

An incident is one pipeline version and one family of reasons. It begins with the first date that is not well, takes in
every further one, and ends when none is left. People hear of its begin and of its end; of what comes in between once a
day at most, and only where it grew.

A date belongs to one family: an overdue one that fails moves to what failed, without a word of recovery.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from augury.ledger.incident_records import Incident, IncidentKey, NotWell
from augury.ledger.records import Status
from augury.service.due import Timetable
from augury.spec.notifiers import Occasion

REMINDED = timedelta(days=1)
"""An incident that grew is told again after so long."""
FAMILIES: Mapping[Status, Occasion] = {
    Status.FAILED: "failed",
    Status.REFUSED: "failed",
    Status.CRASHED: "failed",
    Status.BLOCKED: "failed",
    Status.HELD: "held",
    Status.EXPIRED: "expired",
}
OVERDUE: Occasion = "overdue"

Version = tuple[str, str]
"""A pipeline and its version."""


@dataclass(frozen=True)
class Sight:
    """What is seen in one pass."""

    not_well: Sequence[NotWell]
    overdue: Mapping[Version, tuple[date, ...] | None]
    """Of every pipeline version of the project; None where none is looked for, as the pipeline is paused."""
    known: Mapping[IncidentKey, Incident]
    complete: Collection[tuple[str, str, str]] = ()
    """Of the subjects of open incidents, as (pipeline, version, subject): those that are well."""


@dataclass(frozen=True)
class Told:
    """Something that people are to hear."""

    kind: Occasion
    incident: Incident
    subjects: tuple[str, ...]
    """What it is about: all of an incident, or those that became well."""
    reminder: bool = False


@dataclass(frozen=True)
class Decision:
    changed: tuple[Incident, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass
class _Bad:
    """What is not well for one reason."""

    subjects: list[str] = field(default_factory=list)
    detail: str = ""
    run_id: str | None = None

    def add(self, subject: str, detail: str = "", run_id: str | None = None) -> None:
        if not self.subjects:
            self.detail, self.run_id = detail, run_id
        self.subjects.append(subject)


def decide(sight: Sight, now: datetime) -> Decision:
    """The same arguments give the same answer."""
    bad = _grouped(sight)
    changed: list[Incident] = []
    told: list[Told] = []
    for key in dict.fromkeys((*bad, *sight.known)):
        known = sight.known.get(key)
        is_open = known is not None and known.closed_at is None
        found = bad.get(key)
        if known is not None and is_open and found is None:
            if key.family == OVERDUE and sight.overdue.get(key[:2], ()) is None:
                continue
            changed.append(replace(known, revision=known.revision + 1, closed_at=now))
            told += _recovered(changed[-1], sight)
        elif known is not None and is_open and found is not None:
            grown = _grown(known, found)
            again = len(grown.subjects) > known.told and now - known.told_at >= REMINDED
            if again:
                grown = replace(grown, told_at=now, told=len(grown.subjects))
                told.append(Told(_occasion(key), grown, grown.subjects, reminder=True))
            if grown != known:
                changed.append(replace(grown, revision=known.revision + 1))
        elif found is not None:
            opened = _opened(key, known, found, now)
            changed.append(opened)
            told.append(Told(_occasion(key), opened, opened.subjects))
    return Decision(tuple(changed), tuple(told))


def _grouped(sight: Sight) -> dict[IncidentKey, _Bad]:
    """Every subject that counts, under its family. What is tried again, or failed before somebody's eyes, counts only
    where it was told of already."""
    followed = {
        (key.pipeline, key.version, subject)
        for key, incident in sight.known.items()
        if incident.closed_at is None
        for subject in incident.subjects
    }
    bad: dict[IncidentKey, _Bad] = {}
    elsewhere: set[tuple[str, str, str]] = set()
    for each in sight.not_well:
        place = (each.pipeline, each.version, each.subject)
        concluded = each.by_service and not each.tried_again
        if (each.pipeline, each.version) in sight.overdue and (concluded or place in followed):
            key = IncidentKey(each.pipeline, each.version, FAMILIES.get(each.status, "failed"))
            bad.setdefault(key, _Bad()).add(each.subject, each.detail, each.run_id)
            elsewhere.add(place)
    for (pipeline, version), days in sight.overdue.items():
        for day in days or ():
            if (pipeline, version, str(day)) not in elsewhere:
                bad.setdefault(IncidentKey(pipeline, version, OVERDUE), _Bad()).add(str(day))
    return bad


def _opened(key: IncidentKey, before: Incident | None, found: _Bad, now: datetime) -> Incident:
    return Incident(
        *key,
        number=before.number + 1 if before else 1,
        revision=before.revision + 1 if before else 1,
        opened_at=now,
        told_at=now,
        told=len(found.subjects),
        subjects=tuple(sorted(found.subjects)),
        detail=found.detail,
        run_id=found.run_id,
    )


def _grown(known: Incident, found: _Bad) -> Incident:
    return replace(known, subjects=tuple(sorted({*known.subjects, *found.subjects})))


def _recovered(closed: Incident, sight: Sight) -> Iterator[Told]:
    """Silent where nothing became well: its dates are another incident's by now, or nobody wants them any more."""
    well = tuple(subject for subject in closed.subjects if (closed.pipeline, closed.version, subject) in sight.complete)
    if well:
        yield Told("recovered", closed, well)


def _occasion(key: IncidentKey) -> Occasion:
    return next((each for each in (*FAMILIES.values(), OVERDUE) if each == key.family), "failed")


def overdue(
    table: Timetable,
    statuses: Mapping[date, Status],
    followed: Collection[date],
    began: datetime,
    after: timedelta,
    now: datetime,
) -> tuple[date, ...]:
    """The dates of a timetable that should have been published by now, ascending.

    `statuses`: how dates ended, from the one before the newest due one on, and those `followed`, which are overdue
    already. `began` is when the service came up: a pipeline that never ran before has from then on as long as others
    have from their tick. Unless every missed date is caught up, a later one that is well stands for those before it.
    """
    newest = table.newest(now - after)
    if newest is None or (now < began + after and not followed and not any(day < newest for day in statuses)):
        return ()
    well = {day for day, status in statuses.items() if status.complete or status is Status.CANCELLED}
    first = date.min if table.catchup == "all" else max(well, default=date.min)
    wanted = {newest, *(day for day in followed if day <= newest)}
    return tuple(sorted(day for day in wanted - well if day > first))
