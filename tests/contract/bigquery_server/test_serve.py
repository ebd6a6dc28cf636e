"""Does the server run in a terminal, keep what it is given, and end cleanly?"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from google.api_core.exceptions import NotFound

from augury.errors import StorageFailed, UsageError
from augury.testing.bigquery import BigQueryServer, serve

SCRIPT = """
import sys
from pathlib import Path
from augury.testing.bigquery import serve
serve(folder=Path(sys.argv[1]), dataset="shop", say=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_asked(tmp_path: Path, end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "kept")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while "Ctrl-C" not in (lines[-1] if lines else ""):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr and process.stderr.read()
        shown = "".join(lines)
        endpoint = re.search(r"BIGQUERY_EMULATOR_HOST=(\S+)", shown)
        assert endpoint
        assert re.search(r"AUGURY_BIGQUERY_STORAGE_ENDPOINT=127\.0\.0\.1:\d+", shown)
        with urllib.request.urlopen(f"{endpoint[1]}/bigquery/v2/projects/augury-test/datasets") as answer:
            assert '"shop"' in answer.read().decode()
        os.kill(process.pid, end)
        rest, errors = process.communicate(timeout=20)
    assert "has ended" in rest
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_it_listens_to_this_machine_only() -> None:
    ended = threading.Event()
    ended.set()
    with pytest.raises(UsageError, match=r"0\.0\.0\.0"):
        serve(host="0.0.0.0", until=ended, say=lambda line: None)


@pytest.mark.parametrize(
    ("project", "dataset"), [("augury-test", "a'; DROP"), ("augury-test", ""), ("../x", "shop"), ("../x", None)]
)
def test_names_that_bigquery_does_not_take_are_refused_before_anything_starts(
    project: str, dataset: str | None
) -> None:
    ended = threading.Event()
    ended.set()
    with pytest.raises(UsageError, match="Invalid"):
        serve(until=ended, say=lambda line: None, project=project, dataset=dataset)


def test_a_port_that_is_taken_is_refused() -> None:
    with BigQueryServer() as first:
        second = BigQueryServer(port=int(first.endpoint.rpartition(":")[2]))
        third = BigQueryServer(storage_port=int(first.storage_endpoint.rpartition(":")[2]))
        for other in (second, third):
            with pytest.raises(UsageError, match="port"):
                other.__enter__()


def test_a_folder_keeps_tables_views_and_models(tmp_path: Path) -> None:
    with BigQueryServer(tmp_path) as server:
        client = server.client("kept")
        client.create_dataset("shop")
        for sql in (
            "CREATE TABLE shop.t (d DATE, x INT64) PARTITION BY d OPTIONS(description='kept')",
            "INSERT INTO shop.t (d, x) VALUES ('2026-01-01', 1)",
            "CREATE VIEW shop.v AS SELECT x + 1 AS y FROM shop.t",
            "CREATE TABLE shop.gone AS SELECT 1 AS a",
            "DROP TABLE shop.gone",
            "CREATE MODEL shop.m OPTIONS(model_type='linear_reg', input_label_cols=['y']) AS "
            "SELECT x, 2.0 * x AS y FROM UNNEST(GENERATE_ARRAY(1, 50)) AS x",
        ):
            client.query(sql).result()
        with pytest.raises(StorageFailed):
            BigQueryServer(tmp_path).__enter__()
    with BigQueryServer(tmp_path) as server:
        client = server.client("kept")
        assert [tuple(row) for row in client.query("SELECT * FROM shop.v").result()] == [(2,)]
        table = client.get_table("shop.t")
        assert (table.description, table.time_partitioning.field, table.num_rows) == ("kept", "d", 1)
        client.query("INSERT INTO shop.t (d, x) VALUES ('2026-01-02', 2)").result()
        rows = client.query("SELECT COUNT(*) FROM ML.PREDICT(MODEL shop.m, TABLE shop.t)").result()
        assert [tuple(row) for row in rows] == [(2,)]
        with pytest.raises(NotFound):
            client.get_table("shop.gone")
