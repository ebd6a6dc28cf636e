"""When people are told of what, on a simulated clock (OR3, AA5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from augury.dates import Grid
from augury.ledger.incident_records import Incident, IncidentKey, NotWell
from augury.ledger.records import Status
from augury.service.due import Timetable
from augury.service.incidents import FAMILIES, Sight, decide, overdue
from augury.service.messages import Words

LTV = ("ltv", "v1")
F, H, E, B = Status.FAILED, Status.HELD, Status.EXPIRED, Status.BLOCKED


def day(number: int) -> date:
    return date(2026, 1, number)


@dataclass
class World:
    """What is not well, pass after pass, and what was told of it."""

    now: datetime = datetime(2026, 1, 10, 6, tzinfo=UTC)
    bad: dict[str, Status] = field(default_factory=dict)
    late: tuple[date, ...] | None = ()
    by_service: bool = True
    known: dict[IncidentKey, Incident] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)

    def look(self, **bad: Status) -> list[str]:
        """One pass; what is told in it. `d4=FAILED` is the fourth of January."""
        self.bad = {f"2026-01-{int(name[1:]):02}": status for name, status in bad.items()}
        return self.again()

    def again(self) -> list[str]:
        found = [NotWell(*LTV, subject, status, "why", "R1", self.by_service) for subject, status in self.bad.items()]
        open_ = [each for each in self.known.values() if each.closed_at is None]
        complete = {
            (*LTV, subject)
            for each in open_
            for subject in each.subjects
            if subject not in self.bad and subject not in {*map(str, self.late or ()), *self.cancelled}
        }
        decision = decide(Sight(found, {LTV: self.late}, self.known, complete), self.now)
        for each in decision.changed:
            before = self.known.get(each.key)
            assert each.revision == (before.revision if before else 0) + 1
            self.known[each.key] = each
        words = Words("shop", "prod", False, str)
        told = [words.message(each, None, self.now).title for each in decision.told]
        self.heard += told
        return told

    def wait(self, **by: float) -> World:
        self.now += timedelta(**by)
        return self


def test_one_message_for_all_that_fails_and_one_when_all_is_well_or3() -> None:
    world = World()
    assert world.look(d4=F) == ["ltv failed: 2026-01-04"]
    assert world.look(d4=F, d5=F, d6=B) == []
    assert world.look(d5=F, d6=B) == []
    assert world.look() == ["ltv recovered: 3 dates, 2026-01-04 to 2026-01-06"]
    assert world.again() == []


def test_what_is_found_together_is_told_together() -> None:
    assert World().look(d4=F, d5=B, d6=B) == ["ltv failed: 3 dates, 2026-01-04 to 2026-01-06"]


def test_the_next_time_is_another_incident() -> None:
    world = World()
    world.look(d4=F)
    world.look()
    assert world.look(d4=F) == ["ltv failed: 2026-01-04"]
    (incident,) = world.known.values()
    assert (incident.number, incident.closed_at) == (2, None)


def test_each_reason_is_an_incident_of_its_own() -> None:
    told = World().look(d4=F, d5=H, d6=E)
    assert told == ["ltv failed: 2026-01-04", "ltv held: 2026-01-05", "ltv expired: 2026-01-06"]


def test_a_date_that_fails_otherwise_moves_without_a_word_of_recovery() -> None:
    world = World()
    world.look(d4=H)
    assert world.look(d4=F) == ["ltv failed: 2026-01-04"]
    assert world.look() == ["ltv recovered: 2026-01-04"]


def test_what_is_cancelled_is_over_but_not_well() -> None:
    world = World(cancelled={"2026-01-04"})
    world.look(d4=F)
    assert world.look() == []
    assert [each.closed_at for each in world.known.values()] == [world.now]


def test_an_incident_that_grew_is_told_again_once_a_day() -> None:
    world = World()
    world.look(d4=F)
    assert world.wait(hours=25).look(d4=F) == [], "it is the same"
    world.look(d4=F, d5=F)
    assert world.wait(hours=1).again() == []
    assert world.heard[-1] == "ltv still failed: 2 dates, 2026-01-04 to 2026-01-05"
    assert world.wait(hours=23).look(d4=F, d5=F, d6=F) == ["ltv still failed: 3 dates, 2026-01-04 to 2026-01-06"]


def test_what_fails_before_somebodys_eyes_is_not_told_unless_it_was() -> None:
    world = World(by_service=False)
    assert world.look(d4=F) == []
    world.by_service = True
    assert world.look(d4=F) == ["ltv failed: 2026-01-04"]
    world.by_service = False
    assert world.look(d4=F) == [], "tried again by hand, and not well yet"
    assert world.look() == ["ltv recovered: 2026-01-04"]


def test_what_is_tried_again_is_not_told_before_its_last_attempt_or3() -> None:
    failed = NotWell(*LTV, "2026-01-04", F, "why", "R1", True, tried_again=True)
    assert decide(Sight([failed], {LTV: ()}, {}), datetime.now(UTC)).told == ()
    world = World()
    world.look(d4=F)
    assert decide(Sight([failed], {LTV: ()}, world.known), world.now).changed == (), (
        "it is sent again, and not well yet"
    )


def test_a_pipeline_that_is_gone_takes_its_incidents_with_it() -> None:
    world = World()
    world.look(d4=F)
    failed = [NotWell(*LTV, "2026-01-04", F, "why", "R1", True)]
    decision = decide(Sight(failed, {}, world.known), world.now)
    assert (len(decision.changed), decision.told) == (1, ())


def test_a_date_is_overdue_once_and_moves_to_what_it_becomes() -> None:
    world = World(late=(day(9),))
    assert world.look() == ["ltv overdue: 2026-01-09"]
    assert world.look() == []
    assert world.look(d9=F) == ["ltv failed: 2026-01-09"]
    world.late = ()
    assert world.look() == ["ltv recovered: 2026-01-09"]


def test_a_paused_pipeline_stays_as_overdue_as_it_was() -> None:
    world = World(late=(day(9),))
    world.look()
    world.late = None
    assert world.look() == []
    assert [each.closed_at for each in world.known.values()] == [None]
    world.late = ()
    assert world.look() == ["ltv recovered: 2026-01-09"]


def test_every_status_that_nobody_wanted_has_a_family() -> None:
    from augury.ledger.incidents import NOT_WELL

    assert set(FAMILIES) == set(NOT_WELL)


# -- overdue -------------------------------------------------------------------------------------------------------

MADRID = ZoneInfo("Europe/Madrid")
TABLE = Timetable("predict", Grid("0 6 * * *", MADRID, day(1)))
AFTER = timedelta(hours=2)
LONG_AGO = datetime(2025, 12, 1, tzinfo=UTC)


def late(
    now: str,
    statuses: Mapping[date, Status],
    *,
    table: Timetable = TABLE,
    followed: Sequence[date] = (),
    began: datetime = LONG_AGO,
) -> list[int]:
    instant = datetime.fromisoformat(f"2026-01-{now}").replace(tzinfo=UTC)
    return [each.day for each in overdue(table, statuses, followed, began, AFTER, instant)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("10T06:59", []),  # 07:59 in Madrid: its time was 06:00
        ("10T07:00", [10]),
        ("11T06:59", [10]),  # the next one has two hours as well
        ("11T07:00", [11]),
    ],
)
def test_a_date_is_overdue_two_hours_after_its_time(now: str, expected: list[int]) -> None:
    assert late(now, {day(9): Status.SUCCEEDED}) == expected


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.SKIPPED_EMPTY, Status.CANCELLED])
def test_a_date_that_is_done_or_not_wanted_is_not_overdue(status: Status) -> None:
    assert late("10T12:00", {day(10): status}) == []


def test_dates_stay_overdue_until_a_later_one_is_there_unless_all_are_wanted() -> None:
    followed = [day(9), day(10)]
    assert late("11T12:00", {}, followed=followed) == [9, 10, 11]
    done = {day(11): Status.SUCCEEDED}
    assert late("11T12:00", done, followed=followed) == []
    assert late("11T12:00", done, followed=followed, table=replace(TABLE, catchup="all")) == [9, 10]


def test_a_pipeline_that_never_ran_has_its_time_from_when_the_service_came_up() -> None:
    began = datetime(2026, 1, 10, 9, tzinfo=UTC)
    assert late("10T10:59", {}, began=began) == []
    assert late("10T11:00", {}, began=began) == [10]
    assert late("10T09:00", {day(9): Status.SUCCEEDED}, began=began) == [10], "it was late before"


def test_nothing_is_overdue_before_the_first_date() -> None:
    assert late("01T04:00", {}) == []
