"""Which servers do tests need, and what becomes of a test whose server is absent?

It is not run, and the summary names it; in CI, where every server has to be there, it fails. This is the one place
that knows their addresses.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import NoReturn
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

POSTGRES = os.environ.get("AUGURY_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""An address whose user may make databases."""
NOT_RUN = "not run: "
"""How the reason of such a test begins."""


def absent(server: str, address: str, error: Exception) -> NoReturn:
    """What a fixture does whose server does not answer."""
    reason = f"{server} does not answer at {address}: {error}".splitlines()[0]
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(NOT_RUN + reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty database that sorts text as people do; it is gone afterwards."""
    shown = POSTGRES.rpartition("@")[2]
    try:
        server = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        absent("PostgreSQL", f"{shown} (AUGURY_TEST_POSTGRES)", error)
    made = f"augury_test_{secrets.token_hex(6)}"
    name = sql.Identifier(made)
    with server:
        # By default some servers compare bytes, which would hide an order that depends on the language.
        create = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        server.execute(sql.SQL(create).format(name))
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{made}").geturl()
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return f"n{secrets.token_hex(6)}"
