"""Is the ledger, after any history, what a plain dictionary would be?"""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from augury.ledger.records import PartitionRecord, SourceDay
from augury.ledger.store import Ledger
from augury.testing.records import DAY, NOON, a_partition

DAYS = st.integers(0, 5).map(lambda n: DAY + timedelta(days=n))
STEPS = st.sampled_from(["prepare", "filter"])
PARTITIONS = st.builds(
    lambda step, day, rows: a_partition(step, run_date=day, rows=rows), STEPS, DAYS, st.integers(0, 2**60)
)
SOURCE = st.dictionaries(DAYS, st.tuples(st.integers(1, 3), st.sampled_from("xy")))


@given(st.lists(st.tuples(st.lists(PARTITIONS), st.lists(st.tuples(STEPS, DAYS)))))
def test_partitions_are_those_written_last_and_not_removed(
    history: list[tuple[list[PartitionRecord], list[tuple[str, date]]]],
) -> None:
    expected: dict[tuple[str, date], PartitionRecord] = {}
    with Ledger.absent() as ledger:
        for written, gone in history:
            removed = [(f"ltv_v1_{step}", day) for step, day in gone]
            ledger.record_partitions(written, removed)
            for key in removed:
                expected.pop(key, None)
            expected |= {(partition.table, partition.run_date): partition for partition in written}
        assert ledger.partitions("ltv", "v1") == expected


@given(st.lists(SOURCE, min_size=1))
def test_a_day_changed_in_the_probe_that_last_saw_it_differ(
    states: list[dict[date, tuple[int, str]]],
) -> None:
    """A day that vanished differs too, and so does one that returns."""
    changed_in: dict[date, int] = {}
    before: dict[date, tuple[int, str]] = {}
    with Ledger.absent() as ledger:
        for number, state in enumerate(states, start=1):
            ledger.record_probe("orders", str(number), NOON, [(day, *found) for day, found in state.items()])
            for day in before.keys() | state.keys():
                if before.get(day) != state.get(day):
                    changed_in[day] = number
            before = state
        nothing = (0, "")
        assert ledger.source_days("orders") == [
            SourceDay("orders", day, *before.get(day, nothing), changed_in[day]) for day in sorted(changed_in)
        ]
        assert ledger.late_days("orders") == [found for found in ledger.source_days("orders") if found.changed_in > 1]
