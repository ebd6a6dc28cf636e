"""Which functions does a DuckDB connection need for translated SQL, and how does it get them?

Everything else is written with DuckDB's own functions; a session must have TimeZone UTC, as BigQuery always has.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from augury.sql.bigquery.farmhash import fingerprint

FARM_FINGERPRINT = "augury_farm_fingerprint"

_ONE_AT_A_TIME = Lock()


def install(connection: Any) -> None:
    """Prepares a DuckDB connection; doing so again changes nothing.

    The function belongs to the database, so that all its cursors see it; the zone belongs to each of them.
    """
    # Results are fetched to their end: DuckDB takes no other work on a connection before.
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    with _ONE_AT_A_TIME:
        known = connection.execute(
            "SELECT count(*) FROM duckdb_functions() WHERE function_name = ?", [FARM_FINGERPRINT]
        ).fetchall()
        if not known[0][0]:
            connection.create_function(FARM_FINGERPRINT, _fingerprint, ["VARCHAR"], "BIGINT")


def _fingerprint(text: str) -> int:
    """NULL never comes here: DuckDB answers it by itself."""
    return fingerprint(text.encode())
