"""What must every ledger promise to writers that come at once? A part of `LedgerContract`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

from augury.errors import UsageError
from augury.ledger.queue_records import Priority, QueuedTask, TaskState
from augury.ledger.records import Definition, Status
from augury.ledger.store import Ledger
from augury.testing.records import DAY, NOON, a_model, a_partition, a_run, a_step

WRITERS = 8


def days(count: int) -> list[date]:
    return [DAY + timedelta(days=n) for n in range(count)]


class CrowdPromises:
    """Every test has eight threads; each with a ledger that it opened itself."""

    def at_once(
        self, open_ledger: Callable[[], Ledger], work: Callable[[Ledger, Any], Any], things: Sequence[Any]
    ) -> list[Any]:
        """What `work` returns for each of the things."""

        start = Barrier(WRITERS)

        def shift(some: Sequence[Any]) -> list[Any]:
            ledger = open_ledger()
            ledger.runs()  # connects
            start.wait(60)
            return [work(ledger, thing) for thing in some]

        with ThreadPoolExecutor(WRITERS) as pool:
            shifts = pool.map(shift, [things[at::WRITERS] for at in range(WRITERS)])
            return [result for each in shifts for result in each]

    def test_tasks_are_recorded_side_by_side(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        ledger.begin_run(a_run(), "{}")

        def work(own: Ledger, day: date) -> None:
            own.begin_task("R1", str(day), "ltv", "v1", day, 1, NOON)
            own.finish_task("R1", str(day), [a_step(task=str(day), run_date=day)], [a_partition(run_date=day)])

        self.at_once(open_ledger, work, days(64))
        assert set(ledger.task_states("R1").values()) == {Status.SUCCEEDED}
        assert len(ledger.steps("R1")) == len(ledger.partitions("ltv", "v1")) == 64

    def test_no_number_of_a_model_is_given_twice(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        """Whichever verb registers it."""
        ledger.begin_run(a_run(), "{}")

        def work(own: Ledger, day: date) -> int:
            model = a_model(tick=day)
            if day.day % 2:
                return own.add_model(model).number
            finished = own.finish_task("R1", str(day), [], model=model)
            assert finished is not None
            return finished.number

        assert sorted(self.at_once(open_ledger, work, days(48))) == list(range(1, 49))

    def test_a_model_that_two_register_is_one(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        numbers = self.at_once(open_ledger, lambda own, _: own.add_model(a_model()).number, range(24))
        assert (set(numbers), len(ledger.models("ltv"))) == ({1}, 1)

    def test_probes_of_all_sources_count_together(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        """A day changed in exactly one probe, the first that saw it so."""

        def work(own: Ledger, at: int) -> int:
            return own.record_probe(f"source_{at % 3}", f"s{at}", NOON, [(DAY, 5, "x")]).number

        assert sorted(self.at_once(open_ledger, work, range(48))) == list(range(1, 49))
        for source in ("source_0", "source_1", "source_2"):
            assert (len(ledger.source_days(source)), ledger.late_days(source)) == (1, [])

    def test_writers_of_the_same_rows_never_stop_each_other(
        self, ledger: Ledger, open_ledger: Callable[[], Ledger]
    ) -> None:
        """They come with the same rows in opposite orders."""
        texts = [Definition(f"d{n}", "a.sql", f"select {n}") for n in range(40)]
        partitions = [a_partition(run_date=day) for day in days(40)]

        def work(own: Ledger, at: int) -> None:
            turn = 1 if at % 2 else -1
            own.finish_task("R1", f"{at}", [], partitions[::turn], definitions=texts[::turn])

        self.at_once(open_ledger, work, range(32))
        assert (len(ledger.partitions("ltv", "v1")), len(ledger.definitions(d.fingerprint for d in texts))) == (40, 40)

    def test_a_date_is_queued_by_one_run(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        def work(own: Ledger, at: int) -> bool:
            try:
                own.enqueue_run(a_run(f"R{at}", status=Status.QUEUED), "{}", [a_task(f"R{at}")])
            except UsageError:
                return False
            return True

        assert sum(self.at_once(open_ledger, work, range(16))) == 1
        assert len(ledger.queued_tasks()) == len(ledger.runs()) == 1


def a_task(run_id: str) -> QueuedTask:
    return QueuedTask(
        run_id=run_id,
        task=str(DAY),
        pipeline="ltv",
        version="v1",
        day=DAY,
        step="",
        priority=Priority.SUBMITTED,
        requested=True,
        position=0,
        state=TaskState.QUEUED,
        attempt=1,
        starts=0,
        failures=0,
        enqueued_at=NOON,
        not_before=NOON,
        polled_at=NOON,
    )
