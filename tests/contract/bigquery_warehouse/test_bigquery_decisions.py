"""What does the adapter decide without asking anybody: what is live, what an error means, how fast it may go?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from requests import exceptions as http

from augury.errors import AuguryError, LimitExceeded, QueryRefused, StorageFailed, UsageError
from augury.warehouses.bigquery import names, refusals, statements, types
from augury.warehouses.bigquery.pacing import Pace
from augury.warehouses.bigquery.records import Entry, Records, from_row
from augury.warehouses.contract import TableColumn

DAY = date(2026, 1, 15)
api: Any = exceptions


def intent(run: str, attempt: int = 1, **more: Any) -> Entry:
    return Entry(
        "intent",
        job_id=names.job_id("n", "people", DAY, run, "f", attempt),
        project="p-project",
        location="EU",
        table="people",
        day=DAY,
        action=more.pop("action", "write"),
        target="p.d.people",
        run_id=run,
        fingerprint="f",
        columns=(TableColumn("a", "INT64"),),
        created_at=datetime(2026, 1, 15, tzinfo=UTC),
        **more,
    )


# -- what is live --------------------------------------------------------------------------------------------


def live(*entries: Entry) -> str | None:
    records = Records()
    records.add(entries)
    found = records.live("people", DAY)
    return found.run_id if found else None


def test_the_version_whose_job_ended_last_is_live() -> None:
    """However late somebody wrote down that it did."""
    first, second = intent("run_1"), intent("run_2")
    ended = [first.ended("done", ended_at=10.0), second.ended("done", ended_at=11.0)]
    assert live(first, second, *ended) == live(first, second, *reversed(ended)) == "run_2"
    assert live(first, second, ended[0], second.ended("failed", ended_at=11.0)) == "run_1"
    assert live(first, second) is None


def test_a_removed_partition_is_not_live_until_it_is_written_again() -> None:
    wrote, removed = intent("run_1"), intent("run_1", 2, action="remove")
    over = (wrote.ended("done", ended_at=10.0), removed.ended("done", ended_at=11.0))
    assert live(wrote, removed, *over) is None
    again = intent("run_2")
    assert live(wrote, removed, *over, again, again.ended("done", ended_at=12.0)) == "run_2"


def test_how_a_job_ended_counts_once() -> None:
    """Two processes may resolve the same intent."""
    first = intent("run_1")
    done = first.ended("done", ended_at=10.0, rows=2)
    records = Records()
    records.add([first, done, replace(done, id="other", rows=7)])
    found = records.live("people", DAY)
    assert found is not None
    assert found.rows == 2
    assert records.unresolved() == ()


def test_attempts_are_never_counted_anew() -> None:
    """Lines of older attempts may have been removed: their ids are still taken."""
    records = Records()
    records.add([intent("run_1", 5)])
    assert records.attempts("people", DAY, "run_1", "f") == 5
    assert records.attempts("people", DAY, "run_2", "f") == 0


def test_a_line_comes_back_as_it_was_written() -> None:
    entry = intent("run_1", facts={"n": 1, "day": DAY}, lock="l", token=3, description="d'x\n", rows=4)
    row = {
        "id": entry.id,
        "kind": entry.kind,
        "job_id": entry.job_id,
        "table_name": entry.table,
        "run_date": entry.day,
        "run_id": entry.run_id,
        "fingerprint": entry.fingerprint,
        "row_count": entry.rows,
        "body": entry.body(),
    }
    assert from_row(row) == replace(entry, facts={"n": 1, "day": "2026-01-15"})


def test_a_tie_of_tokens_is_the_highest() -> None:
    records = Records()
    records.add([Entry("fence", lock="l", token=8), Entry("fence", lock="l", token=7)])
    assert (records.token("l"), records.token("other")) == (8, 0)


# -- names ---------------------------------------------------------------------------------------------------


def test_an_id_of_a_job_says_what_it_is_for() -> None:
    one = ("n", "people", DAY, "run_1", "f", 1)
    assert names.job_id(*one) == names.job_id(*one)
    others: list[tuple[Any, ...]] = [
        ("m", *one[1:]),
        ("n", "persons", *one[2:]),
        ("n", "people", None, *one[3:]),
        (*one[:3], "run_2", *one[4:]),
        (*one[:4], "g", 1),
        (*one[:5], 2),
    ]
    assert len({names.job_id(*one), *(names.job_id(*other) for other in others)}) == 7


def test_labels_are_as_bigquery_allows_them() -> None:
    found = names.labels({"owner": "Growth@Example.com", "9x": "a b"}, {"owner": "x" * 100})
    assert found == {"owner": "x" * 63, "x9x": "a_b"}
    assert len(names.labels({f"k{n}": "v" for n in range(100)})) == 64


# -- errors --------------------------------------------------------------------------------------------------


def failed(reason: str, message: str, kind: Any = api.BadRequest) -> Any:
    return kind(message, errors=[{"reason": reason, "message": message}])


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (failed("backendError", "x", api.ServiceUnavailable), True),
        (failed("internalError", "x", api.InternalServerError), True),
        (failed("rateLimitExceeded", "x", api.Forbidden), True),
        (failed("quotaExceeded", "x", api.Forbidden), True),
        (failed("jobRateLimitExceeded", "x"), True),
        (api.TooManyRequests("x"), True),
        (api.GatewayTimeout("x"), True),
        (http.ConnectionError("reset"), True),
        (http.ReadTimeout("slow"), True),
        (ConnectionResetError("reset"), True),
        (failed("invalidQuery", "x"), False),
        (failed("notFound", "x", api.NotFound), False),
        (failed("accessDenied", "x", api.Forbidden), False),
        (failed("bytesBilledLimitExceeded", "x"), False),
        (failed("responseTooLarge", "x", api.Forbidden), False),
        (http.SSLError("certificate"), False),
    ],
)
def test_what_passes_by_itself_is_repeated_and_nothing_else(error: Exception, again: bool) -> None:
    assert refusals.passing(error) is again


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (failed("invalidQuery", "Unrecognized name: totl; Did you mean total? at [7:12]"), QueryRefused, ["totl"]),
        (failed("notFound", "Not found: Table p:d.x was not found", api.NotFound), QueryRefused, ["p:d.x"]),
        (
            failed(
                "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1000. 20971520 or higher required."
            ),
            LimitExceeded,
            ["20,971,520", "1,000"],
        ),
        (
            failed("accessDenied", "Permission bigquery.tables.getData denied on table p:d.x", api.Forbidden),
            UsageError,
            ["roles/bigquery.dataViewer", "bigquery.tables.getData"],
        ),
        (
            failed("accessDenied", "Permission bigquery.tables.updateData denied", api.Forbidden),
            UsageError,
            ["roles/bigquery.dataEditor"],
        ),
        (failed("quotaExceeded", "too many partition updates", api.Forbidden), StorageFailed, ["quota", "later"]),
        (http.ConnectionError("reset"), StorageFailed, ["did not answer"]),
        (api.RetryError("timeout", cause=api.ServiceUnavailable("busy")), StorageFailed, ["busy"]),
    ],
)
def test_an_error_says_who_acts_next(error: Exception, kind: type[AuguryError], words: list[str]) -> None:
    found = refusals.of(error, limit=1000)
    assert type(found) is kind
    assert all(word in str(found) for word in words)


def test_a_position_and_a_suggestion_are_facts() -> None:
    found = refusals.of(failed("invalidQuery", "Unrecognized name: totl; Did you mean total? at [7:12]"))
    assert (found.where.line, found.fix) == (7, "Did you mean 'total'?")
    assert "[7:12]" not in found.what


# -- pace ----------------------------------------------------------------------------------------------------


def test_a_backfill_of_a_year_stays_below_the_quota() -> None:
    """50 changes of partitions in any 10 seconds ('Quotas and limits'), and no slower than that."""
    now = [0.0]
    sent: list[float] = []

    def wait(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(now=lambda: now[0], wait=wait)
    for _ in range(365):
        pace.pass_through("people", 50)
        sent.append(now[0])
    assert max(sum(start <= at < start + 10 for at in sent) for start in sent) <= 50
    assert now[0] <= 365 / 50 * 10
    before = now[0]
    pace.pass_through("other", 50)
    assert now[0] == before


# -- statements and types ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "(SELECT 1) UNION ALL (SELECT 2);",
        "WITH a AS (SELECT 1 AS n) SELECT * FROM a -- DROP TABLE x",
        "SELECT 'a; DROP TABLE x' AS t",
    ],
)
def test_what_only_reads(sql: str) -> None:
    statements.check_select(sql)


@pytest.mark.parametrize(
    "sql",
    [
        *("", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 'never ends"),
        *("UPDATE x SET a = 1 WHERE TRUE", "EXPORT DATA OPTIONS() AS SELECT 1", "CREATE MODEL m AS SELECT 1"),
        *("CALL p()", "DECLARE x INT64", "BEGIN SELECT 1; END"),
    ],
)
def test_what_does_not_only_read(sql: str) -> None:
    with pytest.raises(UsageError):
        statements.check_select(sql)


def test_plain_names_are_replaced_where_they_stand() -> None:
    sql = (
        "WITH own AS (\n  SELECT * FROM people)\nSELECT people.a, p.a, own.a\n"
        "FROM people\nJOIN people AS p USING (a), own, x.people"
    )
    found = statements.with_tables(sql, lambda name: "`p.d.people`" if name == "people" else None)
    assert found == (
        "WITH own AS (\n  SELECT * FROM `p.d.people` AS `people`)\nSELECT people.a, p.a, own.a\n"
        "FROM `p.d.people` AS `people`\nJOIN `p.d.people` AS p USING (a), own, x.people"
    )
    assert statements.with_tables("SELEC 1", lambda name: None) == "SELEC 1"


@pytest.mark.parametrize(
    ("declared", "found", "fits"),
    [
        ("FLOAT64", "INT64", True),
        ("FLOAT64", "NUMERIC", True),
        ("INT64", "FLOAT64", False),
        ("NUMERIC", "FLOAT64", False),
        ("DATETIME", "DATE", True),
        ("TIMESTAMP", "DATETIME", False),
        ("ARRAY<INT64>", "ARRAY<INT64>", True),
        ("ARRAY<INT64>", "INT64", False),
        ("STRING", "BYTES", False),
    ],
)
def test_what_stands_in_for_a_declared_type(declared: str, found: str, fits: bool) -> None:
    assert types.accepts(types.parse(declared), types.parse(found)) is fits
    assert types.accepts(types.parse(declared), types.parse(found), source=True) is (declared == found)
