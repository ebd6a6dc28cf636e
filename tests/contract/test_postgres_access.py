"""A ledger on PostgreSQL that cannot be reached, read or written: is that said, with what to do, and no password?"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from augury.errors import AuguryError, StorageFailed
from augury.ledger.migrations import upgrade
from augury.ledger.store import Ledger
from augury.testing.records import a_run

PASSWORD = "correct-horse"  # pragma: allowlist secret


def told(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def at(address: str, *, user: str | None = None, port: int | None = None, database: str | None = None) -> str:
    """The address with another user, port or database in it."""
    parts = urlsplit(address)
    who = f"{user or parts.username}:{PASSWORD}"
    return (
        f"postgresql://{who}@{parts.hostname}:{port or parts.port or 5432}{f'/{database}' if database else parts.path}"
    )


def complaint(address: str, namespace: str, *, create: bool = True) -> str:
    with pytest.raises(StorageFailed) as caught:
        Ledger.connect(address, "shop", namespace, create=create)
    error = caught.value
    assert f"schema shop_{namespace}" in error.what
    assert str(urlsplit(address).hostname) in error.what
    assert error.why
    assert error.fix
    assert PASSWORD not in str(error)
    return str(error)


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """A user of the server who may do nothing yet."""
    name = f"augury_test_{secrets.token_hex(6)}"
    told(postgres, f"create role {name} login password '{PASSWORD}'")
    yield name
    told(postgres, f"drop owned by {name}", f"drop role {name}")


@pytest.fixture
def ledger(postgres: str, namespace: str) -> Iterator[Ledger]:
    with Ledger.connect(postgres, "shop", namespace) as ledger:
        ledger.begin_run(a_run(), "{}")
        yield ledger


def test_a_server_that_is_not_there(postgres: str, namespace: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"postgresql://shop:{PASSWORD}@127.0.0.1:{free.getsockname()[1]}/ledger"
        for create in (True, False):
            assert "cannot be reached" in complaint(address, namespace, create=create)


def test_a_database_that_is_not_there(postgres: str, namespace: str) -> None:
    said = complaint(at(postgres, database="augury_test_never_made"), namespace)
    assert "the database of the ledger does not exist" in said
    assert "createdb" in said


def test_a_user_that_the_server_does_not_know(postgres: str, namespace: str) -> None:
    assert "does not let this user in" in complaint(at(postgres, user="augury_test_nobody"), namespace)


def test_a_user_who_may_make_no_schema_is_told_which_one_is_needed(postgres: str, namespace: str, role: str) -> None:
    address = at(postgres, user=role)
    with Ledger.connect(address, "shop", namespace, create=False) as absent:
        assert absent.runs() == []
    said = complaint(address, namespace)
    assert "permission denied" in said
    assert f'CREATE SCHEMA IF NOT EXISTS "shop_{namespace}" AUTHORIZATION' in said
    told(postgres, f'CREATE SCHEMA IF NOT EXISTS "shop_{namespace}" AUTHORIZATION {role}')
    with Ledger.connect(address, "shop", namespace) as ledger:
        ledger.begin_run(a_run(), "{}")


def test_a_user_without_any_right_to_the_schema(postgres: str, namespace: str, role: str, ledger: Ledger) -> None:
    for create in (True, False):
        said = complaint(at(postgres, user=role), namespace, create=create)
        assert "has no right to its schema" in said
        assert "GRANT USAGE ON SCHEMA" in said


def only_reads(postgres: str, schema: str, role: str) -> None:
    told(
        postgres,
        f"grant usage on schema {schema} to {role}",
        f"grant select on all tables in schema {schema} to {role}",
    )


def set_to_read_only(postgres: str, schema: str, role: str) -> None:
    """As on a standby."""
    told(
        postgres,
        f"grant all on schema {schema} to {role}",
        f"grant all on all tables in schema {schema} to {role}",
        f"alter role {role} set default_transaction_read_only = on",
    )


@pytest.mark.parametrize(("prepare", "why"), [(only_reads, "may only read it"), (set_to_read_only, "set to read only")])
def test_a_user_who_may_only_read_reads(
    postgres: str,
    namespace: str,
    role: str,
    ledger: Ledger,
    prepare: Callable[[str, str, str], None],
    why: str,
) -> None:
    prepare(postgres, f"shop_{namespace}", role)
    address = at(postgres, user=role)
    with Ledger.connect(address, "shop", namespace, create=False) as reader:
        assert reader.run("R1") == a_run()
        assert not reader.may_write
    said = complaint(address, namespace)
    assert "cannot be written" in said
    assert why in said
    assert ledger.may_write


def test_a_user_who_may_only_read_cannot_bring_an_older_ledger_up_to_date(
    postgres: str, namespace: str, role: str
) -> None:
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"create schema shop_{namespace}"))
        connection.execute(text(f"set search_path to shop_{namespace}"))
        upgrade(connection, to="0001")
    engine.dispose()
    only_reads(postgres, f"shop_{namespace}", role)
    said = complaint(at(postgres, user=role), namespace, create=False)
    assert "older augury" in said
    assert "augury doctor --fix" in said


def test_a_right_that_is_taken_away_meanwhile(postgres: str, namespace: str, role: str, ledger: Ledger) -> None:
    set_to_read_only(postgres, f"shop_{namespace}", role)
    told(postgres, f"alter role {role} reset default_transaction_read_only")
    with Ledger.connect(at(postgres, user=role), "shop", namespace) as writer:
        told(postgres, f"revoke insert on shop_{namespace}.runs from {role}")
        with pytest.raises(StorageFailed, match="cannot be used by this user") as caught:
            writer.begin_run(a_run("R2"), "{}")
        assert "runs" in (caught.value.why or "")


def test_a_database_that_cannot_keep_every_text(postgres: str, namespace: str) -> None:
    name = f"augury_test_{secrets.token_hex(6)}"
    told(postgres, f"create database {name} template template0 encoding 'SQL_ASCII' locale 'C'")
    try:
        said = complaint(at(postgres, database=name), namespace)
        assert "SQL_ASCII" in said
        assert "createdb --encoding UTF8" in said
    finally:
        told(postgres, f"drop database {name} with (force)")


def test_an_option_that_the_driver_does_not_know(postgres: str, namespace: str) -> None:
    assert "address of the ledger cannot be used" in complaint(f"{at(postgres)}?nonsense=1", namespace)


def test_an_address_is_read_as_it_is_meant(namespace: str) -> None:
    """Escapes are undone, and what follows an @ in a password is not taken for the host."""
    for password in ("correct%2Dhorse", f"{PASSWORD}@home"):
        with pytest.raises(AuguryError) as caught:
            Ledger.connect(f"postgresql://shop:{password}@[::1]:1/ledger", "shop", namespace)
        assert "home" not in str(caught.value)
        assert "::1:1/ledger" in caught.value.what


def test_without_its_driver_the_extra_is_named(namespace: str) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from augury.errors import PluginError\nfrom augury.ledger.store import Ledger\n"
        f"try: Ledger.connect('postgresql://h/d', 'shop', {namespace!r})\n"
        "except PluginError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'augury[postgres]'" in done.stdout
