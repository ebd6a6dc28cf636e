"""What lies on the disk, who may touch it, and what does a broken disk or a wrong query say?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from augury.errors import DataRefused, NamespaceError, QueryRefused, StorageFailed, UsageError
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, rows, stream, write
from augury.warehouses.contract import Warehouse
from tests.contract.test_duckdb_warehouse import opened

LATER = timedelta(days=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = opened(tmp_path)
    yield warehouse
    warehouse.close()


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code that has `root` and `w`, a warehouse opened there, in a process of its own."""
    given = "import sys; from pathlib import Path; root = Path(sys.argv[1])\n"
    return subprocess.run(
        [sys.executable, "-c", given + textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


# -- whose folder ----------------------------------------------------------------------------------------------


def test_the_files_of_a_namespace_are_where_they_are_promised(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions", run_id="run_2"))
    warehouse.set_view("current_predictions", "predictions")
    found = files(tmp_path / "dev")
    data = found["staging/run_date=2026-01-15/run_1.parquet"]
    assert found["predictions/run_date=2026-01-15/run_2.parquet"] == data
    assert found["_latest/predictions/2026-01-15.parquet"] == data
    assert json.loads(found["predictions/run_date=2026-01-15/live.json"])["file"] == "run_2.parquet"
    assert json.loads(found["_views/current_predictions.json"]) == {"table": "predictions"}
    assert json.loads(found["_namespace.json"]) == {"project": "shop", "deployment": "", "target": "dev"}
    staged = tmp_path / "dev/staging/run_date=2026-01-15/run_1.parquet"
    assert staged.samefile(tmp_path / "dev/predictions/run_date=2026-01-15/run_2.parquet")


def test_a_namespace_belongs_to_one_target(tmp_path: Path) -> None:
    opened(tmp_path).create(write(), PEOPLE)
    before = files(tmp_path)
    for read_only in (False, True):
        with pytest.raises(NamespaceError, match="dev"):
            opened(tmp_path, target="prod", read_only=read_only)
    with pytest.raises(NamespaceError):
        opened(tmp_path / "elsewhere", output=tmp_path, target="prod")
    assert {name: text for name, text in files(tmp_path).items() if "elsewhere" not in name} == before


def test_a_folder_of_other_things_is_not_made_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "thesis.doc").write_text("years of work")
    with pytest.raises(NamespaceError, match=r"thesis\.doc"):
        opened(tmp_path)


def test_published_tables_lie_under_the_output_root_a5(tmp_path: Path) -> None:
    work, shared = tmp_path / "work", tmp_path / "shared"
    warehouse = opened(work, output=shared)
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions"))
    assert (shared / "dev/_latest/predictions/2026-01-15.parquet").is_file()
    assert not (work / "dev/predictions").exists()
    assert not (shared / "dev/staging").exists()
    again = opened(work, output=shared)
    assert ids(live(again, "predictions")) == [1, 2]
    assert [info.name for info in again.tables()] == ["predictions", "staging"]
    assert again.remove("predictions", DAY)
    assert not (shared / "dev/_latest/predictions/2026-01-15.parquet").exists()


def test_read_only_writes_nothing_and_refuses_every_write(tmp_path: Path) -> None:
    nothing = opened(tmp_path / "new", read_only=True)
    assert nothing.tables() == ()
    assert nothing.partitions("people") == {}
    assert nothing.partition("people", DAY) is None
    assert nothing.view("people") is None
    assert not (tmp_path / "new").exists()
    opened(tmp_path).create(write(), PEOPLE)
    before = files(tmp_path)
    reader = opened(tmp_path, read_only=True)
    verbs: list[Callable[[], object]] = [
        lambda: reader.create(write(), PEOPLE),
        lambda: reader.load(write(), stream(pa.table({"a": [1]}))),
        lambda: reader.publish("people", DAY, write("predictions")),
        lambda: reader.remove("people", DAY),
        lambda: reader.drop("people"),
        lambda: reader.set_view("shown", "people"),
        lambda: reader.sweep(datetime.now(UTC)),
    ]
    for verb in verbs:
        with pytest.raises(StorageFailed, match="read only"):
            verb()
    assert ids(live(reader)) == [1, 2]
    with reader.query("SELECT count(*) AS n FROM people") as found:
        assert found.read_all().to_pylist() == [{"n": 2}]
    assert files(tmp_path) == before


def test_other_tools_read_published_tables_by_their_fixed_names(warehouse: Warehouse, tmp_path: Path) -> None:
    for day in (DAY, NEXT):
        warehouse.create(write("staging", day), PEOPLE)
        warehouse.publish("staging", day, write("predictions", day))
    folder = tmp_path / "dev/_latest/predictions"
    assert len(pd.read_parquet(folder)) == 4
    assert rows(warehouse, f"SELECT count(DISTINCT run_date) AS n FROM '{folder}/*.parquet'") == [{"n": 2}]


def test_a_table_is_copied_without_its_bytes_b18(warehouse: Warehouse, tmp_path: Path) -> None:
    from augury.warehouses.duckdb import DuckDBWarehouse

    warehouse.create(write(facts={"a": 1}), PEOPLE)
    warehouse.create(write(day=NEXT), PEOPLE)
    other = opened(tmp_path / "copy", target="prod")
    assert isinstance(warehouse, DuckDBWarehouse)
    assert isinstance(other, DuckDBWarehouse)
    assert warehouse.copy_table("people", other, "copied") == 2
    warehouse.drop("people")
    assert ids(live(other, "copied", DAY, NEXT)) == [1, 1, 2, 2]
    found = other.partition("copied", DAY)
    assert found is not None
    assert (found.table, found.run_id, found.facts) == ("copied", "run_1", {"a": 1})


# -- a broken disk ---------------------------------------------------------------------------------------------


def live_file(warehouse: Warehouse, table: str = "people", day: date = DAY) -> Path:
    partition = warehouse.partition(table, day)
    assert partition is not None
    return Path(partition.path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    ],
    ids=["missing", "empty", "cut off", "zeroes"],
)
def test_a_damaged_partition_names_table_date_file_and_remedy(
    warehouse: Warehouse, damage: Callable[[Path], object]
) -> None:
    warehouse.create(write("ltv_v1_prepare"), PEOPLE)
    path = live_file(warehouse, "ltv_v1_prepare")
    damage(path)
    relation = warehouse.partition_sql("ltv_v1_prepare", [DAY])
    attempts: list[Callable[[], object]] = [
        lambda: rows(warehouse, f"SELECT * FROM {relation}"),
        lambda: warehouse.create(write("other"), f"SELECT * FROM {relation}"),
        lambda: warehouse.describe(f"SELECT * FROM {relation}"),
        lambda: warehouse.publish("ltv_v1_prepare", DAY, write("predictions")),
        lambda: warehouse.query("SELECT * FROM ltv_v1_prepare").__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(StorageFailed) as failed:
            attempt()
        for word in ("ltv_v1_prepare", "2026-01-15", str(path), "augury clean ltv --from 2026-01-15"):
            assert word in str(failed.value)
    assert warehouse.partition("other", DAY) is None
    assert warehouse.partition("predictions", DAY) is None
    warehouse.create(write("ltv_v1_prepare", run_id="run_2"), PEOPLE)
    assert ids(live(warehouse, "ltv_v1_prepare")) == [1, 2]


def test_a_broken_pointer_is_a_missing_partition_that_nobody_reads_as_empty(warehouse: Warehouse) -> None:
    warehouse.create(write(), PEOPLE)
    warehouse.create(write(day=NEXT), PEOPLE)
    pointer = live_file(warehouse).parent / "live.json"
    for text in ("", "{", '{"file": "../../x.parquet"}', "[]"):
        pointer.write_text(text)
        assert warehouse.partition("people", DAY) is None
        assert list(warehouse.partitions("people")) == [NEXT]
        with pytest.raises(StorageFailed, match=r"live\.json"):
            warehouse.partition_sql("people", [DAY, NEXT])
    warehouse.create(write(), PEOPLE)
    assert ids(live(warehouse)) == [1, 2]


def test_a_full_disk_leaves_the_partition_as_it_was(tmp_path: Path) -> None:
    """Simulated by the largest size that a file may have in that process."""
    warehouse = opened(tmp_path)
    warehouse.create(write(), PEOPLE)
    before = files(tmp_path)
    found = run_python(
        """
        import resource, sys
        sys.dont_write_bytecode = True
        import pyarrow as pa
        from augury.errors import StorageFailed
        from augury.testing.warehouse_rows import write, stream
        from tests.contract.test_duckdb_warehouse import opened
        w = opened(root)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        many = "SELECT i AS customer_id, random() AS x FROM range(1000000) AS t(i)"
        for verb in (
            lambda: w.create(write(run_id="big"), many),
            lambda: w.load(write(run_id="big"), stream(pa.table({"a": [str(i * 7919) for i in range(50_000)]}), 9999)),
        ):
            try:
                verb()
            except StorageFailed as error:
                print(error)
            else:
                print("written")
        """,
        tmp_path,
    )
    assert found.stderr == ""
    assert found.stdout.count("File too large") == 2
    assert found.stdout.count(str(tmp_path)) == 2
    assert files(tmp_path) == before


def test_a_read_only_folder_is_named_with_its_cause(tmp_path: Path) -> None:
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)  # somebody else has to get here
    opened(tmp_path).create(write(), PEOPLE)
    (tmp_path / "empty").mkdir()
    for folder in [tmp_path, *tmp_path.rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    before = files(tmp_path)
    found = run_python(
        """
        import os
        import pyarrow, pandas, duckdb, augury.warehouses.duckdb, pytest
        from augury.errors import StorageFailed
        from augury.testing.warehouse_rows import write, PEOPLE, live, ids
        from tests.contract.test_duckdb_warehouse import opened
        if os.getuid() == 0:
            os.setuid(65534)
        w = opened(root)
        for verb in (
            lambda: opened(root / "empty"),
            lambda: w.create(write(), PEOPLE),
            lambda: w.publish("people", write().day, write("predictions")),
            lambda: w.remove("people", write().day),
            lambda: w.drop("people"),
            lambda: w.set_view("shown", "people"),
        ):
            try:
                verb()
                print("done")
            except StorageFailed as error:
                print(error.what, "|", error.why)
        print(ids(live(w)))
        """,
        tmp_path,
    )
    for folder in [tmp_path, *tmp_path.rglob("*")]:
        folder.chmod(0o755)
    assert found.stderr == ""
    *refused, seen = found.stdout.splitlines()
    assert len(refused) == 6
    for line in refused:
        assert line.endswith("Permission denied")
        assert str(tmp_path) in line
    assert seen == "[1, 2]"
    assert files(tmp_path) == before


# -- sweeping --------------------------------------------------------------------------------------------------


def test_sweep_keeps_what_was_live_a_moment_ago(warehouse: Warehouse, tmp_path: Path) -> None:
    """A reader that took its path before the swap may still open it until the retention time is over."""
    warehouse.create(write(), PEOPLE)
    relation = warehouse.partition_sql("people", [DAY])
    old = live_file(warehouse)
    os.utime(old, (0, 0))  # written long ago, replaced just now
    warehouse.create(write(run_id="run_2"), "SELECT 3 AS customer_id")
    warehouse.sweep(datetime.now(UTC) - LATER)
    assert ids(rows(warehouse, f"SELECT * FROM {relation}")) == [1, 2]
    assert warehouse.sweep(datetime.now(UTC) + LATER) == 1
    assert not old.exists()
    with pytest.raises(StorageFailed):
        rows(warehouse, f"SELECT * FROM {relation}")


def test_sweep_takes_what_dead_writers_left_and_mends_fixed_names(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions"))
    fixed = tmp_path / "dev/_latest/predictions/2026-01-15.parquet"
    truth = fixed.read_bytes()
    fixed.unlink()
    fixed.write_bytes(b"of an earlier run")
    orphan = fixed.with_name("2025-12-31.parquet")
    orphan.write_bytes(b"its partition was removed")
    draft = live_file(warehouse, "staging").with_name(".tmp-run_9-0123")
    draft.write_bytes(b"half a file")
    warehouse.sweep(datetime.now(UTC) - LATER)
    assert draft.exists()
    assert fixed.read_bytes() == truth
    warehouse.sweep(datetime.now(UTC) + LATER)
    assert not draft.exists()
    assert not orphan.exists()
    assert ids(live(warehouse, "predictions")) == [1, 2]


# -- what people ask -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("SELECT\n  totl\nFROM (SELECT 1 AS total)", 2, ['"totl"', "Did you mean 'total'?"]),
        ("SELECT 1\nFROM nowhere", 2, ["nowhere"]),
        ("SELECT 1 +", 1, ["syntax error"]),
        ("SELECT\n\nlenght('a')", 3, ["lenght", "Did you mean 'length'?"]),
        ("SELECT\nCAST(x AS INT) FROM (SELECT 'q' AS x)", 2, ["'q'"]),
        ("SELECT xyz FROM (SELECT 1 AS total)", 1, ["there are: total"]),
    ],
)
def test_a_refused_query_says_line_and_nearest_name(
    warehouse: Warehouse, sql: str, line: int, words: list[str]
) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.create(write(), sql)
    assert refused.value.where.line == line
    for word in words:
        assert word in str(refused.value)
    assert "Candidate" not in str(refused.value)
    assert "LINE" not in str(refused.value)


def test_an_error_in_the_middle_of_a_stream_is_one_of_ours(warehouse: Warehouse) -> None:
    sql = "SELECT CAST(CASE WHEN i = 200000 THEN 'x' ELSE '1' END AS INT) AS n FROM range(300000) AS t(i)"
    with warehouse.read(sql, 1000) as reader, pytest.raises(QueryRefused, match="'x'"):
        for _ in reader:
            pass
    with warehouse.read("SELECT * FROM range(10000000)", 1000) as reader:
        reader.read_next_batch()  # and go: the rest is not waited for


@pytest.mark.parametrize(
    "sql",
    [
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
        "WITH more AS (INSERT INTO people VALUES (1)) SELECT 1",
        "WITH new AS NOT MATERIALIZED (UPDATE people SET name = 'x' RETURNING *) SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM people",
        "/* just */ EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
        "COPY people TO 'out.csv'",
        "ATTACH 'other.duckdb'",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "CALL enable_logging()",
        "SELECT * FROM enable_logging(storage = 'file')",
        "SELECT * FROM \"enable_logging\" /* x */ ('y')",
    ],
)
def test_no_disguise_makes_a_query_write(warehouse: Warehouse, tmp_path: Path, sql: str) -> None:
    warehouse.create(write(), PEOPLE)
    before = files(tmp_path)
    with pytest.raises(UsageError), warehouse.query(sql):
        pass
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) as n from people;", 2),
        ("-- how many?\nFROM people SELECT count(*) AS n", 2),
        ("WITH p AS MATERIALIZED (SELECT * FROM people) SELECT count(*) AS n FROM p", 2),
        ("SELECT length('insert into (delete from x)') - 27 AS n -- (insert into", 0),
        ("WITH people AS (SELECT 1) SELECT count(*) AS n FROM people", 1),
        ('SELECT count(*) AS n FROM (SELECT 1 AS "(delete from") AS t', 1),
    ],
)
def test_what_only_reads_is_answered(warehouse: Warehouse, sql: str, expected: int) -> None:
    warehouse.create(write(), PEOPLE)
    with warehouse.query(sql) as reader:
        assert reader.read_all().to_pylist() == [{"n": expected}]


def test_a_query_explains_itself_and_knows_the_tables(warehouse: Warehouse) -> None:
    warehouse.create(write(), PEOPLE)
    with warehouse.query("EXPLAIN SELECT * FROM people") as reader:
        assert reader.read_all().num_rows
    with pytest.raises(QueryRefused, match="Did you mean 'people'"), warehouse.query("SELECT * FROM peple"):
        pass


def test_a_query_sees_the_schema_of_all_partitions(warehouse: Warehouse) -> None:
    warehouse.create(write(), "SELECT 1 AS customer_id")
    warehouse.create(write(day=NEXT), "SELECT 2 AS customer_id, 'x' AS name LIMIT 0")
    with warehouse.query("SELECT * FROM people") as reader:
        assert reader.read_all().to_pylist() == [{"run_date": DAY, "customer_id": 1, "name": None}]


@pytest.mark.parametrize("kind", ["UNION(a INT)", "VARIANT", "BIGNUM"])
def test_a_type_that_parquet_cannot_keep_is_refused_by_name_c3(warehouse: Warehouse, kind: str) -> None:
    with pytest.raises(DataRefused, match="'odd' has type"):
        warehouse.create(write(), f"SELECT CAST(NULL AS {kind}) AS odd")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("sum(n)", "INT64"),  # a HUGEINT, which DuckDB would write as DOUBLE
        ("NULL", "INT64"),
        ("'a'::ENUM('a', 'b')", "STRING"),
        ("'101'::BIT", "STRING"),
        ("[sum(n), NULL]", "ARRAY<INT64>"),
        ("{'a': sum(n), 'b': [NULL]}", "STRUCT(a BIGINT, b BIGINT[])"),
        ("MAP {'k': sum(n)}", "MAP(VARCHAR, BIGINT)"),
        ("TIMESTAMP_S '2026-01-15 00:00:00'", "DATETIME"),
        ("uuid()", "UUID"),
        ("1::SMALLINT", "SMALLINT"),
        ("1.50::DECIMAL(6,2)", "DECIMAL(6,2)"),
    ],
)
def test_the_recorded_type_is_the_one_that_readers_get(warehouse: Warehouse, value: str, kind: str) -> None:
    written = warehouse.create(write(), f"SELECT {value} AS v FROM (SELECT 7 AS n)")
    assert written.partition.columns[1].type == kind
    relation = warehouse.partition_sql("people", [DAY])
    assert warehouse.describe(f"SELECT v FROM {relation}") == written.partition.columns[1:]
    nothing = warehouse.partition_sql("people", [NEXT])
    assert warehouse.describe(f"SELECT v FROM {nothing}") == written.partition.columns[1:]


def test_values_that_do_not_fit_name_their_column(warehouse: Warehouse) -> None:
    huge = "170141183460469231731687303715884105727"
    with pytest.raises(DataRefused, match=f"'total': expected INT64, got {huge}"):
        warehouse.create(write(), f"SELECT {huge}::HUGEINT AS total")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_hosts_time_zone_is_never_read(tmp_path: Path, zone: str) -> None:
    found = run_python(
        """
        import os, time
        os.environ["TZ"] = sys.argv[2]
        time.tzset()
        from concurrent.futures import ThreadPoolExecutor
        from augury.testing.warehouse_rows import rows
        from tests.contract.test_duckdb_warehouse import opened
        w = opened(root)
        sql = "SELECT CAST(CAST(TIMESTAMPTZ '2026-01-15 00:00:00+00' AS TIMESTAMP) AS VARCHAR) AS t"
        print(rows(w, sql))
        with ThreadPoolExecutor(1) as pool:
            print(pool.submit(rows, w, sql).result())
        """,
        tmp_path,
        zone,
    )
    assert found.stdout.split() == ["[{'t':", "'2026-01-15", "00:00:00'}]"] * 2


def test_sql_steps_never_leave_the_engine_e2(tmp_path: Path) -> None:
    """Nothing that could hold their rows is even loaded."""
    found = run_python(
        """
        from datetime import date
        from augury.warehouses.contract import Write
        from augury.warehouses.duckdb import DuckDBWarehouse
        w = DuckDBWarehouse.open(root, "dev", project="shop", deployment="", target="dev", project_root=root,
                                 output_root=None, threads=None, memory=None)
        day = date(2026, 1, 15)
        w.create(Write("prepare", day, "r", "f", unique=("i",)), "SELECT i FROM range(100000) AS t(i)")
        w.create(Write("staging", day, "r", "f"), "SELECT * FROM " + w.partition_sql("prepare", [day]))
        w.publish("staging", day, Write("predictions", day, "r", "f"))
        print(sorted({"pyarrow", "pandas", "numpy", "sqlglot"} & set(sys.modules)))
        """,
        tmp_path,
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")
