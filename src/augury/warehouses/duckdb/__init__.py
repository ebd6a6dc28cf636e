"""The embedded warehouse: a folder of Parquet with DuckDB as its engine. Nothing to start, nothing to
lock."""

from augury.warehouses.duckdb.warehouse import DuckDBWarehouse

__all__ = ["DuckDBWarehouse"]
