"""Does the server fail where a test asks for it, before or after the work?"""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest
import requests
from google.api_core.exceptions import (
    Conflict,
    Forbidden,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    ServiceUnavailable,
)
from google.cloud import bigquery

from augury.errors import UsageError
from augury.testing.bigquery import BigQueryServer, Drop, FailJob, Refuse, Slow
from tests.contract.bigquery_server.room import Room, parquet, reason


def begin(room: Room, name: str, sql: str = "SELECT 1 AS a", **more: Any) -> Any:
    return room.client.query(sql, job_id=name, job_retry=None, retry=None, **more)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Refuse("quotaExceeded"), Forbidden),
        (Refuse("rateLimitExceeded"), Forbidden),
        (Refuse("accessDenied"), Forbidden),
        (Refuse("duplicate"), Conflict),
        (Refuse("backendError"), ServiceUnavailable),
        (Refuse("backendError", status=500), InternalServerError),
        (Refuse("internalError"), InternalServerError),
    ],
)
def test_a_request_is_refused_at_its_turn(
    server: BigQueryServer, own: Room, fault: Refuse, kind: type[GoogleAPICallError]
) -> None:
    rule = server.faults.add(fault, method="POST", path="/jobs$", nth=2, times=2)
    begin(own, "first")
    for name in ("second", "third"):
        with pytest.raises(kind) as refused:
            begin(own, name)
        assert reason(refused.value) == fault.reason
    begin(own, "fourth")
    assert (rule.seen, rule.done) == (4, 2)
    assert sorted(job.job_id for job in own.client.list_jobs()) == ["first", "fourth"]


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_connection_is_lost_before_or_after_the_work(
    server: BigQueryServer, own: Room, when: Any, done: bool
) -> None:
    server.faults.add(Drop(when), path="/jobs", job="lost")
    with pytest.raises(requests.exceptions.ConnectionError):
        begin(own, "lost", f"CREATE TABLE {own.dataset}.t AS SELECT 1 AS a")
    if done:
        with pytest.raises(Conflict):
            begin(own, "lost")
        own.client.get_job("lost").result()
    else:
        with pytest.raises(NotFound):
            own.client.get_job("lost")
    tables = [table.table_id for table in own.client.list_tables(own.dataset)]
    assert tables == (["t"] if done else [])


def test_an_answer_is_lost_after_the_work_of_an_upload(server: BigQueryServer, own: Room) -> None:
    config = bigquery.LoadJobConfig(source_format="PARQUET")
    file = parquet(pa.table({"a": [1]}))
    rule = server.faults.add(Drop("after"), path="/jobs", job="up")
    # Google's upload begins again by itself, and meets its own job.
    with pytest.raises(Conflict):
        own.client.load_table_from_file(file, own.name("t"), size=len(file.getvalue()), job_id="up", job_config=config)
    assert rule.done == 1
    own.client.get_job("up").result()
    assert own.rows(f"SELECT a FROM `{own.name('t')}`") == [(1,)]


def test_the_last_piece_of_an_upload_is_lost(server: BigQueryServer, own: Room) -> None:
    config = bigquery.LoadJobConfig(source_format="PARQUET")
    rule = server.faults.add(Drop("before"), method="PUT", job="pieces")
    file = parquet(pa.table({"a": [1, 2]}))
    # Google's upload sends the piece once more.
    own.client.load_table_from_file(file, own.name("t"), job_id="pieces", job_config=config).result()
    assert (rule.seen, rule.done) == (2, 1)
    assert own.rows(f"SELECT SUM(a) FROM `{own.name('t')}`") == [(3,)]


def test_a_query_that_is_sent_again_runs_once(server: BigQueryServer, own: Room) -> None:
    own.job(f"CREATE TABLE {own.dataset}.t (a INT64)")
    rule = server.faults.add(Drop("after"), path="/queries$")
    # The client sends the same requestId again (BigQuery docs: REST "jobs.query").
    own.client.query_and_wait(f"INSERT INTO {own.dataset}.t (a) VALUES (1)")
    assert (rule.seen, rule.done) == (2, 1)
    assert own.rows(f"SELECT COUNT(*) FROM {own.dataset}.t") == [(1,)]


def test_the_client_retries_what_may_be_retried(server: BigQueryServer, own: Room) -> None:
    server.faults.add(Refuse("rateLimitExceeded"), path="/queries/")
    assert own.rows("SELECT 1 AS a") == [(1,)]


def test_a_slow_job_runs_until_it_is_polled_often_enough(server: BigQueryServer, own: Room) -> None:
    server.faults.add(Slow(polls=3), job="slow")
    job = begin(own, "slow", f"CREATE TABLE {own.dataset}.t AS SELECT 1 AS a")
    states: list[str] = []
    while not states or states[-1] != "DONE":
        assert [table.table_id for table in own.client.list_tables(own.dataset)] == []
        job.reload(retry=None)
        states.append(job.state)
        if len(states) > 10:
            break
    assert states[:2] == ["RUNNING", "RUNNING"]
    assert job.done()
    assert [table.table_id for table in own.client.list_tables(own.dataset)] == ["t"]


def test_a_slow_job_can_be_cancelled(server: BigQueryServer, own: Room) -> None:
    server.faults.add(Slow(seconds=60), job="endless")
    job = begin(own, "endless", f"CREATE TABLE {own.dataset}.t AS SELECT 1 AS a")
    assert job.cancel()
    began = time.monotonic()
    while not job.done(retry=None) and time.monotonic() - began < 10:
        time.sleep(0.02)
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")
    assert [table.table_id for table in own.client.list_tables(own.dataset)] == []


def test_a_running_query_can_be_cancelled(own: Room) -> None:
    numbers = "UNNEST(GENERATE_ARRAY(1, 1000000))"
    sql = f"SELECT COUNT(*) FROM {numbers} AS a, {numbers} AS b WHERE MOD(a * b, 7) = 3"
    job = begin(own, "long", sql)
    job.reload()
    assert job.state == "RUNNING"
    job.cancel()
    began = time.monotonic()
    while not job.done(retry=None) and time.monotonic() - began < 20:
        time.sleep(0.05)
    assert job.error_result["reason"] == "stopped"


def test_a_job_fails_without_its_work(server: BigQueryServer, own: Room) -> None:
    server.faults.add(FailJob("quotaExceeded", "too many table updates"), job="doomed")
    job = begin(own, "doomed", f"CREATE TABLE {own.dataset}.t AS SELECT 1 AS a")
    with pytest.raises(Forbidden, match="too many table updates"):
        job.result(retry=None)
    assert job.error_result["reason"] == "quotaExceeded"
    assert [table.table_id for table in own.client.list_tables(own.dataset)] == []


def test_requests_are_counted(server: BigQueryServer, own: Room) -> None:
    own.job("SELECT 1 AS a")
    counts = server.faults.counts()
    assert counts[f"POST /projects/{own.project}/jobs"] == 1
    begin(own, "named").result()
    assert [one.job for one in server.faults.requests if one.method == "POST"][-1] == "named"


def test_a_reason_that_nobody_documents_is_refused() -> None:
    with pytest.raises(UsageError, match="rateLimitExceded") as refused:
        Refuse("rateLimitExceded")
    assert "rateLimitExceeded" in str(refused.value.fix)
