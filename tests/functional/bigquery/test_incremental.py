"""Does each date take in what is new, once, whatever is run again or fails in between?"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from augury.testing.bigquery import BigQueryServer
from tests.cli_runner import refused
from tests.functional.bigquery.cloud import Cloud, address

FILES = {
    "pipelines/trades/pipeline.yml": "entity: trade\nstart: 2026-01-01\nvars: {symbol: BTC}\n",
    "pipelines/trades/prepare.sql": """\
SELECT trade, at, price, {{ var('symbol') }} AS symbol
FROM {{ window('candles') }}
""",
}
ROWS = [(n, f"2026-01-{1 + n // 10:02d} {n % 10:02d}:00:00", n) for n in range(40)]


@pytest.fixture
def trades(server: BigQueryServer, tmp_path: Path) -> Cloud:
    target = f"{{path: .cloud, warehouse: bigquery, bigquery: {address(server, dataset=tmp_path.name.lower())}}}"
    columns = "{trade: INT64 REQUIRED, at: DATETIME, price: INT64}"
    source = f"{{path: candles.csv, event_time: at, columns: {columns}}}"
    files = {
        **FILES,
        "augury.yml": f"name: coins\ndialect: bigquery\nsources: {{candles: {source}}}\ntargets: {{cloud: {target}}}\n",
        "candles.csv": "\n".join(["trade,at,price", *(",".join(map(str, row)) for row in ROWS), ""]),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Cloud(tmp_path, server)


OURS = ("INSERT INTO `my-project.", "SELECT COUNT(*) AS n FROM")
"""The journal, and the rows that were written: they read what they need, and nothing of the project's decides it."""


def kept(trades: Cloud) -> list[tuple[int, str]]:
    found = trades.rows("cloud", "select trade, symbol from trades_predictions order by trade")
    return [(row["trade"], row["symbol"]) for row in found]


def test_every_row_is_taken_in_once_through_failures_and_repetitions_d1_d5_d6_d8(trades: Cloud) -> None:
    whole = ("backfill", "trades", "--start", "2026-01-02", "--end", "2026-01-06")
    trades.edit("pipelines/trades/prepare.sql", "price,", "1 / IF(trade = 25, 0, 1) AS price,")
    assert trades.type("cloud", *whole).code == 1
    assert len(kept(trades)) == 30
    trades.edit("pipelines/trades/prepare.sql", "1 / IF(trade = 25, 0, 1) AS price,", "price,")
    trades.does("cloud", *whole)
    trades.does("cloud", *whole, "--reprocess", "all")
    assert kept(trades) == [(n, "BTC") for n in range(40)]


def test_two_rows_of_one_key_are_named_and_nothing_is_replaced_d3(trades: Cloud) -> None:
    trades.does("cloud", "run", "trades", "--date", "2026-01-02")
    trades.edit("pipelines/trades/prepare.sql", "SELECT trade,", "SELECT trade - MOD(trade, 2) AS trade,")
    refused(trades.type("cloud", "run", "trades", "--date", "2026-01-02"), 1, "trade")
    assert kept(trades) == [(n, "BTC") for n in range(10)]


def test_dropped_duplicates_are_counted_d4(trades: Cloud) -> None:
    trades.edit("pipelines/trades/pipeline.yml", "vars:", "steps: {prepare: {duplicates: drop}}\nvars:")
    trades.edit("pipelines/trades/prepare.sql", "SELECT trade,", "SELECT trade - MOD(trade, 2) AS trade,")
    trades.does("cloud", "run", "trades", "--date", "2026-01-02")
    assert [trade for trade, _ in kept(trades)] == [0, 2, 4, 6, 8]
    assert "5 duplicates dropped" in trades.does("cloud", "show", "trades", "--date", "2026-01-02").out


def test_descriptions_and_labels_reach_bigquery_c7(trades: Cloud) -> None:
    trades.edit(
        "pipelines/trades/pipeline.yml",
        "vars:",
        "owner: desk@example.com\nlabels: {team: coins}\n"
        "steps: {prepare: {description: One row per trade, "
        "columns: {trade: {type: INT64, description: Its number}}}}\nvars:",
    )
    trades.does("cloud", "run", "trades", "--date", "2026-01-02")
    table = trades.server.client("my-project").get_table(f"my-project.{trades.root.name.lower()}.trades_v1_prepare")
    assert table.description == "One row per trade"
    assert {field.name: field.description for field in table.schema}["trade"] == "Its number"
    assert {name: table.labels.get(name) for name in ("team", "pipeline", "owner")} == {
        "team": "coins",
        "pipeline": "trades",
        "owner": "desk_example_com",
    }


def test_every_query_of_a_step_carries_labels_and_the_limit_c7_bb4(trades: Cloud) -> None:
    trades.edit("pipelines/trades/pipeline.yml", "vars:", "limits: {bytes_billed: 1GB}\nlabels: {team: coins}\nvars:")
    (trades.root / "pipelines" / "trades" / "validation.sql").write_text(
        "SELECT COUNT(*) > 0 AS any FROM {{ staging() }}"
    )
    client = trades.server.client("my-project")
    before = {job.job_id for job in client.list_jobs()}
    trades.does("cloud", "run", "trades", "--date", "2026-01-02")
    jobs = [job for job in client.list_jobs() if job.job_id not in before and job.labels.get("run")]
    assert {job.labels["step"] for job in jobs} >= {"prepare", "post_process", "validate", "publish"}
    assert {(job.labels["pipeline"], job.labels["team"]) for job in jobs} == {("trades", "coins")}
    queries = [job for job in jobs if job.job_type == "query" and not job.query.startswith(OURS)]
    assert {job.labels["step"] for job in queries} >= {"prepare", "post_process", "validate"}
    assert {job.maximum_bytes_billed for job in queries} == {10**9}


def test_tables_are_copied_as_plain_parquet_b18(trades: Cloud) -> None:
    trades.does("cloud", "run", "trades", "--date", "2026-01-02")
    trades.does("cloud", "copy", "trades_*", "--to", "out")
    table = parquet.read_table(trades.root / "out" / "trades_predictions" / "2026-01-02.parquet")
    assert sorted(table["trade"].to_pylist()) == list(range(10))
