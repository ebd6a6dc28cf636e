"""BigQuery as a warehouse: partitioned or date-sharded tables, through the official clients."""

from __future__ import annotations

from augury.warehouses.bigquery.warehouse import BigQueryWarehouse

__all__ = ["BigQueryWarehouse"]
