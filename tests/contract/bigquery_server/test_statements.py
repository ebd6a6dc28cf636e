"""Do statements change tables as Google's documentation says?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from tests.contract.bigquery_server.room import Room


def test_create_table_takes_columns_partitions_clusters_and_options(room: Room) -> None:
    name = room.name("made")
    job = room.job(
        f"CREATE TABLE `{name}` (d DATE NOT NULL OPTIONS(description='day'), x INT64, n NUMERIC(10, 2),\n"
        "  l ARRAY<STRING>, r STRUCT<a INT64, b STRUCT<c STRING>>)\n"
        "PARTITION BY d CLUSTER BY x, n\n"
        "OPTIONS(description='made, by SQL', labels=[('team', 'growth')], partition_expiration_days=2,\n"
        "  expiration_timestamp=TIMESTAMP '2035-01-01 00:00:00 UTC')"
    )
    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_TABLE", "CREATE")
    table = room.client.get_table(name)
    assert [(field.name, field.field_type, field.mode) for field in table.schema] == [
        ("d", "DATE", "REQUIRED"),
        ("x", "INTEGER", "NULLABLE"),
        ("n", "NUMERIC", "NULLABLE"),
        ("l", "STRING", "REPEATED"),
        ("r", "RECORD", "NULLABLE"),
    ]
    assert (table.schema[0].description, table.schema[2].precision, table.schema[2].scale) == ("day", 10, 2)
    assert (table.description, table.labels, table.expires.year) == ("made, by SQL", {"team": "growth"}, 2035)
    assert (table.time_partitioning.field, table.time_partitioning.expiration_ms) == ("d", 172_800_000)
    assert table.clustering_fields == ["x", "n"]
    assert isinstance(room.refusal(f"CREATE TABLE `{name}` (a INT64)"), Conflict)
    assert room.job(f"CREATE TABLE IF NOT EXISTS `{name}` (a INT64)").ddl_operation_performed == "SKIP"
    job = room.job(f"CREATE OR REPLACE TABLE `{name}` AS SELECT 1 AS only")
    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_TABLE_AS_SELECT", "REPLACE")
    assert room.rows(f"SELECT * FROM `{name}`") == [(1,)]


def test_options_that_do_not_exist_are_refused(room: Room) -> None:
    error = room.refusal(f"CREATE TABLE `{room.name('t')}` (a INT64) OPTIONS(descripton='x')")
    assert "descripton" in str(error)


def test_insert_update_delete(room: Room) -> None:
    name = room.name("edited")
    room.job(f"CREATE TABLE `{name}` (d DATE, x INT64, f FLOAT64, s STRING)")
    job = room.job(f"INSERT INTO `{name}` (d, x, f) VALUES ('2026-01-01', 1, 1), (DATE '2026-01-02', 2, NULL)")
    assert (job.statement_type, job.num_dml_affected_rows) == ("INSERT", 2)
    job = room.job(f"INSERT `{name}` SELECT DATE_ADD(d, INTERVAL 1 MONTH), x + 10, x, CAST(x AS STRING) FROM `{name}`")
    assert job.dml_stats.inserted_row_count == 2
    job = room.job(f"UPDATE `{name}` AS t SET x = t.x * 2, s = CONCAT('was ', CAST(x AS STRING)) WHERE x > 10")
    assert (job.statement_type, job.num_dml_affected_rows, job.dml_stats.updated_row_count) == ("UPDATE", 2, 2)
    assert room.rows(f"SELECT x, f, s FROM `{name}` ORDER BY x") == [
        (1, 1.0, None),
        (2, None, None),
        (22, 1.0, "was 11"),
        (24, 2.0, "was 12"),
    ]
    job = room.job(f"DELETE FROM `{name}` WHERE x IN (SELECT MAX(x) FROM `{name}`)")
    assert (job.num_dml_affected_rows, job.dml_stats.deleted_row_count) == (1, 1)
    assert room.job(f"TRUNCATE TABLE `{name}`").statement_type == "TRUNCATE_TABLE"
    assert room.rows(f"SELECT * FROM `{name}`") == []


def test_each_row_of_values_keeps_its_own_digits(room: Room) -> None:
    """Also where rows beside it are of other types."""
    name = room.name("exact")
    room.job(f"CREATE TABLE `{name}` (x INT64, n NUMERIC, s STRING)")
    room.job(
        f"INSERT INTO `{name}` VALUES (1, NUMERIC '12345678901234567890.123456789', NULL), (2, 0.5, 'a'),\n"
        "  (-3, 1, 'b'), (9007199254740993, NULL, CONCAT('c', 'd')), (5, -0.25, @given)",
        query_parameters=[bigquery.ScalarQueryParameter("given", "STRING", "e'f")],
    )
    assert room.rows(f"SELECT x, n, s FROM `{name}` ORDER BY x") == [
        (-3, Decimal(1), "b"),
        (1, Decimal("12345678901234567890.123456789"), None),
        (2, Decimal("0.5"), "a"),
        (5, Decimal("-0.25"), "e'f"),
        (9007199254740993, None, "cd"),
    ]
    rows = ", ".join(f"({n}, NULL, {'NULL' if n % 7 else repr(str(n))})" for n in range(1000))
    assert room.job(f"INSERT INTO `{name}` VALUES {rows}").num_dml_affected_rows == 1000
    assert room.rows(f"SELECT COUNT(*), COUNT(s), COUNT(DISTINCT x) FROM `{name}`") == [(1005, 147, 1002)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM {t}", "WHERE"),
        ("UPDATE {t} SET x = 1", "WHERE"),
        ("UPDATE {t} SET nope = 1 WHERE TRUE", "nope"),
        ("UPDATE {t}\nSET x = 1\nWHERE x = 1 AND nope > 1", "Unrecognized name: nope at [3:17]"),
        ("SELECT 1;\nDELETE FROM {t}\nWHERE nope", "at [3:7]"),
        ("INSERT INTO {t} (x) VALUES (1, 2)", "column count"),
        ("INSERT INTO {t} (x) SELECT 'text'", "STRING"),
        ("INSERT INTO {t} (x, must) VALUES (1, NULL)", "must"),
        ("UPDATE {t} SET must = NULL WHERE TRUE", "must"),
        ("UPDATE {t} AS a SET x = b.x FROM (SELECT 1 AS x UNION ALL SELECT 2) AS b WHERE TRUE", "at most one"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(room: Room, sql: str, words: str) -> None:
    name = room.name("kept")
    room.job(f"CREATE TABLE `{name}` (x INT64, must STRING NOT NULL)")
    room.job(f"INSERT INTO `{name}` (x, must) VALUES (1, 'a')")
    error = room.refusal(sql.format(t=f"`{name}`"))
    assert isinstance(error, BadRequest)
    assert words in str(error)
    assert room.rows(f"SELECT * FROM `{name}`") == [(1, "a")]


def test_update_from_another_table(room: Room) -> None:
    name, other = room.name("target"), room.name("other")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS id, 'a' AS s UNION ALL SELECT 2, 'b'")
    room.job(f"CREATE TABLE `{other}` AS SELECT 2 AS id, 'new' AS s")
    room.job(f"UPDATE `{name}` t SET s = o.s FROM `{other}` o WHERE t.id = o.id")
    assert room.rows(f"SELECT * FROM `{name}` ORDER BY id") == [(1, "a"), (2, "new")]


def test_merge_takes_the_first_clause_that_applies(room: Room) -> None:
    name = room.name("merged")
    room.job(f"CREATE TABLE `{name}` AS SELECT id, 'old' AS s FROM UNNEST([1, 2, 3, 4]) AS id")
    job = room.job(
        f"MERGE `{name}` AS t\n"
        "USING (SELECT id, CONCAT('s', CAST(id AS STRING)) AS s FROM UNNEST([2, 3, 5, 6]) AS id) AS o ON t.id = o.id\n"
        "WHEN MATCHED AND o.id = 2 THEN DELETE\n"
        "WHEN MATCHED THEN UPDATE SET s = o.s\n"
        "WHEN NOT MATCHED AND o.id = 5 THEN INSERT (id, s) VALUES (id, 'five')\n"
        "WHEN NOT MATCHED THEN INSERT ROW\n"
        "WHEN NOT MATCHED BY SOURCE AND t.id = 4 THEN UPDATE SET s = 'left'"
    )
    assert room.rows(f"SELECT * FROM `{name}` ORDER BY id") == [
        (1, "old"),
        (3, "s3"),
        (4, "left"),
        (5, "five"),
        (6, "s6"),
    ]
    stats = job.dml_stats
    assert (stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (2, 2, 1)


def test_merge_on_false_replaces_a_partition(room: Room) -> None:
    name = room.name("swapped")
    room.job(f"CREATE TABLE `{name}` (d DATE, x INT64) PARTITION BY d")
    room.job(f"INSERT INTO `{name}` (d, x) VALUES ('2026-01-01', 1), ('2026-01-02', 2), ('2026-01-02', 3)")
    room.job(
        f"MERGE `{name}` t USING (SELECT DATE '2026-01-02' AS d, 9 AS x) o ON FALSE\n"
        "WHEN NOT MATCHED BY SOURCE AND t.d = '2026-01-02' THEN DELETE WHEN NOT MATCHED THEN INSERT ROW"
    )
    assert room.rows(f"SELECT * FROM `{name}` ORDER BY d") == [(date(2026, 1, 1), 1), (date(2026, 1, 2), 9)]


def test_alter_and_drop(room: Room) -> None:
    name, new = room.name("altered"), f"{room.prefix}renamed"
    room.job(f"CREATE TABLE `{name}` (a INT64 NOT NULL)")
    room.job(f"INSERT INTO `{name}` (a) VALUES (1)")
    room.job(f"ALTER TABLE `{name}` ADD COLUMN b STRING, ADD COLUMN IF NOT EXISTS a INT64")
    room.job(f"ALTER TABLE `{name}` ALTER COLUMN a DROP NOT NULL")
    room.job(f"ALTER TABLE `{name}` ALTER COLUMN b SET OPTIONS(description='second')")
    room.job(f"ALTER TABLE `{name}` SET OPTIONS(description='later', labels=[('a', 'b')])")
    table = room.client.get_table(name)
    assert [(one.name, one.mode, one.description) for one in table.schema] == [
        ("a", "NULLABLE", None),
        ("b", "NULLABLE", "second"),
    ]
    assert (table.description, table.labels) == ("later", {"a": "b"})
    room.job(f"ALTER TABLE `{name}` DROP COLUMN b")
    room.job(f"ALTER TABLE `{name}` RENAME TO {new}")
    assert room.rows(f"SELECT * FROM `{room.name('renamed')}`") == [(1,)]
    assert isinstance(room.refusal(f"SELECT * FROM `{name}`"), NotFound)
    assert isinstance(room.refusal(f"DROP VIEW `{room.name('renamed')}`"), BadRequest)
    assert room.job(f"DROP TABLE `{room.name('renamed')}`").ddl_operation_performed == "DROP"
    assert isinstance(room.refusal(f"DROP TABLE `{room.name('renamed')}`"), NotFound)
    assert room.job(f"DROP TABLE IF EXISTS `{room.name('renamed')}`").ddl_operation_performed == "SKIP"


def test_a_column_takes_a_wider_type_and_no_narrower_one(room: Room) -> None:
    name = room.name("widened")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a, 'x' AS s")
    room.job(f"ALTER TABLE `{name}` ALTER COLUMN a SET DATA TYPE NUMERIC")
    room.job(f"ALTER TABLE `{name}` ALTER COLUMN a SET DATA TYPE FLOAT64")
    room.job(f"INSERT INTO `{name}` (a) VALUES (1.5)")
    assert room.rows(f"SELECT a FROM `{name}` ORDER BY a") == [(1.0,), (1.5,)]
    for column, kind in (("a", "INT64"), ("s", "INT64"), ("a", "STRING")):
        error = room.refusal(f"ALTER TABLE `{name}` ALTER COLUMN {column} SET DATA TYPE {kind}")
        assert "is assignable to the new type" in str(error)
    assert [field.field_type for field in room.client.get_table(name).schema] == ["FLOAT", "STRING"]


def test_a_transaction_is_kept_whole_or_not_at_all(room: Room) -> None:
    name = room.name("transacted")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a")
    job = room.job(
        f"BEGIN TRANSACTION; DELETE FROM `{name}` WHERE TRUE; INSERT INTO `{name}` (a) VALUES (2), (3);\n"
        f"COMMIT TRANSACTION; SELECT SUM(a) AS total FROM `{name}`;"
    )
    assert job.statement_type == "SCRIPT"
    assert room.rows(f"SELECT a FROM `{name}` ORDER BY a") == [(2,), (3,)]
    room.job(f"BEGIN TRANSACTION; DELETE FROM `{name}` WHERE TRUE; ROLLBACK TRANSACTION;")
    room.job(f"BEGIN TRANSACTION; DELETE FROM `{name}` WHERE TRUE;")
    error = room.refusal(f"BEGIN TRANSACTION; DELETE FROM `{name}` WHERE TRUE; SELECT nope; COMMIT TRANSACTION;")
    assert "nope" in str(error)
    assert room.rows(f"SELECT a FROM `{name}` ORDER BY a") == [(2,), (3,)]


def test_what_there_is_can_be_asked(room: Room) -> None:
    name = room.name("asked")
    room.job(f"CREATE TABLE `{name}` (d DATE NOT NULL, r STRUCT<a INT64>, l ARRAY<STRING>) PARTITION BY d CLUSTER BY d")
    schema = f"`{room.project}.{room.dataset}`.INFORMATION_SCHEMA"
    table = name.rpartition(".")[2]
    sql = f"SELECT table_name, table_type FROM {schema}.TABLES WHERE table_name = '{table}'"
    assert room.rows(sql) == [(table, "BASE TABLE")]
    sql = (
        "SELECT column_name, data_type, is_nullable, is_partitioning_column FROM "
        f"{schema}.COLUMNS WHERE table_name = '{table}' ORDER BY ordinal_position"
    )
    assert room.rows(sql) == [
        ("d", "DATE", "NO", "YES"),
        ("r", "STRUCT<a INT64>", "YES", "NO"),
        ("l", "ARRAY<STRING>", "YES", "NO"),
    ]


def test_jobs_can_be_asked(own: Room) -> None:
    job = own.job("SELECT 1 AS a")
    sql = "SELECT state, statement_type FROM `region-us`.INFORMATION_SCHEMA.JOBS WHERE job_id = "
    assert own.rows(f"{sql}'{job.job_id}'") == [("DONE", "SELECT")]
    assert "did you mean JOBS" in str(own.refusal("SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBZ"))
