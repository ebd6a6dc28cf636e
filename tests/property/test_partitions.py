"""Whatever is written, in whatever order: what is read is what was last written, nothing more and nothing less."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from augury.dates import Cutoffs, day_bound, naive_bound
from augury.names import quote
from augury.testing.warehouse_rows import DAY, live, rows, stream, write
from augury.warehouses.contract import Warehouse
from augury.warehouses.duckdb.literals import literal
from tests.contract.duckdb_room import opened

DAYS = [DAY + timedelta(days=n) for n in range(3)]
TABLES = ("staging", "predictions")
hostile = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One namespace for all examples of a property, each of which writes what it reads."""
    warehouse = opened(tmp_path_factory.mktemp("shared"))
    yield warehouse
    warehouse.close()


@given(hostile)
def test_any_text_survives_as_a_literal(shared: Warehouse, text: str) -> None:
    written = literal(text)
    assert "\n" not in written
    assert rows(shared, f"SELECT {written} AS v, 1 AS intact") == [{"v": text, "intact": 1}]


@given(st.lists(hostile, min_size=1, max_size=4, unique_by=str.casefold), st.booleans())
def test_any_column_names_survive_every_way_of_writing(shared: Warehouse, names: list[str], streamed: bool) -> None:
    names = [name for name in names if name.casefold() != "run_date"] or ["a"]
    values = {name: n for n, name in enumerate(names)}
    job = write("hostile", unique=(names[0],))
    if streamed:
        shared.load(job, stream(pa.table({name: [n] for name, n in values.items()})))
    else:
        shared.create(job, "SELECT " + ", ".join(f"{n} AS {quote(name)}" for name, n in values.items()))
    assert live(shared, "hostile") == [{"run_date": DAY, **values}]
    empty = shared.partition_sql("hostile", [date(1990, 1, 1)])
    assert [column.name for column in shared.describe(f"SELECT * FROM {empty}")] == ["run_date", *names]


@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        max_size=20,
    ),
    st.integers(1, 7),
)
def test_integers_with_nulls_come_back_exactly(shared: Warehouse, values: list[int | None], batch_rows: int) -> None:
    shared.load(write("numbers"), stream(pa.table({"v": pa.array(values, pa.int64())}), batch_rows))
    found = [row["v"] for row in rows(shared, f"SELECT v FROM {shared.partition_sql('numbers', [DAY])}")]
    assert found == values


zones = st.sampled_from(
    ["UTC", "Europe/Madrid", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)


@given(zones, st.dates(date(2000, 1, 1), date(2035, 1, 1)), st.integers(0, 5 * 86_400))
def test_an_event_belongs_to_exactly_one_day_in_every_type_of_time(zone: str, first: date, seconds: int) -> None:
    """Neither gap nor overlap: of six days around it, exactly one holds the event."""
    cutoffs = Cutoffs(ZoneInfo(zone))
    edges = [cutoffs.of(first + timedelta(days=n)) for n in range(7)]
    instant = edges[0] + timedelta(seconds=min(seconds, int((edges[-1] - edges[0]).total_seconds()) - 1))
    local = instant.astimezone(ZoneInfo(zone))
    tests = [
        [edge <= instant for edge in edges],
        [naive_bound(edge, ZoneInfo(zone)) <= local.replace(tzinfo=None) for edge in edges],
        [day_bound(edge, ZoneInfo(zone)) <= local.date() for edge in edges],
    ]
    for reached in tests:
        assert reached == sorted(reached, reverse=True)
        assert sum(reached) in range(1, 8)
    assert sum(tests[0]) == sum(tests[2])


class Namespace(RuleBasedStateMachine):
    """A namespace against a dictionary: any order of writes, publishing, removals, sweeps and restarts."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.warehouse = opened(Path(self.folder.name))
        self.expected: dict[tuple[str, date], list[int]] = {}
        self.runs = 0

    def job(self, table: str, day: date, **more: Any) -> Any:
        self.runs += 1
        return write(table, day, f"run_{self.runs // 2}", **more)

    @rule(day=st.sampled_from(DAYS), values=st.lists(st.integers(0, 9), max_size=5))
    def create(self, day: date, values: list[int]) -> None:
        listed = f"unnest([{', '.join(map(str, values))}]::BIGINT[])"
        self.warehouse.create(self.job("staging", day), f"SELECT {listed} AS customer_id")
        self.expected["staging", day] = values

    @rule(day=st.sampled_from(DAYS), values=st.lists(st.integers(0, 9), min_size=1, max_size=5))
    def load_unique(self, day: date, values: list[int]) -> None:
        job = self.job("staging", day, unique=("customer_id",), drop_duplicates=True)
        done = self.warehouse.load(job, stream(pa.table({"customer_id": values})))
        assert done.duplicates_dropped == len(values) - len(set(values))
        self.expected["staging", day] = list(set(values))

    @rule(day=st.sampled_from(DAYS))
    def publish(self, day: date) -> None:
        if ("staging", day) in self.expected:
            self.warehouse.publish("staging", day, self.job("predictions", day))
            self.expected["predictions", day] = self.expected["staging", day]

    @rule(table=st.sampled_from(TABLES), day=st.sampled_from(DAYS))
    def remove(self, table: str, day: date) -> None:
        assert self.warehouse.remove(table, day) is (self.expected.pop((table, day), None) is not None)

    @rule()
    def sweep(self) -> None:
        self.warehouse.sweep(datetime.now(UTC) + timedelta(days=1))
        kept = list(Path(self.folder.name).glob("dev/*/run_date=*/*.parquet"))
        assert len(kept) == len(self.expected)

    @rule()
    def restart(self) -> None:
        self.warehouse.close()
        self.warehouse = opened(Path(self.folder.name))

    @invariant()
    def what_is_read_is_what_was_written(self) -> None:
        for table in TABLES:
            days = [day for day in DAYS if (table, day) in self.expected]
            assert list(self.warehouse.partitions(table)) == days
            for day in days:
                found = [row["customer_id"] for row in live(self.warehouse, table, day)]
                assert sorted(found) == sorted(self.expected[table, day])
        fixed = Path(self.folder.name).glob("dev/_latest/predictions/*.parquet")
        assert sorted(path.stem for path in fixed) == [
            str(day) for day in DAYS if ("predictions", day) in self.expected
        ]

    def teardown(self) -> None:
        self.warehouse.close()
        self.folder.cleanup()


TestNamespace = Namespace.TestCase
TestNamespace.settings = settings(stateful_step_count=12)
