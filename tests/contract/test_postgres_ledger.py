"""Does the ledger on PostgreSQL keep the promises of every ledger, and those of a server that several share?"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from augury.errors import CannotStart, NamespaceError, StorageFailed
from augury.ledger import tables
from augury.ledger.migrations import upgrade
from augury.ledger.postgres import schema_name
from augury.ledger.records import Status
from augury.ledger.store import Ledger
from augury.testing.ledger_contract import LedgerContract
from augury.testing.records import DAY, NOON, a_date, a_decision, a_model, a_partition, a_run, a_step

SPAWN = multiprocessing.get_context("spawn")


class TestLedgerOnPostgreSQL(LedgerContract):
    @pytest.fixture
    def open_ledger(self, postgres: str, namespace: str) -> Iterator[Callable[[], Ledger]]:
        with ExitStack() as stack:
            yield lambda: stack.enter_context(Ledger.connect(postgres, "shop", namespace))


@pytest.fixture
def ledger(postgres: str, namespace: str) -> Iterator[Ledger]:
    with Ledger.connect(postgres, "shop", namespace) as ledger:
        yield ledger


def told(address: str, *statements: str) -> list[Any]:
    """What the server answers to the last of some statements, asked from outside."""
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


# The schema


def schema_of(address: str, schema: str) -> list[Any]:
    """Columns, defaults, keys and indexes as the server has them."""
    return told(
        address,
        f"set search_path to {schema}",
        "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns "
        f"where table_schema = '{schema}' union all "
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' from pg_constraint "
        f"where connamespace = '{schema}'::regnamespace union all "
        f"select tablename, indexname, replace(indexdef, '{schema}.', ''), '', '' from pg_indexes "
        f"where schemaname = '{schema}' order by 1, 2, 3",
    )


def test_a_new_ledger_is_what_the_migrations_add_up_to(postgres: str, namespace: str) -> None:
    Ledger.connect(postgres, "new", namespace).close()
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"create schema migrated_{namespace}"))
        connection.execute(text(f"set search_path to migrated_{namespace}"))
        upgrade(connection)
    engine.dispose()
    made = schema_of(postgres, f"new_{namespace}")
    assert made == schema_of(postgres, f"migrated_{namespace}")
    assert len(made) > 100


def test_the_ledger_of_an_older_augury_is_brought_up_to_date_by_one_process(postgres: str, namespace: str) -> None:
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"create schema shop_{namespace}"))
        connection.execute(text(f"set search_path to shop_{namespace}"))
        upgrade(connection, to="0001")
    engine.dispose()
    at_once(postgres, namespace, count=2)
    with Ledger.connect(postgres, "shop", namespace) as ledger:
        assert len(ledger.partitions("ltv", "v1")) == 8 * 2
    assert told(postgres, f"select version_num from shop_{namespace}.alembic_version") == [(tables.HEAD,)]


def test_asking_an_absent_ledger_writes_nothing(postgres: str, namespace: str) -> None:
    with Ledger.connect(postgres, "shop", namespace, create=False) as ledger:
        assert ledger.runs() == []
    assert told(postgres, f"select 1 from pg_namespace where nspname = 'shop_{namespace}'") == []


def test_opening_an_up_to_date_ledger_does_not_load_alembic(postgres: str, namespace: str) -> None:
    code = (
        "import sys; from augury.ledger.store import Ledger\n"
        f"for _ in range(2): Ledger.connect({postgres!r}, 'shop', {namespace!r}).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_ledger_of_a_newer_augury_is_refused(postgres: str, namespace: str) -> None:
    Ledger.connect(postgres, "shop", namespace).close()
    told(postgres, f"update shop_{namespace}.alembic_version set version_num = '9999'")
    for create in (True, False):
        with pytest.raises(CannotStart, match="newer augury") as caught:
            Ledger.connect(postgres, "shop", namespace, create=create)
        assert f"schema shop_{namespace}" in str(caught.value)


def test_tables_of_somebody_else_are_left_alone(postgres: str, namespace: str) -> None:
    told(postgres, f"create schema shop_{namespace}", f"create table shop_{namespace}.customers (id int)")
    with pytest.raises(StorageFailed, match="not a ledger") as caught:
        Ledger.connect(postgres, "shop", namespace)
    assert "customers" in str(caught.value)


def test_two_names_that_come_to_the_same_schema_are_kept_apart(postgres: str, namespace: str) -> None:
    Ledger.connect(postgres, "shop", f"a_{namespace}").close()
    with pytest.raises(NamespaceError, match=f"belongs to project shop, namespace a_{namespace}"):
        Ledger.connect(postgres, "shop_a", namespace)


def test_words_about_a_schema_do_not_keep_it_from_being_a_ledger(postgres: str, namespace: str) -> None:
    told(postgres, f"create schema shop_{namespace}", f"comment on schema shop_{namespace} is 'of the shop'")
    with Ledger.connect(postgres, "shop", namespace) as ledger:
        assert ledger.runs() == []


def test_names_that_are_too_long_for_a_schema_differ_in_their_end(postgres: str, namespace: str) -> None:
    names = [(namespace + 50 * "x")[:62] + last for last in "yz"]
    for name in names:
        with Ledger.connect(postgres, "shop", name) as ledger:
            ledger.begin_run(a_run(name), "{}")
    for name in names:
        with Ledger.connect(postgres, "shop", name) as ledger:
            assert [run.run_id for run in ledger.runs()] == [name]
        assert len(schema_name("shop", name)) == 63


# Readers and broken connections


def test_what_a_verb_reads_is_of_one_moment(ledger: Ledger, postgres: str, namespace: str) -> None:
    ledger.begin_run(a_run(), "{}")
    with ledger._database.read() as connection:
        assert connection.scalar(text("select count(*) from runs")) == 1
        with Ledger.connect(postgres, "shop", namespace) as other:
            other.begin_run(a_run("R2"), "{}")
        assert connection.scalar(text("select count(*) from runs")) == 1
        with pytest.raises(StorageFailed, match="cannot be written"), ledger._database.read() as reader:
            reader.execute(text("delete from runs"))
    assert len(ledger.runs()) == 2


@contextmanager
def broken(ledger: Ledger, address: str, before: str, times: int = 1) -> Iterator[list[str]]:
    """The server ends the session `times` times: before a statement that begins so, or before the `commit`."""
    ended: list[str] = []

    def end(connection: Any, statement: str) -> None:
        if statement.startswith(before) and len(ended) < times:
            ended.append(statement)
            told(address, f"select pg_terminate_backend({connection.connection.driver_connection.info.backend_pid})")

    def executing(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        end(connection, statement)

    def committing(connection: Any) -> None:
        end(connection, "commit")

    engine: Engine = ledger._database.engine
    event.listen(engine, "before_cursor_execute", executing)
    event.listen(engine, "commit", committing)
    yield ended
    event.remove(engine, "before_cursor_execute", executing)
    event.remove(engine, "commit", committing)


def test_a_server_that_was_restarted_is_connected_to_again(ledger: Ledger, postgres: str) -> None:
    ledger.begin_run(a_run(), "{}")
    told(
        postgres,
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'augury' and datname = current_database()",
    )
    assert ledger.run("R1") == a_run()
    ledger.begin_run(a_run("R2"), "{}")


def test_a_question_is_asked_once_more_where_the_connection_breaks(ledger: Ledger, postgres: str) -> None:
    ledger.begin_run(a_run(), "{}")
    with broken(ledger, postgres, "SELECT runs") as ended:
        assert ledger.run("R1") == a_run()
    assert len(ended) == 1
    with broken(ledger, postgres, "SELECT runs", times=2), pytest.raises(StorageFailed, match="connection") as caught:
        ledger.run("R1")
    assert f"{make_url(postgres).host}:" in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize("before", ["INSERT INTO partitions", "commit"])
def test_what_may_be_done_twice_is_done_once_more(ledger: Ledger, postgres: str, before: str) -> None:
    ledger.begin_run(a_run(), "{}")
    ledger.begin_task("R1", "2026-01-15", "ltv", "v1", DAY, 1, NOON)
    with broken(ledger, postgres, before) as ended:
        found = ledger.finish_task(
            "R1",
            "2026-01-15",
            [a_step()],
            [a_partition()],
            date=a_date(),
            definitions=iter(()),
            model=a_model(),
        )
    assert len(ended) == 1
    assert found == a_model(number=1)
    assert ledger.task_states("R1") == {"2026-01-15": Status.SUCCEEDED}
    assert (ledger.steps("R1"), ledger.models("ltv")) == ([a_step()], [found])


def test_what_may_not_be_done_twice_is_an_error(ledger: Ledger, postgres: str) -> None:
    with broken(ledger, postgres, "commit"), pytest.raises(StorageFailed, match="connection") as caught:
        ledger.decide(a_decision("promote", "3"))
    assert "server" in (caught.value.fix or "")
    assert ledger.decisions() == []


def test_a_deadlock_is_tried_again(ledger: Ledger, postgres: str) -> None:
    """The server may choose any of those that wait for each other; here it says that it chose this one."""
    fail = "raise exception 'deadlock detected' using errcode = '40P01'"
    schema = ledger.place.rpartition(" ")[2]
    told(
        postgres,
        f"create sequence {schema}.tries",
        f"create function {schema}.unlucky() returns trigger language plpgsql as "
        f"$$ begin if nextval('{schema}.tries') < 3 then {fail}; end if; return new; end $$",
        f"create trigger unlucky before insert on {schema}.decisions for each row execute function {schema}.unlucky()",
    )
    ledger.decide(a_decision("promote", "3"))
    assert len(ledger.decisions()) == 1


# Several processes


def write_dates(address: str, namespace: str, worker: int, count: int) -> None:
    with Ledger.connect(address, "shop", namespace) as ledger:
        run_id = f"R{worker}"
        ledger.begin_run(a_run(run_id), "{}")
        for n in range(count):
            day = DAY + timedelta(days=worker * count + n)
            ledger.begin_task(run_id, str(day), "ltv", "v1", day, 1, NOON)
            ledger.finish_task(
                run_id,
                str(day),
                [a_step(run_id=run_id, task=str(day), run_date=day)],
                [a_partition(run_id=run_id, run_date=day)],
                date=a_date(run_id=run_id, run_date=day),
                model=a_model(run_id=run_id, tick=day),
            )
            ledger.record_probe(f"source {n % 2}", "s", NOON, [(day, 1, "x")])


def at_once(address: str, namespace: str, count: int) -> None:
    workers = [SPAWN.Process(target=write_dates, args=(address, namespace, n, count)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 8


def test_eight_processes_make_and_write_one_ledger_at_once(postgres: str, namespace: str) -> None:
    at_once(postgres, namespace, count=10)
    with Ledger.connect(postgres, "shop", namespace) as ledger:
        assert len(ledger.partitions("ltv", "v1")) == len(ledger.date_records("ltv", "v1")) == 80
        assert [model.number for model in ledger.models("ltv", "v1")] == list(range(1, 81))
        assert ledger.latest_probe_number() == 80


def test_a_session_that_hangs_in_a_transaction_does_not_keep_others_waiting(ledger: Ledger, postgres: str) -> None:
    """As of a process that was stopped in the middle of one: the server ends it before those who wait give up."""
    ledger.begin_run(a_run(), "{}")
    asked = "select setting::int from pg_settings where name = '{}'"

    def hang() -> None:
        with ledger._database.write() as hanging:
            idle, waiting = (
                hanging.scalar(text(asked.format(name)))
                for name in ("idle_in_transaction_session_timeout", "lock_timeout")
            )
            assert 0 < idle < waiting
            hanging.execute(text("set local idle_in_transaction_session_timeout = '200ms'"))
            hanging.execute(tables.runs.update().values(status=Status.FAILED))
            ledger.finish_run("R1", Status.SUCCEEDED, NOON, {})
            hanging.execute(tables.runs.update().values(detail="late"))

    with pytest.raises(StorageFailed, match="connection"):
        hang()
    assert (ledger.run("R1").status, ledger.run("R1").detail) == (Status.SUCCEEDED, "")


def test_owner_of_a_schema_is_remembered_in_its_comment(ledger: Ledger, postgres: str, namespace: str) -> None:
    (comment,) = told(postgres, f"select obj_description('shop_{namespace}'::regnamespace, 'pg_namespace')")[0]
    assert json.loads(comment) == {"project": "shop", "namespace": namespace}
