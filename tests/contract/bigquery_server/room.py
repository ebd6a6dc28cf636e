"""Where do the tests of BigQuery's clients take place: in the test server, or in the service itself?

The service is asked where AUGURY_TEST_BIGQUERY_PROJECT and AUGURY_TEST_BIGQUERY_DATASET name a project and a dataset
in it that may be filled with tables; credentials are Google's application default.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

PROJECT = os.environ.get("AUGURY_TEST_BIGQUERY_PROJECT", "")
DATASET = os.environ.get("AUGURY_TEST_BIGQUERY_DATASET", "")
LOCAL = "augury-test"


@dataclass
class Room:
    """One dataset and the clients that reach it."""

    client: Any
    storage: Any
    project: str
    dataset: str
    real: bool = False
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}_")

    def name(self, table: str) -> str:
        """A table that only this test uses."""
        return f"{self.project}.{self.dataset}.{self.prefix}{table}"

    def rows(self, sql: str, **config: Any) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.job(sql, **config).result()]

    def job(self, sql: str, **config: Any) -> Any:
        """A query job that has ended well."""
        job = self.client.query(sql, job_config=bigquery.QueryJobConfig(**config), job_retry=None)
        job.result()
        return job

    def refusal(self, sql: str, **config: Any) -> GoogleAPICallError:
        """How a query is refused."""
        try:
            self.job(sql, **config)
        except GoogleAPICallError as error:
            return error
        raise AssertionError(f"this query was not refused: {sql}")

    def load(self, table: pa.Table, name: str, **config: Any) -> Any:
        """A load job of Parquet that has ended well."""
        options = bigquery.ParquetOptions()  # type: ignore[no-untyped-call]
        options.enable_list_inference = True
        settings = bigquery.LoadJobConfig(source_format="PARQUET", parquet_options=options, **config)
        job = self.client.load_table_from_file(parquet(table), name, job_config=settings)
        job.result()
        return job


def parquet(table: pa.Table) -> BytesIO:
    file = BytesIO()
    pq.write_table(table, file)
    file.seek(0)
    return file


def reason(error: GoogleAPICallError) -> str:
    """`quotaExceeded`, `invalidQuery`, ..."""
    return str(error.errors[0]["reason"])
