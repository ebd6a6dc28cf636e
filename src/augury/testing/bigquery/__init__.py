"""A server that answers Google's own BigQuery clients on a laptop: for the tests of augury and of its users.

from augury.testing.bigquery import BigQueryServer

with BigQueryServer() as server:
    client = server.client("my-project")
    client.create_dataset("shop")
"""

from __future__ import annotations

from augury.testing.bigquery.faults import Drop, FailJob, Faults, Refuse, Slow
from augury.testing.bigquery.serve import serve
from augury.testing.bigquery.server import BigQueryServer

__all__ = ["BigQueryServer", "Drop", "FailJob", "Faults", "Refuse", "Slow", "serve"]
