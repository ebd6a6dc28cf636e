"""What if a source has a header and no rows, or NULL where it promised a value?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import DataRefused
from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.warehouses.contract import Bounds, Warehouse
from tests.contract.duckdb_room import EVERYTHING, opened, parquet, seen, source, state, utc

JANUARY_2 = Bounds(utc(2026, 1, 2), utc(2026, 1, 3), None)


def required(**fields: str) -> SourceSpec:
    return SourceSpec(columns={"id": Column(type="INT64", required=True), "day": Column(type="DATE")}, **fields)


def without_value(warehouse: Warehouse, spec: SourceSpec, bounds: Bounds = EVERYTHING) -> int:
    return sum(each.rows for each in warehouse.nulls(spec, state(warehouse, spec), bounds, "UTC"))


# -- a header alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["id,day\n", "id,day", "\ufeffid;day\r\n"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_header_alone_has_no_types_and_no_rows_a7(tmp_path: Path, text: str, read_only: bool) -> None:
    (tmp_path / "o.csv").write_text(text, encoding="utf-8", newline="")
    warehouse = opened(tmp_path, read_only=read_only)
    spec = source(path="o.csv", event_time="day")
    for _ in range(2):  # found out, then remembered
        known = state(warehouse, spec)
        assert [column.name for column in known.columns] == ["id", "day"]
        assert not known.typed
    assert warehouse.probe(spec, known, "UTC") == ()
    assert seen(warehouse, spec, JANUARY_2) == []
    with pytest.raises(DataRefused, match="no column 'dya'"):
        warehouse.source_state(source(path="o.csv", event_time="dya"))
    warehouse.close()


def test_what_is_remembered_of_a_header_holds_in_another_process(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("id,day\n")
    spec = source(path="o.csv", event_time="day")
    assert not state(warehouse, spec).typed
    other = opened(tmp_path)
    assert not state(other, spec).typed
    other.close()


def test_declared_columns_or_one_row_give_types_a7(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("id,day\n")
    declared = source(path="o.csv", event_time="day", columns={"id": "INT64", "day": "DATE"})
    assert state(warehouse, declared).typed
    assert seen(warehouse, declared, JANUARY_2) == []
    half = source(path="o.csv", event_time="day", columns={"day": "DATE"})
    assert not state(warehouse, half).typed
    (tmp_path / "o.csv").write_text("id,day\n1,2026-01-02\n")
    assert state(warehouse, source(path="o.csv", event_time="day")).typed
    (tmp_path / "texts_20260101.csv").write_text("name\nann\n")
    assert state(warehouse, source(path="texts_{date}.csv")).typed


def test_a_header_among_files_with_rows_has_their_types(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "o_20260101.csv").write_text("id,day\n")
    (tmp_path / "o_20260102.csv").write_text("id,day\n1,2026-01-02\n")
    spec = source(path="o_{date}.csv", event_time="day")
    assert state(warehouse, spec).typed
    assert seen(warehouse, spec, JANUARY_2) == [1]
    assert seen(warehouse, spec, Bounds(utc(2025, 12, 31), utc(2026, 1, 1), None)) == []


# -- NULL where a value was promised ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_only_the_shards_of_a_date_are_held_against_required_columns(
    warehouse: Warehouse, tmp_path: Path, kind: str
) -> None:
    for day, number in ((1, "1"), (2, ""), (3, "3")):
        name = tmp_path / f"o_2026010{day}.{kind}"
        if kind == "csv":
            name.write_text(f"id,day\n{number},2026-01-0{day}\n7,2026-01-0{day}\n")
        else:
            parquet(name, f"SELECT {number or 'NULL::BIGINT'}::BIGINT AS id, DATE '2026-01-0{day}' AS day")
    spec = required(path=f"o_{{date}}.{kind}")
    for _ in range(2):
        assert without_value(warehouse, spec, Bounds(utc(2026, 1, 1), utc(2026, 1, 2), None)) == 0
        assert without_value(warehouse, spec, JANUARY_2) == 1
        assert without_value(warehouse, spec, Bounds(utc(2026, 1, 3), utc(2026, 1, 4), None)) == 0
        assert without_value(warehouse, spec) == 1


def test_a_csv_that_lacks_a_required_column_lacks_each_of_its_values(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "o_20260101.csv").write_text("day\n2026-01-01\n2026-01-01\n")
    (tmp_path / "o_20260102.csv").write_text("id,day\n1,2026-01-02\n")
    spec = required(path="o_{date}.csv")
    assert without_value(warehouse, spec, JANUARY_2) == 0
    assert without_value(warehouse, spec) == 2
    assert seen(warehouse, spec, Bounds(utc(2026, 1, 1), utc(2026, 1, 2), None))[0].year == 2026


def test_any_name_of_a_column_can_be_required(warehouse: Warehouse, tmp_path: Path) -> None:
    parquet(
        tmp_path / "o.parquet", """SELECT i AS "a""b; --", DATE '2026-01-01' AS day FROM (VALUES (1), (NULL)) t(i)"""
    )
    spec = SourceSpec(path="o.parquet", event_time="day", columns={'A"b; --': Column(type="INT64", required=True)})
    assert without_value(warehouse, spec) == 1
