"""Where do the transactions and the model come from?

Both are made once per size and kept in `benchmarks/.cache`. Every value is a hash of its row number, so the
same DuckDB version makes the same file again, with any number of threads.

    python -m benchmarks.data --size 200k
"""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from typing import Any

from benchmarks import work
from benchmarks.work import SIZES, Size

RECIPE = 1
"""Raised whenever the generator changes, so that caches are made again."""


def ensure(size: Size) -> Size:
    """Make what is missing of a size's transactions and model; the size again."""
    import duckdb
    import lightgbm

    made_by = {"recipe": RECIPE, "duckdb": duckdb.__version__, "lightgbm": lightgbm.__version__}
    stamp = size.folder / "made_by.json"
    if stamp.exists() and json.loads(stamp.read_text()) == made_by:
        return size
    size.folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        _write_orders(connection, size)
        _write_model(connection, size)
    stamp.write_text(json.dumps(made_by))
    return size


def _write_orders(connection: Any, size: Size) -> None:
    """Customers join over 400 days; low numbers order most (a fifth of them place half of the orders).

    Rows lie in the order in which they happened, as a log of transactions does.
    """
    connection.execute(f"""
        COPY (
          WITH draws AS (
            SELECT
              i AS order_id,
              1 + CAST(floor({size.customers} * pow({_uniform("i", 1)}, 2.2)) AS BIGINT) AS customer_id,
              {_uniform("i", 2)} AS moment,
              {_uniform("i", 3)} AS worth,
              CAST(hash(i, 4) % 5 AS INTEGER) AS category,
              CAST(hash(i, 5) % 3 AS INTEGER) AS channel
            FROM range({size.rows}) AS t(i)
          ), joined AS (
            SELECT *, 400 * {_uniform("customer_id", 6)} AS first_day FROM draws
          )
          SELECT
            order_id,
            customer_id,
            TIMESTAMP '{work.FIRST_DAY} 00:00:00'
              + to_seconds(CAST(floor(86400 * (first_day + moment * ({work.DAYS} - first_day))) AS BIGINT))
              AS ordered_at,
            CAST(round(3 - 30 * ln(1 - worth) * (0.5 + {_uniform("customer_id", 7)}), 2) AS DECIMAL(12, 2))
              AS amount,
            ['book', 'music', 'game', 'gift', 'other'][1 + category] AS category,
            ['web', 'app', 'shop'][1 + channel] AS channel
          FROM joined
          ORDER BY ordered_at, order_id
        ) TO '{size.orders}' (FORMAT parquet, COMPRESSION zstd)
    """)


def _uniform(number: str, salt: int) -> str:
    """SQL for a number in [0, 1) that depends on `number` and `salt` alone; 53 bits, as a DOUBLE holds."""
    return f"(CAST(hash({number}, {salt}) >> 11 AS DOUBLE) / 9007199254740992)"


def _write_model(connection: Any, size: Size) -> None:
    """150 trees of up to 31 leaves, learned from three dates whose outcomes are over by the last run date."""
    import lightgbm
    import pyarrow as pa

    tables = [_training_rows(connection, size, work.LAST_DATE - timedelta(days=back)) for back in (180, 150, 120)]
    rows = pa.concat_tables(tables)
    features = rows.select(list(work.FEATURES)).to_pandas().astype("float64")
    options = {
        "objective": "regression",
        "num_leaves": 31,
        "learning_rate": 0.05,
        "min_data_in_leaf": 20,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 7,
        "verbosity": -1,
    }
    training = lightgbm.Dataset(features, label=rows.column(work.LABEL).to_numpy())
    lightgbm.train(options, training, num_boost_round=150).save_model(size.model)


def _training_rows(connection: Any, size: Size, day: date) -> Any:
    def orders(first: str, last: str) -> str:
        return f"(SELECT * FROM '{size.orders}' WHERE ordered_at >= {first} AND ordered_at < {last})"

    at = f"DATE '{day}'"
    outcome = orders(at, f"{at} + INTERVAL {work.HORIZON_DAYS} DAY")
    return connection.sql(f"""
        SELECT p.*, coalesce(l.{work.LABEL}, 0) AS {work.LABEL}
        FROM ({work.prepare(orders("DATE '0001-01-01'", at), at)}) AS p
        LEFT JOIN ({work.label(outcome)}) AS l USING (customer_id)
        ORDER BY p.customer_id
    """).to_arrow_table()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", choices=SIZES, default="200k")
    size = ensure(SIZES[parser.parse_args().size])
    print(f"{size.name}: {size.rows:,} transactions and a model in {size.folder}")


if __name__ == "__main__":
    main()
