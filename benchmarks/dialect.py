"""How long does the translation of a query take? `python -m benchmarks.dialect`, by hand."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence

from augury.sql.bigquery import to_duckdb
from augury.testing.bigquery_queries import Case, cases

REPEATS = 5
LIMIT = 5.0
"""Milliseconds at the median, after the imports."""


class _AnyTable:
    """Wildcards match two shards; every other table keeps its name."""

    def table(self, parts: tuple[str, ...]) -> str | None:
        return None

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return [("20240101", '"a"'), ("20240102", '"b"')]


def _milliseconds(case: Case) -> float:
    began = time.perf_counter()
    to_duckdb(case.sql, tables=_AnyTable(), now=case.now)
    return (time.perf_counter() - began) * 1_000


def main() -> int:
    queries = [case for case in cases() if case.answer is not None]
    began = time.perf_counter()
    to_duckdb("SELECT 1")
    first = (time.perf_counter() - began) * 1_000
    times = sorted(_milliseconds(case) for _ in range(REPEATS) for case in queries)
    median, late = statistics.median(times), times[int(len(times) * 0.95)]
    print(
        f"{len(queries)} queries: p50 {median:.2f} ms, p95 {late:.2f} ms, max {times[-1]:.2f} ms; import {first:.0f} ms"
    )
    return 0 if median < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
