"""Does the BigQuery warehouse keep the promises of every warehouse, in each layout?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.bigquery import BigQueryServer
from augury.testing.warehouse_contract import WarehouseContract
from augury.testing.warehouse_rows import STRANGE
from augury.testing.warehouse_sources import Lay
from augury.warehouses.contract import Warehouse
from tests.contract.bigquery_warehouse.room import of_service, opened
from tests.servers import NOT_RUN

PROJECT = os.environ.get("AUGURY_TEST_BIGQUERY_PROJECT", "")
DATASET = os.environ.get("AUGURY_TEST_BIGQUERY_DATASET", "")


class BigQueryContract(WarehouseContract):
    """What BigQuery itself has no place for."""

    @pytest.mark.xfail(strict=True, reason="the Storage Read API returns every NUMERIC as decimal128(38, 9)")
    def test_a_decimal_keeps_its_precision_and_scale(self, warehouse: Warehouse) -> None:
        super().test_a_decimal_keeps_its_precision_and_scale(warehouse)

    @pytest.mark.xfail(strict=True, reason="BigQuery keeps no NULL array: it becomes an empty one")
    def test_a_list_that_is_null_is_no_empty_list(self, warehouse: Warehouse) -> None:
        super().test_a_list_that_is_null_is_no_empty_list(warehouse)

    @pytest.mark.parametrize("name", STRANGE)
    @pytest.mark.xfail(strict=True, reason="BigQuery has no such column ('Flexible column names'): it is refused")
    def test_a_column_name_that_not_every_engine_allows_survives(self, warehouse: Warehouse, name: str) -> None:
        super().test_a_column_name_that_not_every_engine_allows_survives(warehouse, name)


class TestPartitioned(BigQueryContract):
    """Sources are Parquet files, loaded when they are read."""

    @pytest.fixture
    def warehouse(self, server: BigQueryServer, dataset: str, tmp_path: Path) -> Iterator[Any]:
        warehouse = opened(server, dataset, tmp_path)
        yield warehouse
        warehouse.close()

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            pq.write_table(rows, tmp_path / "orders.parquet")
            return SourceSpec(path="orders.parquet", event_time="at", columns=columns)

        return laid


class TestSharded(BigQueryContract):
    """What is published lies in another dataset of another project (A5). Sources are CSV files, loaded when they are
    read."""

    @pytest.fixture
    def warehouse(self, server: BigQueryServer, dataset: str, tmp_path: Path) -> Iterator[Any]:
        output = {"project": "output-project", "dataset": f"{dataset}_out"}
        warehouse = opened(server, dataset, tmp_path, layout="sharded", output=output)
        yield warehouse
        warehouse.close()

    @pytest.mark.slow
    def test_a_reader_sees_the_old_rows_or_the_new_and_never_a_mix(self, warehouse: Warehouse) -> None:
        """`test_bigquery_faults` has a shorter reader for each layout."""
        super().test_a_reader_sees_the_old_rows_or_the_new_and_never_a_mix(warehouse)

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            csv.write_csv(rows, tmp_path / "orders.csv", csv.WriteOptions(quoting_style="none"))
            return SourceSpec(path="orders.csv", event_time="at", columns=columns)

        return laid


@pytest.mark.slow
class TestElsewhere(BigQueryContract):
    """Partitioned, and what is published lies in another dataset of another project (A5). Sources are tables."""

    @pytest.fixture
    def warehouse(self, server: BigQueryServer, dataset: str, tmp_path: Path) -> Iterator[Any]:
        output = {"project": "output-project", "dataset": f"{dataset}_out"}
        warehouse = opened(server, dataset, tmp_path, output=output)
        yield warehouse
        warehouse.close()

    @pytest.fixture
    def lay(self, server: BigQueryServer, dataset: str, tmp_path: Path) -> Lay:
        client = server.client("source-project")
        client.create_dataset(f"source-project.{dataset}_in", exists_ok=True)

        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            from google.cloud.bigquery import LoadJobConfig

            pq.write_table(rows, tmp_path / "rows.parquet")
            config = LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
            table = f"source-project.{dataset}_in.orders"
            with (tmp_path / "rows.parquet").open("rb") as file:
                client.load_table_from_file(file, table, job_config=config).result()
            return SourceSpec(table=table, event_time="at", columns=columns)

        return laid


class TestService(BigQueryContract):
    """BigQuery itself, where AUGURY_TEST_BIGQUERY_PROJECT and AUGURY_TEST_BIGQUERY_DATASET name a project and the
    beginning of datasets that may be made and removed there. Sources are Parquet files."""

    @pytest.fixture
    def warehouse(self, dataset: str, tmp_path: Path) -> Iterator[Any]:
        if not (PROJECT and DATASET):
            pytest.skip(
                NOT_RUN + "BigQuery itself: AUGURY_TEST_BIGQUERY_PROJECT and AUGURY_TEST_BIGQUERY_DATASET are not set"
            )
        from google.cloud.bigquery import Client

        warehouse = of_service(PROJECT, f"{DATASET}_{dataset}", tmp_path)
        yield warehouse
        warehouse.close()
        with Client(PROJECT) as client:
            client.delete_dataset(f"{DATASET}_{dataset}", delete_contents=True, not_found_ok=True)

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            pq.write_table(rows, tmp_path / "orders.parquet")
            return SourceSpec(path="orders.parquet", event_time="at", columns=columns)

        return laid
