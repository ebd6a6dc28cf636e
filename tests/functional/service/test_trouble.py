"""What the service does with what it cannot do: nothing vanishes, nothing holds a slot for ever, everybody is told."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from augury.errors import CannotStart, Locked, StorageFailed, UsageError
from augury.ledger.queue_records import TaskState
from augury.operations.locking import SERVICE
from augury.run.locks import PartitionLocks
from augury.service.durable import Durable, Released
from tests.projects import SPENT, Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings=BY_HAND, prepare=SPENT)


def test_a_pipeline_that_is_gone_leaves_dead_letters_that_say_so(shop: Shop) -> None:
    shop.pipeline("other", settings=BY_HAND, prepare=SPENT)
    shop.submit("other", "2026-01-02", "2026-01-04")
    shutil.rmtree(shop.root / "pipelines/other")
    shop.serve()
    dead = shop.tasks()
    assert [task.task.state for task in dead] == [TaskState.DEAD] * 2
    assert all("there is no pipeline called 'other'" in task.why for task in dead)


def test_what_waits_too_long_expires_and_its_date_says_so_p6(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND + "throttle: {default: {delay: 2h, expires: 1h}}\n", prepare=SPENT)
    shop.submit("ltv", "2026-01-02")
    shop.now += timedelta(minutes=1)
    shop.serve_until(lambda: bool(shop.tasks()) and shop.tasks()[0].task.state is TaskState.QUEUED)
    shop.now += timedelta(hours=1)
    shop.serve()
    (dead,) = shop.tasks()
    assert (dead.task.state, dead.why.startswith("expired: waited 1:00:00")) == (TaskState.DEAD, True)
    assert shop.statuses() == {"2026-01-02": "expired"}


def test_a_task_that_cannot_be_handed_over_frees_its_slot_p9(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pipeline(settings=BY_HAND + "throttle: {default: {max_concurrent: 1}}\n", prepare=SPENT)
    shop.submit("ltv", "2026-01-02", "2026-01-04")
    start = Durable.start
    refused: list[Released] = []

    def refuses_once(self: Durable, released: Released) -> None:
        if not refused:
            refused.append(released)
            raise StorageFailed("a task could not be handed to the workers")
        start(self, released)

    monkeypatch.setattr(Durable, "start", refuses_once)
    said = shop.serve()
    assert any("could not be handed" in line for line in said)
    assert set(shop.statuses().values()) == {"succeeded"}


def test_a_released_task_that_nobody_begins_is_released_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker died that had taken it, and had not said so."""
    shop.submit("ltv", "2026-01-02")
    start = Durable.start
    lost: list[Released] = []

    def loses_once(self: Durable, released: Released) -> None:
        if lost:
            start(self, released)
        else:
            lost.append(released)
            shop.now += timedelta(minutes=1)

    monkeypatch.setattr(Durable, "start", loses_once)
    shop.serve()
    (task,) = shop.tasks(everything=True)
    assert (task.task.state, task.task.attempt, task.task.starts) == (TaskState.ENDED, 2, 1)
    assert shop.statuses() == {"2026-01-02": "succeeded"}


def test_a_second_service_is_refused_with_the_name_of_the_first(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02")
    with (
        PartitionLocks(shop.root / ".augury/dev/_locks").acquire(SERVICE, "the first"),
        pytest.raises(Locked, match="this ledger is served already") as refused,
    ):
        shop.serve()
    assert refused.value.owner is not None
    assert refused.value.owner.run_id == "the first"


def test_a_ledger_of_a_newer_augury_is_refused(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02")
    with shop.open() as project, project._writing.ledger._database.write() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(CannotStart, match="written by a newer augury"):
        shop.serve()


def test_an_unreachable_ledger_is_named_without_its_password(shop: Shop) -> None:
    address = "postgresql://ann:s3cret@127.0.0.1:1/nowhere"  # pragma: allowlist secret
    shop.write("augury.yml", shop.text("augury.yml") + f"targets:\n  dev: {{ledger: '{address}'}}\n")
    with pytest.raises(StorageFailed) as away:
        shop.serve()
    assert "127.0.0.1" in str(away.value)
    assert "s3cret" not in str(away.value)


def test_dates_that_do_not_exist_are_refused_before_anything_is_queued(shop: Shop) -> None:
    with shop.open() as project:
        for pipeline, start in (("nobody", "2026-01-02"), ("ltv", "2025-01-02"), ("ltv", "2027-01-02")):
            with pytest.raises(UsageError):
                shop.submit(pipeline, start)
        assert project.tasks(everything=True) == []


def test_a_clock_that_is_set_back_stops_nothing(shop: Shop) -> None:
    shop.submit("ltv", "2026-01-02", "2026-01-05")
    shop.now -= timedelta(hours=5)
    shop.serve()
    assert set(shop.statuses().values()) == {"succeeded"}


def test_a_bug_of_ours_is_a_dead_letter_and_no_slot_is_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, *arguments: object) -> None:
        raise RuntimeError("never thought of")

    monkeypatch.setattr("augury.service.execute.Executor._performed", broken)
    shop.submit("ltv", "2026-01-02")
    shop.serve()
    (dead,) = shop.tasks()
    assert "an error of its own: RuntimeError: never thought of" in dead.why


def test_the_library_missing_is_said_with_the_extra_to_install(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dbos", None)
    with pytest.raises(CannotStart, match="library that is not installed") as missing:
        shop.serve()
    assert missing.value.fix == "pip install 'augury[service]'"
