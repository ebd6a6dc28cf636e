"""Is the data of the examples what its provenance says, and the same in both?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

EXAMPLES = Path(__file__).parents[2] / "examples"
CSV = EXAMPLES / "ltv" / "data" / "orders.csv"
PARQUET = EXAMPLES / "rfm" / "data" / "orders.parquet"


def test_the_sample_has_the_published_figures() -> None:
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(*), count(distinct customer_id), min(ordered_at), max(ordered_at), "
            "count(distinct (customer_id, ordered_at)), round(sum(amount), 2) from read_csv(?)",
            [str(CSV)],
        ).fetchall()
    assert found == [(6919, 2357, date(1997, 1, 1), date(1998, 6, 30), 6696, 244091.94)]


def test_both_examples_have_the_same_rows_in_the_same_order() -> None:
    with duckdb.connect() as connection:
        rows = [
            connection.execute(f"select customer_id, ordered_at, cds, amount from {read}(?)", [str(file)]).fetchall()
            for read, file in (("read_csv", CSV), ("read_parquet", PARQUET))
        ]
    assert rows[0] == rows[1]
