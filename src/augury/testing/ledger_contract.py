"""What must a ledger do, whichever database it lies in?

Subclass `LedgerContract` in a test and say in `open_ledger` how a ledger is opened: called again in the same
test it opens the same one, as another process would.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from augury.errors import UsageError
from augury.ledger.records import (
    Definition,
    SourceDay,
    Status,
)
from augury.ledger.store import Ledger
from augury.testing.crowd_contract import CrowdPromises
from augury.testing.incident_contract import IncidentPromises
from augury.testing.lease_contract import LeasePromises
from augury.testing.records import (
    DAY,
    NEXT,
    NOON,
    ODD,
    ODD_KEPT,
    a_date,
    a_decision,
    a_model,
    a_partition,
    a_run,
    a_step,
)


class LedgerContract(LeasePromises, CrowdPromises, IncidentPromises, ABC):
    """The promises of every ledger."""

    @pytest.fixture
    @abstractmethod
    def open_ledger(self) -> Callable[[], Ledger]:
        """Opens the ledger of this test; empty at the first call."""

    @pytest.fixture
    def ledger(self, open_ledger: Callable[[], Ledger]) -> Iterator[Ledger]:
        with open_ledger() as ledger:
            yield ledger

    # Runs

    def test_a_run_is_remembered_as_it_was(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        ledger.begin_run(a_run(command=ODD), '{"tasks": ["é"]}')
        with open_ledger() as other:
            assert other.run("R1") == a_run(command=ODD_KEPT)
            assert other.stored_plan("R1") == '{"tasks": ["é"]}'

    def test_a_finished_run_says_how_it_ended(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        later = NOON + timedelta(seconds=3, microseconds=7)
        ledger.finish_run("R1", Status.FAILED, later, {"failed": 1, "succeeded": 29}, 10**10, "1 of 30 failed")
        assert ledger.run("R1") == a_run(
            status=Status.FAILED,
            finished_at=later,
            counts={"failed": 1, "succeeded": 29},
            peak_memory=10**10,
            detail="1 of 30 failed",
        )
        assert ledger.unfinished_runs() == []

    def test_a_crashed_run_leaves_no_task_running(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "a", "ltv", "v1", DAY, 1, NOON)
        ledger.begin_task("R1", "b", "ltv", "v1", None, 1, NOON)
        ledger.finish_task("R1", "b")
        ledger.finish_run("R1", Status.CRASHED, NOON, {})
        assert ledger.task_states("R1") == {"a": Status.CRASHED, "b": Status.SUCCEEDED}

    def test_a_run_that_did_not_finish_goes_on_elsewhere(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.finish_run("R1", Status.CRASHED, NOON, {}, detail="its process died")
        ledger.resume_run("R1", "there", 8)
        assert ledger.unfinished_runs() == [a_run(host="there", pid=8)]

    def test_runs_are_listed_newest_first(self, ledger: Ledger) -> None:
        for minute, pipeline in enumerate(("ltv", "rfm", "ltv")):
            at = NOON + timedelta(minutes=minute)
            ledger.begin_run(a_run(f"R{minute}", pipeline=pipeline, started_at=at), "{}")
        ledger.finish_run("R2", Status.SUCCEEDED, NOON, {})
        assert [run.run_id for run in ledger.runs()] == ["R2", "R1", "R0"]
        assert [run.run_id for run in ledger.runs("ltv")] == ["R2", "R0"]
        assert [run.run_id for run in ledger.runs(status=Status.RUNNING)] == ["R1", "R0"]
        assert [run.run_id for run in ledger.runs(limit=1)] == ["R2"]

    def test_an_unknown_run_is_named(self, ledger: Ledger) -> None:
        for ask in (ledger.run, ledger.stored_plan, lambda run: ledger.resume_run(run, "here", 1)):
            with pytest.raises(UsageError, match="R9"):
                ask("R9")

    def test_times_come_back_in_utc_whatever_zone_they_were_given_in(self, ledger: Ledger) -> None:
        zone = datetime.fromisoformat("2026-01-15T17:45:00+05:45")
        ledger.begin_run(a_run(started_at=zone), "{}")
        found = ledger.run("R1").started_at
        assert (found, found.tzinfo) == (NOON, UTC)

    def test_a_time_without_zone_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(Exception, match="no time zone"):
            ledger.begin_run(a_run(started_at=NOON.replace(tzinfo=None)), "{}")
        assert ledger.runs() == []

    # Tasks

    def test_what_a_task_did_is_recorded_with_its_end(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "2026-01-15", "ltv", "v1", DAY, 1, NOON)
        assert ledger.task_states("R1") == {"2026-01-15": Status.RUNNING}
        steps = [a_step("prepare"), a_step("filter"), a_step("validate", status=Status.HELD, detail=ODD)]
        ledger.finish_task(
            "R1",
            "2026-01-15",
            steps,
            [a_partition("prepare"), a_partition("filter", model_version=None)],
            [],
            a_date(status=Status.HELD),
            [Definition("d1", "pipelines/ltv/prepare.sql", "select 1\n")],
        )
        assert ledger.task_states("R1") == {"2026-01-15": Status.HELD}
        assert ledger.steps("R1") == [*steps[:2], replace(steps[2], detail=ODD_KEPT)]
        assert ledger.partitions("ltv", "v1") == {
            ("ltv_v1_prepare", DAY): a_partition("prepare"),
            ("ltv_v1_filter", DAY): a_partition("filter", model_version=None),
        }
        assert ledger.date_records("ltv", "v1") == {DAY: a_date(status=Status.HELD)}
        assert ledger.definitions(["d1", "d2"]) == {"d1": Definition("d1", "pipelines/ltv/prepare.sql", "select 1\n")}

    def test_finishing_a_task_twice_is_finishing_it_once(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "train", "ltv", "v1", DAY, 1, NOON)
        for _ in range(2):
            found = ledger.finish_task("R1", "train", [a_step("train", task="train")], [a_partition()], model=a_model())
            assert found == a_model(number=1)
        assert ledger.steps("R1") == [a_step("train", task="train")]
        assert ledger.models("ltv") == [a_model(number=1)]

    def test_a_task_is_recorded_whole_or_not_at_all(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "a", "ltv", "v1", DAY, 1, NOON)
        with pytest.raises(IntegrityError):
            ledger.finish_task("R1", "a", [a_step(run_id="unknown")], [a_partition()], date=a_date())
        assert ledger.task_states("R1") == {"a": Status.RUNNING}
        assert (ledger.partitions("ltv", "v1"), ledger.date_records("ltv", "v1")) == ({}, {})

    def test_a_removed_partition_is_gone(self, ledger: Ledger) -> None:
        ledger.record_partitions([a_partition(), a_partition(run_date=NEXT)])
        ledger.finish_task("R1", "a", removed=[("ltv_v1_prepare", DAY), ("never_there", DAY)])
        assert list(ledger.partitions("ltv", "v1")) == [("ltv_v1_prepare", NEXT)]

    def test_a_partition_that_is_built_again_replaces_its_record(self, ledger: Ledger) -> None:
        ledger.record_partitions([a_partition()])
        ledger.record_partitions([a_partition(rows=11)])
        assert ledger.partitions("ltv", "v1") == {("ltv_v1_prepare", DAY): a_partition(rows=11)}

    def test_a_repeated_task_counts_its_attempts_and_keeps_their_steps(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        failed = a_step(status=Status.FAILED)
        again = a_step(attempt=2, started_at=NOON + timedelta(seconds=5))
        for attempt, step in ((1, failed), (2, again)):
            ledger.begin_task("R1", step.task, "ltv", "v1", DAY, attempt, step.started_at)
            ledger.finish_task("R1", step.task, [step])
        assert ledger.task_states("R1") == {"2026-01-15": Status.SUCCEEDED}
        assert ledger.task_attempts("R1") == {"2026-01-15": 2}
        assert ledger.steps(pipeline="ltv", run_date=DAY) == [failed, again]
        assert ledger.steps(pipeline="ltv", run_date=NEXT) == ledger.steps(version="v2") == []

    def test_a_task_of_no_run_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(IntegrityError):
            ledger.begin_task("R9", "a", "ltv", "v1", DAY, 1, NOON)

    def test_estimates_are_the_mean_of_what_succeeded(self, ledger: Ledger) -> None:
        ledger.begin_run(a_run(), "{}")
        took = [a_step(attempt=n, seconds=float(n)) for n in (1, 2)]
        failed = a_step(attempt=3, seconds=100.0, status=Status.FAILED)
        ledger.finish_task("R1", "a", [*took, failed])
        assert ledger.step_seconds("ltv", "v1") == {"prepare": 1.5}

    # Partitions and dates

    def test_dates_are_listed_between_two_included_ones(self, ledger: Ledger) -> None:
        days = [DAY + timedelta(days=n) for n in range(4)]
        ledger.record_partitions(dates=[a_date(run_date=day) for day in reversed(days)])
        assert list(ledger.date_records("ltv", "v1")) == days
        assert list(ledger.date_records("ltv", "v1", days[1], days[2])) == days[1:3]
        assert ledger.date_records("ltv", "v2") == {}

    def test_partitions_of_tables_are_listed_between_two_included_dates(self, ledger: Ledger) -> None:
        days = [DAY + timedelta(days=n) for n in range(4)]
        ledger.record_partitions([a_partition(step, run_date=day) for step in ("prepare", "filter") for day in days])
        first, second = (a_partition(step).table for step in ("prepare", "filter"))
        assert set(ledger.partitions_of([first])) == {(first, day) for day in days}
        assert ledger.partitions_of([first, second], days[2], days[2]) == {
            key: record for key, record in ledger.partitions("ltv", "v1").items() if key[1] == days[2]
        }
        assert ledger.partitions_of([]) == {}

    def test_forgetting_takes_exactly_what_it_counted(self, ledger: Ledger) -> None:
        """B18: what `state reset --dry-run` says is what `state reset` does."""
        days = [DAY + timedelta(days=n) for n in range(4)]
        steps = ("prepare", "filter")
        ledger.record_partitions(
            [a_partition(step, run_date=day) for step in steps for day in days],
            dates=[a_date(run_date=day) for day in days],
        )
        ledger.record_partitions([a_partition(version="v2", table="ltv_v2_prepare")])
        some = days[1], days[2]
        assert ledger.count_forgettable("ltv", "v1", *some, steps=["filter"]) == {"partitions": 2}
        assert ledger.forget("ltv", "v1", *some, steps=["filter"]) == {"partitions": 2}
        assert ledger.count_forgettable("ltv", "v1", days[0], days[1]) == {"partitions": 3, "dates": 2}
        assert ledger.forget("ltv", "v1", days[0], days[1]) == {"partitions": 3, "dates": 2}
        assert ledger.forget("ltv", "v1", days[0], days[1]) == {"partitions": 0, "dates": 0}
        assert list(ledger.date_records("ltv", "v1")) == days[2:]
        assert len(ledger.partitions("ltv", "v2")) == 1

    def test_a_definition_keeps_its_first_text(self, ledger: Ledger) -> None:
        many = [Definition(f"d{n}", "a.sql", f"select {n}") for n in range(1200)]
        ledger.finish_task("R1", "a", definitions=many)
        ledger.finish_task("R1", "b", definitions=[Definition("d0", "b.sql", "other")])
        assert ledger.definitions(item.fingerprint for item in many) == {item.fingerprint: item for item in many}

    # Models and decisions

    def test_models_are_numbered_per_pipeline_and_version(self, ledger: Ledger) -> None:
        """1, 2, ... each, however many there are of the other ones."""
        assert ledger.next_model_number("ltv", "v1") == 1
        added = [
            ledger.add_model(a_model(version=version, tick=tick))
            for version, tick in (("v1", DAY), ("v1", NEXT), ("v2", DAY))
        ]
        assert [model.number for model in added] == [1, 2, 1]
        assert ledger.models("ltv", "v1") == added[:2]
        assert ledger.models("ltv") == added
        assert ledger.next_model_number("ltv", "v1") == 3

    def test_a_model_recorded_again_after_a_crash_stays_one(self, ledger: Ledger) -> None:
        first = ledger.add_model(a_model())
        assert ledger.add_model(a_model()) == first
        assert ledger.add_model(a_model(run_id="R2")).number == 2

    # What the project is still to be told

    def test_an_outcome_is_owed_to_the_hooks_once_its_run_is_over(self, ledger: Ledger) -> None:
        """As long as the run is at work, it makes its own calls."""
        ledger.begin_run(a_run(), "{}")
        ledger.record_partitions(dates=[a_date(), a_date(run_date=NEXT, told_at=NOON), a_date(version="v2")])
        model = ledger.add_model(a_model())
        ledger.add_model(a_model(tick=NEXT, told_at=NOON))
        assert (ledger.untold_dates("ltv", "v1"), ledger.untold_models("ltv", "v1")) == ([], [])
        ledger.finish_run("R1", Status.CRASHED, NOON, {})
        assert (ledger.untold_dates("ltv", "v1"), ledger.untold_models("ltv", "v1")) == ([a_date()], [model])

    def test_what_was_told_is_owed_no_more(self, ledger: Ledger) -> None:
        ledger.record_partitions(dates=[a_date(), a_date(run_date=NEXT)])
        models = [ledger.add_model(a_model()), ledger.add_model(a_model(tick=NEXT))]
        ledger.date_was_told("ltv", "v1", DAY, "R1", NOON)
        ledger.model_was_told("ltv", "v1", 1, NOON)
        assert ledger.untold_dates("ltv", "v1") == [a_date(run_date=NEXT)]
        assert ledger.untold_models("ltv", "v1") == models[1:]
        assert ledger.date_records("ltv", "v1")[DAY] == a_date(told_at=NOON)

    def test_telling_of_an_outcome_says_nothing_about_a_later_one(self, ledger: Ledger) -> None:
        ledger.record_partitions(dates=[a_date(run_id="R2")])
        ledger.date_was_told("ltv", "v1", DAY, "R1", NOON)
        assert ledger.untold_dates("ltv", "v1") == [a_date(run_id="R2")]

    def test_decisions_are_appended(self, ledger: Ledger) -> None:
        made = [
            ledger.decide(a_decision("promote", "3", detail=ODD_KEPT)),
            ledger.decide(a_decision("rollback", "2")),
            ledger.decide(a_decision("promote", "1", pipeline="rfm")),
        ]
        assert ledger.decisions() == made
        assert ledger.decisions("ltv", "v1", ["promote", "set-version"]) == made[:1]
        assert ledger.decisions("ltv", "v2") == []
        ids = [decision.id or 0 for decision in made]
        assert ids == sorted(set(ids))

    def test_the_current_version_is_the_last_one_set(self, ledger: Ledger) -> None:
        """H2: nobody decided, then v2, then back to v1."""
        seen = [ledger.current_version("ltv")]
        for version in ("v2", "v1"):
            ledger.decide(a_decision("set-version", version))
            ledger.decide(a_decision("promote", "9"))
            seen.append(ledger.current_version("ltv"))
        assert seen == [None, "v2", "v1"]
        assert ledger.current_version("rfm") is None

    # Sources

    def test_a_probe_tells_which_days_changed(self, ledger: Ledger) -> None:
        days = [DAY + timedelta(days=n) for n in range(3)]
        first = ledger.record_probe("orders", "s1", NOON, [(day, 5, "x") for day in days])
        other = ledger.record_probe("prices", "s1", NOON, [(DAY, 1, "y")])
        second = ledger.record_probe(
            "orders",
            "s2",
            NOON,
            [(days[0], 5, "x"), (days[1], 6, "z"), (days[2] + timedelta(days=1), 1, "n")],
        )
        assert (first.number, other.number, second.number) == (1, 2, 3)
        changed = [
            SourceDay("orders", days[1], 6, "z", 3),
            SourceDay("orders", days[2], 0, "", 3),
            SourceDay("orders", days[2] + timedelta(days=1), 1, "n", 3),
        ]
        assert ledger.source_days("orders") == [SourceDay("orders", days[0], 5, "x", 1), *changed]
        assert ledger.late_days("orders") == ledger.source_days("orders", changed_after=2) == changed
        assert ledger.late_days("prices") == []
        assert ledger.latest_probe("orders") == second
        assert ledger.latest_probe_number() == 3

    def test_a_probe_that_finds_the_same_changes_nothing(self, ledger: Ledger) -> None:
        days = [(DAY, 5, "x"), (NEXT, 0, "")]
        ledger.record_probe("orders", "s1", NOON, days)
        before = ledger.source_days("orders")
        ledger.record_probe("orders", "s2", NOON, days[:1])
        assert ledger.source_days("orders") == before
        assert (ledger.late_days("orders"), ledger.latest_probe("unknown")) == ([], None)
