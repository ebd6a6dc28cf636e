"""Is one partition replaced whole, and nothing but it?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError, NotFound
from google.cloud import bigquery

from tests.contract.bigquery_server.room import Room

BY_DAY = bigquery.TimePartitioning(type_="DAY", field="run_date")
DAYS = [date(2026, 1, 14), date(2026, 1, 15), date(2026, 1, 16)]


def rows_of(day: date, values: list[int]) -> pa.Table:
    return pa.table({"run_date": pa.array([day] * len(values), pa.date32()), "x": pa.array(values, pa.int64())})


def replace(room: Room, name: str, day: date, values: list[int], **config: Any) -> None:
    target = f"{name}${day:%Y%m%d}"
    room.load(rows_of(day, values), target, write_disposition="WRITE_TRUNCATE", time_partitioning=BY_DAY, **config)


def test_a_partition_is_replaced_and_the_others_stay(room: Room) -> None:
    name = room.name("days")
    for day in DAYS:
        replace(room, name, day, [1, 2])
    replace(room, name, DAYS[1], [9])
    expected = [(DAYS[0], 1), (DAYS[0], 2), (DAYS[1], 9), (DAYS[2], 1), (DAYS[2], 2)]
    assert room.rows(f"SELECT run_date, x FROM `{name}` ORDER BY 1, 2") == expected
    table = room.client.get_table(name)
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "run_date")
    found = room.rows(
        f"SELECT partition_id, total_rows FROM `{room.project}.{room.dataset}`.INFORMATION_SCHEMA.PARTITIONS "
        f"WHERE table_name = '{name.rpartition('.')[2]}' ORDER BY 1"
    )
    assert found == [("20260114", 2), ("20260115", 1), ("20260116", 2)]
    assert sorted(room.client.list_partitions(name)) == ["20260114", "20260115", "20260116"]


def test_a_query_replaces_a_partition_too(room: Room) -> None:
    name = room.name("queried")
    for day in DAYS:
        replace(room, name, day, [1, 2])
    sql = f"SELECT run_date, x * 10 AS x FROM `{name}` WHERE run_date = '2026-01-15'"
    job = room.job(sql, destination=f"{name}$20260115", write_disposition="WRITE_TRUNCATE")
    rows = job.result()
    assert (rows.total_rows, sorted(row.x for row in rows)) == (2, [10, 20])
    assert room.rows(f"SELECT SUM(x) FROM `{name}` WHERE run_date = '2026-01-15'") == [(30,)]
    assert room.rows(f"SELECT COUNT(*) FROM `{name}`") == [(6,)]


def test_rows_of_another_day_are_refused_and_change_nothing(room: Room) -> None:
    name = room.name("strays")
    replace(room, name, DAYS[0], [1])
    with pytest.raises(BadRequest, match="Some rows belong to different partitions"):
        room.load(rows_of(DAYS[1], [2]), f"{name}$20260114", write_disposition="WRITE_TRUNCATE")
    assert room.rows(f"SELECT run_date, x FROM `{name}`") == [(DAYS[0], 1)]


@pytest.mark.parametrize("decorator", ["2026", "202601", "20261399", "2026011500", "x"])
def test_a_decorator_that_names_no_day_is_refused(room: Room, decorator: str) -> None:
    name = room.name("wrong")
    replace(room, name, DAYS[0], [1])
    with pytest.raises(BadRequest):
        room.load(rows_of(DAYS[0], [2]), f"{name}${decorator}", write_disposition="WRITE_TRUNCATE")
    assert room.rows(f"SELECT x FROM `{name}`") == [(1,)]


def test_another_partitioning_than_the_tables_is_refused(room: Room) -> None:
    name = room.name("fixed")
    replace(room, name, DAYS[0], [1])
    monthly = bigquery.TimePartitioning(type_="MONTH", field="run_date")
    with pytest.raises(BadRequest, match="partitioning"):
        room.load(rows_of(DAYS[0], [2]), name, write_disposition="WRITE_APPEND", time_partitioning=monthly)


def test_months_and_ingestion_times(room: Room) -> None:
    monthly, stamped = room.name("monthly"), room.name("stamped")
    room.job(f"CREATE TABLE `{monthly}` (run_date DATE, x INT64) PARTITION BY DATE_TRUNC(run_date, MONTH)")
    room.load(rows_of(DAYS[0], [1]), f"{monthly}$202601", write_disposition="WRITE_TRUNCATE")
    assert list(room.client.list_partitions(monthly)) == ["202601"]
    config = bigquery.TimePartitioning(type_="DAY")
    for day in ("20260114", "20260115"):
        room.load(pa.table({"x": [int(day)]}), f"{stamped}${day}", time_partitioning=config)
    room.load(pa.table({"x": [7]}), f"{stamped}$20260115", write_disposition="WRITE_TRUNCATE")
    assert room.rows(f"SELECT * FROM `{stamped}` ORDER BY x") == [(7,), (20260114,)]
    sql = f"SELECT x, _PARTITIONDATE AS d FROM `{stamped}` WHERE _PARTITIONTIME >= TIMESTAMP '2026-01-15'"
    assert room.rows(sql) == [(7, DAYS[1])]


def test_a_deleted_partition_is_gone_alone(room: Room) -> None:
    name = room.name("deleted")
    for day in DAYS:
        replace(room, name, day, [1])
    room.client.delete_table(f"{name}$20260115")
    assert room.rows(f"SELECT run_date FROM `{name}` ORDER BY 1") == [(DAYS[0],), (DAYS[2],)]


def test_only_the_partitions_that_a_query_asks_for_are_counted(room: Room) -> None:
    name = room.name("pruned")
    for day in DAYS:
        replace(room, name, day, list(range(100)))
    for condition, read in (
        ("run_date = '2026-01-15'", 1),
        ("run_date >= DATE '2026-01-15' AND x > 3", 2),
        ("t.run_date BETWEEN @day AND @day", 1),
        ("run_date = '2030-01-01'", 0),
        ("x > 3", 3),
    ):
        job = room.client.query(
            f"SELECT x, run_date FROM `{name}` AS t WHERE {condition}",
            job_config=bigquery.QueryJobConfig(
                dry_run=True,
                query_parameters=[bigquery.ScalarQueryParameter("day", "DATE", DAYS[0])] if "@" in condition else [],
            ),
        )
        assert job.total_bytes_processed == read * 100 * 16, condition


def test_a_filter_can_be_required(room: Room) -> None:
    name = room.name("filtered")
    replace(room, name, DAYS[0], [1])
    table = room.client.get_table(name)
    table.require_partition_filter = True
    room.client.update_table(table, ["require_partition_filter"])
    error = room.refusal(f"SELECT x FROM `{name}` WHERE x = 1")
    assert "partition elimination" in str(error)
    assert room.rows(f"SELECT x FROM `{name}` WHERE run_date = '2026-01-14'") == [(1,)]
    # What is put in is not read; what is read still needs its filter.
    job = room.job(f"INSERT INTO `{name}` (run_date, x) VALUES ('2026-01-14', 2), ('2026-01-15', NULL)")
    assert (job.num_dml_affected_rows, job.total_bytes_processed) == (2, 0)
    error = room.refusal(f"INSERT INTO `{name}` (run_date, x) SELECT run_date, x FROM `{name}`")
    assert "partition elimination" in str(error)
    assert room.rows(f"SELECT COUNT(*) FROM `{name}` WHERE run_date >= '2026-01-14'") == [(3,)]


def test_shards_are_read_by_a_prefix(room: Room) -> None:
    for day in (1, 2, 3):
        extra = ", 'new' AS extra" if day == 3 else ""
        room.job(f"CREATE TABLE `{room.name('events')}_2026010{day}` AS SELECT {day} AS x{extra}")
    wild = f"`{room.name('events')}_*`"
    assert room.rows(f"SELECT x, _TABLE_SUFFIX AS s FROM {wild} WHERE _TABLE_SUFFIX >= '20260102' ORDER BY x") == [
        (2, "20260102"),
        (3, "20260103"),
    ]
    assert room.rows(f"SELECT x, extra FROM {wild} ORDER BY x") == [(1, None), (2, None), (3, "new")]
    assert isinstance(room.refusal(f"SELECT * FROM `{room.name('absent')}_*`"), BadRequest | NotFound)


def test_writers_of_one_table_lose_and_double_nothing(own: Room) -> None:
    name = own.name("shared")
    replace(own, name, DAYS[0], [0])
    days = [date(2026, 2, 1 + number) for number in range(12)]

    def write(mine: list[date]) -> None:
        for day in mine:
            # Twice, as somebody who asks again does.
            for _ in range(2):
                replace(own, name, day, [day.day] * day.day)

    with ThreadPoolExecutor(4) as pool:
        # Two writers for every day.
        for done in [pool.submit(write, days[start::2]) for start in (0, 1, 0, 1)]:
            done.result()
    expected = [(DAYS[0], 1), *((day, day.day) for day in days)]
    assert own.rows(f"SELECT run_date, COUNT(*) FROM `{name}` GROUP BY 1 ORDER BY 1") == expected


class Reader:
    """Asks the same question again and again in a thread of its own, while the block lasts."""

    def __init__(self, room: Room, sql: str) -> None:
        self.room, self.sql = room, sql
        self.seen: list[tuple[Any, ...]] = []
        self.errors: list[Exception] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                self.seen += self.room.rows(self.sql, use_query_cache=False)
            except GoogleAPICallError as error:
                self.errors.append(error)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()


def test_a_reader_never_sees_half_of_a_partition(room: Room) -> None:
    name = room.name("hammered")
    replace(room, name, DAYS[0], [0] * 500)
    replace(room, name, DAYS[1], [0] * 500)
    sql = f"SELECT COUNT(*), MIN(x), MAX(x) FROM `{name}` WHERE run_date = '2026-01-15'"
    with Reader(room, sql) as reader:
        number = 0
        while number < 12 or len(reader.seen) < 10:
            number += 1
            replace(room, name, DAYS[1], [number] * (500 + number))
    assert reader.errors == []
    assert all(low == high and count == 500 + low for count, low, high in reader.seen), reader.seen


def test_a_reader_of_a_table_that_is_replaced_sees_one_or_the_other(room: Room) -> None:
    name, view = room.name("whole"), room.name("view")
    room.job(f"CREATE TABLE `{name}` AS SELECT 0 AS x, 0 AS y")
    room.job(f"CREATE VIEW `{view}` AS SELECT x, y FROM `{name}`")
    with Reader(room, f"SELECT x, y FROM `{view}`") as reader:
        number = 0
        while number < 12 or len(reader.seen) < 10:
            number += 1
            columns = f"{number} AS x, {number} AS y" if number % 2 else f"{number} AS y, {number} AS x"
            room.job(f"CREATE OR REPLACE TABLE `{name}` AS SELECT {columns}")
            room.job(f"CREATE OR REPLACE VIEW `{view}` AS SELECT y AS x, x AS y FROM `{name}`")
    assert reader.errors == []
    assert all(x == y for x, y in reader.seen)
