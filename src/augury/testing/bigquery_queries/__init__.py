"""Which queries of BigQuery are promised to give the same answer on DuckDB?

Each case is a query of a kind that GA4, LTV and retail projects use, small tables, and the answer that follows from
Google's documentation. The files beside this one are read by the tests and by the compatibility page.
"""

from __future__ import annotations

from augury.testing.bigquery_queries.cases import Case, cases

__all__ = ["Case", "cases"]
