"""How does BigQuery SQL run on DuckDB, and DuckDB SQL on BigQuery?

A query is read once by sqlglot. What BigQuery and DuckDB mean differently is rewritten here, each difference in a
function of its own; what cannot be rewritten without another answer is refused with its position.
Connections that run the result are prepared by `augury.sql.bigquery.functions.install`.
"""

from __future__ import annotations

from augury.sql.bigquery.contract import Tables, Translated
from augury.sql.bigquery.refusals import NoCounterpart
from augury.sql.bigquery.translation import from_duckdb, to_duckdb

__all__ = ["NoCounterpart", "Tables", "Translated", "from_duckdb", "to_duckdb"]
