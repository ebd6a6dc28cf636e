"""One test server for a worker of the tests, and a dataset of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augury.testing.bigquery import BigQueryServer
from tests.contract.bigquery_warehouse.room import opened


@pytest.fixture(scope="session")
def server() -> Iterator[BigQueryServer]:
    with BigQueryServer() as server:
        yield server


@pytest.fixture
def dataset(namespace: str) -> str:
    return namespace


@pytest.fixture
def warehouse(server: BigQueryServer, dataset: str, tmp_path: Path) -> Iterator[Any]:
    warehouse = opened(server, dataset, tmp_path)
    yield warehouse
    warehouse.close()
