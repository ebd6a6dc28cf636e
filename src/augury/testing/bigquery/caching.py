"""When is a query answered from the results of an earlier one?

BigQuery docs: "Using cached query results": the same text, nothing that it reads has changed, no function that answers
differently each time, no wildcard, no destination, and `useQueryCache` not switched off.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from augury.testing.bigquery.catalog import TableId
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field
from augury.testing.bigquery.store import Snapshot

CHANGING = re.compile(
    r"\b(?:CURRENT_\w+|RAND|GENERATE_UUID|SESSION_USER|TABLESAMPLE|INFORMATION_SCHEMA|ML\s*\.|AI\s*\.)", re.IGNORECASE
)
MOST = 500
Key = tuple[str, ...]


@dataclass(frozen=True)
class Cached:
    result: TableId
    fields: tuple[Field, ...]
    versions: Mapping[TableId, int]
    """Of everything that the query read."""


class Cache:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Key, Cached] = {}

    def find(self, job: Job, now: Snapshot) -> Cached | None:
        key = key_of(job)
        with self._lock:
            found = self._known.get(key) if key is not None else None
        if found is None or found.result not in now.results:
            return None
        tables = now.state.tables
        same = all(one in tables and tables[one].version == version for one, version in found.versions.items())
        return found if same else None

    def keep(self, job: Job, scope: Scope) -> None:
        key = key_of(job)
        if key is None or scope.wildcards or job.result is None or job.fields is None:
            return
        versions = {one: table.version for one, table in scope.read.items()}
        with self._lock:
            self._known[key] = Cached(job.result, job.fields, versions)
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]


def key_of(job: Job) -> Key | None:
    """None for a query whose result is not kept for others."""
    config = job.config
    sql = str(config.get("query"))
    if config.get("useQueryCache") is False or CHANGING.search(sql):
        return None
    parts = (config.get("queryParameters"), config.get("defaultDataset"))
    return (job.project, job.location, sql, *map(repr, parts))
