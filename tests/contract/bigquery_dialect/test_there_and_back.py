"""Does SQL of DuckDB give the same answer after it went to BigQuery's dialect and back?"""

from __future__ import annotations

import duckdb
import pytest

from augury.sql.bigquery import from_duckdb, to_duckdb
from augury.sql.bigquery.functions import install

PLACEHOLDERS = {"__augury_run_date": "DATE"}
ORDERS = """
    CREATE TABLE orders AS SELECT * FROM (VALUES
      (1, TIMESTAMPTZ '2024-01-05 10:00:00+00', 10.5::DOUBLE, 2::BIGINT, NULL),
      (1, TIMESTAMPTZ '2024-03-30 00:00:00+00', 20.0, 1, 'x'), (2, TIMESTAMPTZ '2024-03-31 23:59:59+00', NULL, 3, 'y'),
      (3, TIMESTAMPTZ '2023-12-31 00:00:00+00', -4.0, 0, 'z')) t(customer_id, ordered_at, amount, cds, note)
"""


@pytest.mark.parametrize(
    "sql",
    [
        """select customer_id, date_diff('day', max(ordered_at), __augury_run_date) as recency,
           count(*) filter (where ordered_at >= __augury_run_date - 90) as n, cast(sum(cds) as bigint) as cds,
           round(round(sum(amount), 2) / count(*), 2) as mean from orders group by customer_id order by customer_id""",
        """select date_diff('month', min(ordered_at), __augury_run_date) as m,
           date_diff('year', min(ordered_at), __augury_run_date) as y from orders""",
        "select customer_id, greatest(amount, 0) as g, least(amount, cds) as l from orders order by ordered_at",
        "select concat(note, '-', customer_id) as c, amount / cds as q from orders order by ordered_at",
        """select customer_id, sum(amount) over (partition by customer_id order by ordered_at) as s
           from orders order by ordered_at""",
        """select customer_id from orders
           where ordered_at between __augury_run_date - 2 and __augury_run_date order by customer_id""",
        "select note from orders order by note",
        "select note from orders order by note desc",
        """select sum(amount) filter (where cds > 1) as s,
           count(distinct customer_id) filter (where cds > 0) as c from orders""",
        """select case when ordered_at > __augury_run_date - 2 then 'late' else 'early' end as w
           from orders order by ordered_at""",
        """select count(*) between 1 and 9 as some, abs(avg(amount) / (select avg(amount)
           from orders) - 1) < 0.5 as near from orders""",
        """with c as (select customer_id, round(greatest(amount, 0), 2) as a
           from orders) select * exclude (a), round(a * 0.25, 2) as m from c order by m""",
        """select year(ordered_at) as y, extract(month from ordered_at) as m, length(note) as n
           from orders order by ordered_at""",
        """select customer_id from orders
           qualify row_number() over (partition by customer_id order by ordered_at desc) = 1 order by customer_id""",
    ],
)
def test_the_same_answer(sql: str) -> None:
    with duckdb.connect() as connection:
        install(connection)
        connection.execute(ORDERS).fetchall()
        there = from_duckdb(sql, PLACEHOLDERS).sql
        back = to_duckdb(there, placeholders=PLACEHOLDERS).sql
        date = "DATE '2024-04-01'"
        wanted = connection.execute(sql.replace("__augury_run_date", date)).fetchall()
        assert wanted
        assert connection.execute(back.replace("__augury_run_date", date)).fetchall() == wanted
