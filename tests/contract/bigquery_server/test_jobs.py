"""Does a job behave as Google's documentation says, from its id to its statistics?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter, StructQueryParameter

from tests.contract.bigquery_server.room import Room, reason


def test_an_id_is_taken_once_and_its_job_can_be_found_again(room: Room) -> None:
    name = f"{room.prefix}once"
    first = room.client.query("SELECT 1 AS a", job_id=name, job_retry=None)
    with pytest.raises(Conflict) as refused:
        room.client.query("SELECT 2 AS a", job_id=name, job_retry=None)
    assert reason(refused.value) == "duplicate"
    assert name in str(refused.value)
    found = room.client.get_job(name, location=first.location)
    assert [tuple(row) for row in found.result()] == [(1,)]
    assert found.state == "DONE"
    assert name in [job.job_id for job in room.client.list_jobs(max_results=50)]


@pytest.mark.parametrize(
    ("sql", "kind", "words"),
    [
        ("SELEC 1", BadRequest, ["Syntax error", "[1:1]"]),
        ("SELECT\n  1,\n  nope\nFROM {t}", BadRequest, ["Unrecognized name: nope", "[3:3]"]),
        ("SELECT * FROM {t}_absent", NotFound, ["Not found: Table", "_absent"]),
        ("SELECT * FROM no_such_dataset.t", NotFound, ["no_such_dataset"]),
        ("SELECT 1 AS a, 2 AS a", BadRequest, ["Duplicate column names"]),
        ("SELECT 1; SELEC 2", BadRequest, ["Syntax error", "[1:11]"]),
        ("SELECT\n  NO_SUCH_FUNCTION(1)", BadRequest, ["NO_SUCH_FUNCTION", "[2:3]"]),
        ("SELECT CAST('x' AS INT64)", BadRequest, ["Bad int64 value: x"]),
        ("", BadRequest, ["query"]),
    ],
)
def test_a_query_that_cannot_run_says_why_and_where(
    room: Room, sql: str, kind: type[GoogleAPICallError], words: list[str]
) -> None:
    room.job(f"CREATE TABLE `{room.name('t')}` AS SELECT 1 AS a")
    error = room.refusal(sql.format(t=f"`{room.name('t')}`").replace("`_absent", "_absent`"))
    assert isinstance(error, kind)
    for word in words:
        assert word in str(error)


def test_the_error_of_a_job_is_in_its_status(room: Room) -> None:
    job = room.client.query("SELECT nope", job_retry=None)
    with pytest.raises(BadRequest):
        job.result()
    job.reload()
    assert job.state == "DONE"
    assert job.error_result["reason"] == "invalidQuery"
    assert job.error_result["location"] == "query"
    assert job.errors == [job.error_result]


def test_statistics_say_what_was_read_and_what_it_costs(room: Room) -> None:
    name = room.name("sizes")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a, 'four' AS b, TRUE AS c UNION ALL SELECT 2, NULL, FALSE")
    job = room.job(f"SELECT a, b FROM `{name}`", labels={"pipeline": "ltv", "empty": ""}, use_query_cache=False)
    # INT64 is 8 bytes; STRING 2 and its UTF-8; NULL nothing (BigQuery docs: "Data types", storage size).
    assert job.total_bytes_processed == 8 + 8 + 2 + 4
    assert job.total_bytes_billed == 10 * 1024 * 1024
    assert job.statement_type == "SELECT"
    assert job.cache_hit is False
    assert job.labels == {"pipeline": "ltv", "empty": ""}
    assert [(one.name, one.field_type) for one in job.schema] == [("a", "INTEGER"), ("b", "STRING")]
    assert [one.table_id for one in job.referenced_tables] == [name.rpartition(".")[2]]
    assert job.created <= job.started <= job.ended


def test_a_repeated_query_comes_from_the_cache_until_its_table_changes(room: Room) -> None:
    name = room.name("cached")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a")
    sql = f"SELECT a FROM `{name}`"
    room.job(sql)
    again = room.job(sql)
    assert again.cache_hit is True
    assert (again.total_bytes_processed, again.total_bytes_billed) == (0, 0)
    room.job(f"INSERT INTO `{name}` (a) VALUES (2)")
    after = room.job(sql)
    assert after.cache_hit is False
    assert sorted(tuple(row) for row in after.result()) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT a FROM (SELECT * FROM {t})", 1),
        ("SELECT A FROM (SELECT a, b FROM {t} WHERE c > 0)", 2),
        ("WITH x AS (SELECT *, b + c AS d FROM {t}) SELECT COUNT(*), MAX(d) FROM x", 2),
        ("SELECT a FROM (SELECT DISTINCT a, b FROM {t})", 2),
        ("SELECT x FROM (SELECT a AS x, b FROM {t} UNION ALL SELECT c, b FROM {t})", 2),
        ("SELECT a, b FROM (SELECT a, b FROM {t} UNION DISTINCT SELECT c, b FROM {t})", 3),
        ("SELECT 1 FROM {t} AS o WHERE EXISTS (SELECT 1 FROM UNNEST([o.b]) AS e WHERE e > o.c)", 2),
        ("SELECT r.p FROM (SELECT r, a FROM {t})", 2),
        ("SELECT e.k FROM (SELECT * FROM {t}), UNNEST(l) AS e", 1),
        ("SELECT TO_JSON_STRING(o) FROM {t} AS o", 6),
        ("SELECT TO_JSON_STRING(o) FROM (SELECT * FROM {t}) AS o", 6),
        ("SELECT * EXCEPT (l, r) FROM {t}", 3),
        ("SELECT COUNT(*) FROM (SELECT * FROM {t})", 0),
    ],
)
def test_columns_that_nobody_asks_for_are_not_read(own: Room, sql: str, columns: int) -> None:
    name = own.name("wide")
    own.job(
        f"CREATE TABLE `{name}` AS SELECT 1 AS a, 2 AS b, 3 AS c, STRUCT(4 AS p, 5 AS q) AS r, [STRUCT(6 AS k)] AS l"
    )
    dry = bigquery.QueryJobConfig(dry_run=True)
    job = own.client.query(sql.format(t=f"`{name}`"), job_config=dry)
    assert job.total_bytes_processed == columns * 8


def test_a_dry_run_says_the_bytes_and_runs_nothing(room: Room) -> None:
    name = room.name("dry")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a, 2 AS b")
    dry = bigquery.QueryJobConfig(dry_run=True)
    assert room.client.query(f"SELECT a FROM `{name}`", job_config=dry).total_bytes_processed == 8
    job = room.client.query(f"DELETE FROM `{name}` WHERE a = 1", job_config=dry)
    assert job.statement_type == "DELETE"
    assert room.rows(f"SELECT a FROM `{name}`") == [(1,)]
    with pytest.raises(BadRequest, match="nope"):
        room.client.query("SELECT nope", job_config=dry)


def test_a_query_that_costs_too_much_is_refused_before_it_runs(room: Room) -> None:
    name = room.name("costly")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a")
    error = room.refusal(f"SELECT a FROM `{name}`", maximum_bytes_billed=1_000, use_query_cache=False)
    assert reason(error) == "bytesBilledLimitExceeded"
    assert "10485760" in str(error)
    refused = room.refusal(f"DELETE FROM `{name}` WHERE a = 1", maximum_bytes_billed=1_000)
    assert reason(refused) == "bytesBilledLimitExceeded"
    assert room.rows(f"SELECT a FROM `{name}`", maximum_bytes_billed=10_485_760) == [(1,)]


def test_parameters_have_the_types_that_they_are_given(room: Room) -> None:
    moment = datetime(2026, 1, 15, 10, 30, 0, 250, tzinfo=UTC)
    values = [
        ScalarQueryParameter("i", "INT64", -(2**62)),
        ScalarQueryParameter("f", "FLOAT64", 0.1),
        ScalarQueryParameter("b", "BOOL", True),
        ScalarQueryParameter("s", "STRING", "it's; -- `here`"),
        ScalarQueryParameter("y", "BYTES", b"\x00\xff"),  # type: ignore[arg-type]
        ScalarQueryParameter("d", "DATE", date(2026, 1, 15)),
        ScalarQueryParameter("t", "TIMESTAMP", moment),
        ScalarQueryParameter("n", "NUMERIC", Decimal("12345678901234567890.123456789")),
        ScalarQueryParameter("absent", "STRING", None),
        ArrayQueryParameter("l", "INT64", [3, 1, 2]),
        StructQueryParameter("st", ScalarQueryParameter("x", "INT64", 7), ScalarQueryParameter("z", "STRING", "q")),
    ]
    sql = "SELECT @i, @f, @b, @s, @y, @d, @t, @n, @absent, @l, @st.x, @st.z"
    found = room.rows(sql, query_parameters=values)
    expected = (-(2**62), 0.1, True, "it's; -- `here`", b"\x00\xff", date(2026, 1, 15), moment)
    assert found == [(*expected, Decimal("12345678901234567890.123456789"), None, [3, 1, 2], 7, "q")]


def test_parameters_by_position(room: Room) -> None:
    values = [ScalarQueryParameter(None, "INT64", 1), ScalarQueryParameter(None, "STRING", "?")]
    assert room.rows("SELECT ? AS a, '?' AS b, ? AS c -- ?", query_parameters=values) == [(1, "?", "?")]


def test_a_default_dataset_completes_names(room: Room) -> None:
    room.job(f"CREATE TABLE `{room.name('short')}` AS SELECT 5 AS a")
    default = bigquery.DatasetReference(room.project, room.dataset)
    assert room.rows(f"SELECT a FROM {room.prefix}short", default_dataset=default) == [(5,)]
    assert "must be qualified" in str(room.refusal(f"SELECT a FROM {room.prefix}short"))


def test_rows_come_in_pages(room: Room) -> None:
    job = room.job("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS x ORDER BY x")
    rows = job.result(page_size=300)
    pages = [len(list(page)) for page in rows.pages]
    assert pages == [300, 300, 300, 100]
    assert [row.x for row in job.result(page_size=300, start_index=995)] == [996, 997, 998, 999, 1000]
    assert [row.x for row in room.client.query_and_wait("SELECT 1 AS x")] == [1]


def test_a_destination_is_written_as_its_disposition_says(room: Room) -> None:
    name = room.name("kept")
    room.job("SELECT 1 AS a", destination=name)
    assert isinstance(room.refusal("SELECT 2 AS a", destination=name, write_disposition="WRITE_EMPTY"), Conflict)
    room.job("SELECT 2 AS a", destination=name, write_disposition="WRITE_APPEND")
    assert sorted(room.rows(f"SELECT a FROM `{name}`")) == [(1,), (2,)]
    room.job("SELECT 3 AS a, 'x' AS b", destination=name, write_disposition="WRITE_TRUNCATE")
    assert room.rows(f"SELECT * FROM `{name}`") == [(3, "x")]
    never = room.refusal("SELECT 1 AS a", destination=room.name("never"), create_disposition="CREATE_NEVER")
    assert isinstance(never, NotFound)


def test_legacy_sql_is_refused(own: Room) -> None:
    error = own.refusal("SELECT 1", use_legacy_sql=True)
    assert (error.code, reason(error)) == (501, "notImplemented")
    assert "legacy SQL" in str(error)
