"""Fixtures of the tests of BigQuery's clients."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from augury.testing.bigquery import BigQueryServer
from tests.contract.bigquery_server.room import DATASET, LOCAL, PROJECT, Room
from tests.servers import NOT_RUN


@pytest.fixture(scope="session")
def shared_server() -> Iterator[BigQueryServer]:
    """One server for the tests that inject no faults."""
    with BigQueryServer() as server:
        yield server


@pytest.fixture(params=["server", "service"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """The test server; and BigQuery itself, where the environment names a dataset. That BigQuery is absent fails
    nothing, in CI neither: no runner has credentials for it."""
    if request.param == "service":
        if not (PROJECT and DATASET):
            pytest.skip(
                NOT_RUN + "BigQuery itself, as no run without credentials can: "
                "AUGURY_TEST_BIGQUERY_PROJECT and AUGURY_TEST_BIGQUERY_DATASET are not set"
            )
        yield from _real()
        return
    server: BigQueryServer = request.getfixturevalue("shared_server")
    yield from local(server)


def local(server: BigQueryServer) -> Iterator[Room]:
    """A dataset of its own in the test server."""
    dataset = f"d{secrets.token_hex(6)}"
    client, storage = server.client(LOCAL), server.storage_client()
    client.create_dataset(dataset)
    yield Room(client, storage, LOCAL, dataset)
    storage.transport.close()
    client.close()


def _real() -> Iterator[Room]:
    from google.cloud import bigquery
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient

    client, storage = bigquery.Client(PROJECT), BigQueryReadClient()  # type: ignore[no-untyped-call]
    room = Room(client, storage, PROJECT, DATASET, real=True)
    yield room
    for table in client.list_tables(DATASET):
        if table.table_id.startswith(room.prefix):
            client.delete_table(table.reference, not_found_ok=True)
    client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def server() -> Iterator[BigQueryServer]:
    """A server of the test's own."""
    with BigQueryServer() as server:
        yield server


@pytest.fixture
def own(server: BigQueryServer) -> Iterator[Room]:
    """A room in that server."""
    yield from local(server)
