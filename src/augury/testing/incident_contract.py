"""What must every ledger promise about incidents and the messages about them? A part of `LedgerContract`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from augury.ledger.incident_records import Incident, IncidentKey, Notice
from augury.ledger.queue_records import QueuedTask, TaskState
from augury.ledger.records import Status
from augury.ledger.store import Ledger
from augury.testing.records import DAY, NEXT, NOON, ODD, ODD_KEPT, a_date, a_model, a_run


def an_incident(**changes: Any) -> Incident:
    found = Incident("ltv", "v1", "failed", 1, 1, NOON, NOON, 1, (str(DAY),), "no rows", "R1")
    return replace(found, **changes)


def a_notice(name: str = "ltv/v1/failed/1/failed-1/team", **changes: Any) -> Notice:
    return replace(Notice(name, "team", {"title": "ltv failed"}, NOON, NOON), **changes)


def a_task(task: str, day: Any = DAY, **changes: Any) -> QueuedTask:
    state: dict[str, Any] = {"state": TaskState.QUEUED, "attempt": 1, "failures": 0, "starts": 0}
    times: dict[str, datetime] = {"enqueued_at": NOON, "not_before": NOON, "polled_at": NOON}
    what: dict[str, Any] = {"run_id": "R1", "task": task, "pipeline": "ltv", "version": "v1", "day": day, "step": ""}
    return QueuedTask(**{**what, "priority": 0, "requested": False, "position": 0, **state, **times, **changes})


def seen(ledger: Ledger) -> list[tuple[str, Status, bool]]:
    return [(each.subject, each.status, each.by_service) for each in ledger.not_well()]


class IncidentPromises:
    def test_an_incident_is_remembered_as_it_was(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        incident = an_incident(detail=ODD)
        assert ledger.record_incidents([incident], [])
        with open_ledger() as other:
            assert other.incidents() == {
                IncidentKey("ltv", "v1", "failed"): replace(incident, detail=ODD_KEPT),
            }

    def test_of_two_that_change_an_incident_at_once_one_wins(self, ledger: Ledger) -> None:
        assert ledger.record_incidents([an_incident()], [])
        assert not ledger.record_incidents([an_incident()], [a_notice()])
        assert ledger.due_notices(NOON) == []
        closed = an_incident(revision=2, closed_at=NOON)
        assert ledger.record_incidents([closed], [a_notice()])
        assert ledger.incidents()[closed.key] == closed
        assert ledger.due_notices(NOON) == [a_notice()]

    def test_a_message_is_sent_by_one_and_once(self, ledger: Ledger) -> None:
        ledger.record_incidents([an_incident()], [a_notice()])
        later = NOON + timedelta(minutes=5)
        claimed = ledger.claim_notice(a_notice(), later)
        assert claimed == a_notice(attempts=1, not_before=later)
        assert ledger.claim_notice(a_notice(), later) is None
        assert ledger.due_notices(NOON) == []
        assert ledger.due_notices(later) == [claimed]
        ledger.record_notice(replace(claimed, sent_at=later))
        assert ledger.due_notices(later) == []
        assert ledger.claim_notice(claimed, later) is None

    def test_what_was_sent_is_forgotten_in_time_and_what_was_not_is_kept(self, ledger: Ledger) -> None:
        sent, waiting, vain = a_notice("1", sent_at=NOON), a_notice("2"), a_notice("3", given_up=True)
        ledger.record_incidents([], [sent, waiting, vain])
        for before, known in (
            (NOON, [waiting]),
            (NOON + timedelta(seconds=1), [a_notice("1"), waiting, a_notice("3")]),
        ):
            ledger.forget_notices(before)
            ledger.record_incidents([], [a_notice("1"), a_notice("3")])  # one that is known stays as it is
            assert ledger.due_notices(NOON) == known

    def test_dates_that_are_not_well_are_found_with_who_performed_them(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.begin_run(a_run("R2", origin="schedule"), "{}")
        held = a_date(status=Status.HELD)
        failed = a_date(run_date=NEXT, status=Status.FAILED, run_id="R2")
        fine = a_date(run_date=NEXT + timedelta(days=1))
        cancelled = a_date(run_date=NEXT + timedelta(days=2), status=Status.CANCELLED)
        ledger.record_partitions(dates=[held, failed, fine, cancelled])
        assert seen(ledger) == [(str(DAY), Status.HELD, False), (str(NEXT), Status.FAILED, True)]

    def test_a_date_that_is_tried_again_says_so(self, ledger: Ledger) -> None:
        ledger.enqueue_run(
            a_run(origin="submit", status=Status.QUEUED), "{}", [a_task(str(DAY)), a_task(str(NEXT), NEXT)]
        )
        failed = [a_date(status=Status.FAILED, run_id="R1"), a_date(status=Status.FAILED, run_id="R1", run_date=NEXT)]
        ledger.record_partitions(dates=failed)
        ledger.end_waiting("R1", str(NEXT), {}, "")
        assert [each.tried_again for each in ledger.not_well()] == [True, False]

    def test_a_dead_letter_is_not_well_until_a_later_run_did_what_it_was_for(self, ledger: Ledger) -> None:
        tasks = [a_task(f"{DAY} +1"), a_task(f"train {NEXT}", NEXT)]
        ledger.enqueue_run(a_run(origin="submit", status=Status.QUEUED), "{}", tasks)
        for task in tasks:
            ledger.bury_task("R1", task.task, 1, "poison", {"status": "crashed"})
        assert seen(ledger) == [(str(DAY), Status.CRASHED, True), (f"train {NEXT}", Status.CRASHED, True)]
        ledger.record_partitions(dates=[a_date(run_id="R1")])
        assert len(seen(ledger)) == 2, "the run that it died in had published it before"
        ledger.begin_run(a_run("R2"), "{}")
        ledger.record_partitions(dates=[a_date(run_id="R2")])
        ledger.add_model(a_model(tick=NEXT, run_id="R2"))
        assert seen(ledger) == []
