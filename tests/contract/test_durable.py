"""What the service relies on in DBOS, on both databases: once for each attempt, again after a death, and forgotten."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from augury.errors import StorageFailed
from augury.service.durable import Durable, Released

FORK = multiprocessing.get_context("spawn")


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, bool]:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}", False
    return str(request.getfixturevalue("postgres")), True


@pytest.fixture
def schema() -> str:
    return f"dbos_{secrets.token_hex(4)}"


def made(address: tuple[str, bool], schema: str, executor: str = "one") -> Durable:
    url, shared = address
    return Durable(url, executor, schema=schema, concurrency=2, shared=shared)


@pytest.fixture
def durable(address: tuple[str, bool], schema: str) -> Iterator[tuple[Durable, list[Released]]]:
    done: list[Released] = []
    opened = made(address, schema)
    opened.launch(done.append)
    yield opened, done
    opened.stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_attempt_that_is_started_twice_is_performed_once(durable: tuple[Durable, list[Released]]) -> None:
    opened, done = durable
    first, second = Released("run", "2026-01-02", 1), Released("run", "2026-01-02", 2)
    for each in (first, first, second):
        opened.start(each)
    until(lambda: len(done) == 2)
    opened.start(first)
    last = Released("run", "2026-01-03", 1)
    opened.start(last)
    until(lambda: last in done)
    assert sorted(done, key=lambda each: (each.task, each.attempt)) == [first, second, last]


def test_what_was_given_up_is_not_performed_by_a_process_that_comes_back(
    address: tuple[str, bool], schema: str, tmp_path: Path
) -> None:
    """A process dies with two attempts under way; of the two one was given up meanwhile."""
    died = FORK.Process(target=_dies, args=(address, schema, str(tmp_path / "begun")))
    died.start()
    died.join(60)
    assert (died.exitcode, (tmp_path / "begun").read_text().split()) == (9, ["1", "2"])
    helper = made(address, schema, "another")
    helper.launch(lambda released: None)
    helper.give_up([Released("run", "2026-01-02", 1)])
    helper.stop()
    done: list[Released] = []
    again = made(address, schema)
    again.launch(done.append)
    until(lambda: bool(done))
    again.stop()
    assert done == [Released("run", "2026-01-02", 2)]


def test_what_is_over_is_forgotten(durable: tuple[Durable, list[Released]]) -> None:
    from dbos import DBOS

    opened, done = durable
    for number in range(12):
        opened.start(Released("run", "2026-01-02", number))
    until(lambda: len(done) == 12)
    until(lambda: len(DBOS.list_workflows(status="SUCCESS")) == 12)
    opened.tidy(keep=5)
    assert len(DBOS.list_workflows()) == 5


def test_a_database_that_cannot_be_used_is_an_error_of_ours(tmp_path: Path, schema: str) -> None:
    away = made((f"sqlite:///{tmp_path / 'nowhere' / 'service.db'}", False), schema)
    with pytest.raises(StorageFailed, match="database of the service"):
        away.launch(lambda released: None)
    away.stop()


def _dies(address: tuple[str, bool], schema: str, begun: str) -> None:
    """In a process of its own: dies once both attempts are under way."""

    def perform(released: Released) -> None:
        with Path(begun).open("a") as log:
            log.write(f"{released.attempt}\n")
        time.sleep(60)

    opened = made(address, schema)
    opened.launch(perform)
    for attempt in (1, 2):
        opened.start(Released("run", "2026-01-02", attempt))
        until(lambda attempt=attempt: Path(begun).exists() and len(Path(begun).read_text().split()) == attempt)  # type: ignore[misc]
    os._exit(9)
