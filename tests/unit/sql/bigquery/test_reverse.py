"""How is the SQL of an ordinary pipeline written for BigQuery?"""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from augury.sql.bigquery import from_duckdb

PREPARE = """\
-- Features as of the run date.
select
    customer_id,
    date_diff('day', max(ordered_at), __augury_run_date) as recency_days,
    count(*) filter (where ordered_at >= __augury_run_date - 90) as orders_90d,
    cast(sum(cds) as bigint) as cds,
    round(round(sum(amount), 2) / count(*), 2) as mean_basket,
    cast(greatest(amount, 0) as double) as positive
from __augury_1_orders as orders
group by customer_id"""


def test_features_of_the_example() -> None:
    translated = from_duckdb(PREPARE, {"__augury_run_date": "DATE"})
    assert " ".join(translated.sql.split()) == (
        "SELECT `customer_id`, DATE_DIFF(__augury_run_date, CAST(MAX(`ordered_at`) AS DATE), DAY) AS `recency_days`, "
        "COUNTIF(CAST(`ordered_at` AS TIMESTAMP) >= CAST((__augury_run_date - 90) AS TIMESTAMP)) AS `orders_90d`, "
        "CAST( SUM(`cds`) AS INT64) AS `cds`, "
        "ROUND(IEEE_DIVIDE(ROUND(SUM(`amount`), 2), COUNT(*)), 2) AS `mean_basket`, "
        "CAST( GREATEST(IFNULL(`amount`, 0), 0) AS FLOAT64) AS `positive` "
        "FROM __augury_1_orders AS `orders` GROUP BY `customer_id`"
    )


def test_lines_lead_back() -> None:
    translated = from_duckdb(PREPARE, {"__augury_run_date": "DATE"})
    lines = translated.sql.split("\n")
    assert len(lines) == len(translated.lines)
    (at,) = [number for number, line in enumerate(lines, 1) if "`mean_basket`" in line]
    assert translated.line(at) == 7


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("select a / 2, a / b, a // b, a % b from t", "(`a` / 2), IEEE_DIVIDE(`a`, `b`), DIV(`a`, `b`), MOD(`a`, `b`)"),
        ("select * exclude (a) from t", "* EXCEPT (`a`)"),
        (
            "select sum(x) over (partition by a order by b) from t",
            "SUM(`x`) OVER (PARTITION BY `a` ORDER BY `b` NULLS LAST)",
        ),
        ("select x from t order by x, y desc", "ORDER BY `x` NULLS LAST, `y` DESC"),
        ("select 'it''s', \"select\" from \"ta`ble\"", "'it\\'s', `select` FROM `ta\\`ble`"),
        ("select sum(x) filter (where y) from t", "SUM(IF(`y`, `x`, NULL))"),
        ("select concat(a, b) from t", "CONCAT(IFNULL(CAST(`a` AS STRING), ''), IFNULL(CAST(`b` AS STRING), ''))"),
        ("select d + interval '3 months' from t", "`d` + INTERVAL 3 MONTH"),
        (
            "select a from t where d between date '2024-01-01' and date '2024-02-01'",
            "CAST(`d` AS TIMESTAMP) BETWEEN CAST(CAST('2024-01-01' AS DATE) AS TIMESTAMP) AND",
        ),
        ("select try_cast(x as double) from t", "SAFE_CAST(`x` AS FLOAT64)"),
    ],
)
def test_differences(sql: str, written: str) -> None:
    assert written in from_duckdb(sql).sql


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "there is no SQL"),
        ("select 1; select 2", "more than one statement (line 1, column 9)"),
        ("drop table t", "only a SELECT can be translated"),
        ("select\n  medain(x) from t", "medain() is not known on BigQuery (line 2, column 3)"),
        ("select (1", "not the SQL of a DuckDB SELECT"),
        ("select 'a", "not the SQL of a DuckDB SELECT"),
        ("select * from t join u using (id)", "another order on BigQuery"),
        ("select round(x) as x, count(*) from t group by x", "BigQuery by the alias"),
        ("select x[1] from t", "Bracket has no counterpart"),
        ("select distinct on (a) a from t", "DISTINCT ON"),
        ("select a from t asof join u on t.a >= u.a", "ASOF JOIN is not of BigQuery"),
        ("select x like 'a\\_b' from t", "takes a backslash for an escape"),
        ("select date_diff('week', a, b) from t", "parts that both engines treat alike"),
        ("select array_agg(x) filter (where y) from t", "array_agg() is not known"),
        ("select first_value(x) filter (where y) from t", "only aggregates that leave NULLs out"),
    ],
)
def test_refused(sql: str, message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        from_duckdb(sql)
    assert message in str(refusal.value)
