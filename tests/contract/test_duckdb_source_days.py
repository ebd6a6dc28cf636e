"""Which rows of a source does a date see, on days of clock changes, in shards, and where they arrived late?"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from augury.dates import Cutoffs
from augury.errors import DataRefused
from augury.warehouses.contract import Bounds, Warehouse
from tests.contract.duckdb_room import EVERYTHING, parquet, seen, source, state, utc


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/Sao_Paulo", "UTC"])
@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("changes", [date(2018, 3, 25), date(2018, 10, 28), date(2018, 2, 18), date(2018, 11, 4)])
def test_days_around_a_clock_change_tile_without_gap_or_overlap(
    warehouse: Warehouse, tmp_path: Path, zone: str, kind: str, changes: date
) -> None:
    """Every row of the week falls between exactly two cutoffs, whatever the type of its time (B9)."""
    first = changes - timedelta(days=3)
    half_hours = f"range(TIMESTAMP '{first}', TIMESTAMP '{first + timedelta(days=7)}', INTERVAL 30 MINUTE)"
    parquet(
        tmp_path / "e.parquet",
        f"SELECT row_number() OVER () AS n, r.range::{kind} AS at FROM {half_hours} AS r",
    )
    spec = source(path="e.parquet", event_time="at")
    cutoffs = Cutoffs(ZoneInfo(zone))
    days = [first + timedelta(days=n) for n in range(-2, 10)]
    found: list[int] = []
    for day, following in pairwise(days):
        bounds = Bounds(cutoffs.of(day), cutoffs.of(following), cutoffs.of(following))
        rows_of_day = seen(warehouse, spec, bounds, zone)
        found += rows_of_day
        assert len(rows_of_day) <= 50
        known = seen(warehouse, spec, Bounds(None, cutoffs.of(following), None), zone)
        assert known == sorted(found)
    assert sorted(found) == list(range(1, 7 * 48 + 1))


def test_known_at_hides_what_arrived_later(warehouse: Warehouse, tmp_path: Path) -> None:
    parquet(
        tmp_path / "o.parquet",
        "SELECT * FROM (VALUES (1, DATE '2026-01-01', TIMESTAMP '2026-01-01 10:00'), "
        "(2, DATE '2026-01-01', TIMESTAMP '2026-01-09 10:00'), (3, DATE '2026-01-01', NULL)) "
        "AS t(id, day, known)",
    )
    spec = source(path="o.parquet", event_time="day", known_at="known")
    noon = utc(2026, 1, 5)
    assert seen(warehouse, spec, Bounds(None, noon, noon)) == [1]
    assert seen(warehouse, spec, Bounds(None, noon, utc(2026, 2, 1))) == [1, 2]


def test_shards_are_pruned_by_day_and_dated_by_it_a4(warehouse: Warehouse, tmp_path: Path) -> None:
    for n in range(1, 10):
        parquet(tmp_path / f"data/ev_2026010{n}.parquet", f"SELECT {n} AS id, DATE '2026-01-0{n}' AS day")
    parquet(tmp_path / "data/ev_20260199.parquet", "SELECT 99 AS id")  # a day that does not exist
    parquet(tmp_path / "data/ev_latest.parquet", "SELECT 98 AS id")
    bounds = Bounds(utc(2026, 1, 3), utc(2026, 1, 5), None)
    for event_time in (None, "day"):
        spec = source(path="data/ev_{date}.parquet", event_time=event_time)
        assert state(warehouse, spec).shards == tuple(date(2026, 1, n) for n in range(1, 10))
        assert seen(warehouse, spec, bounds) == [3, 4]
        assert seen(warehouse, spec, Bounds(None, utc(2025, 1, 1), None)) == []
        relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, "UTC")
        assert "ev_20260108" not in relation


def test_shards_in_another_zone_lose_no_row(warehouse: Warehouse, tmp_path: Path) -> None:
    """A shard cut in UTC holds the first hours of the next day in Madrid."""
    for day in (13, 14, 15):
        parquet(
            tmp_path / f"ev_202601{day}.parquet",
            f"SELECT {day} * 100 + h AS id, TIMESTAMPTZ '2026-01-{day} 00:00+00' + h * INTERVAL 1 HOUR AS at "
            "FROM range(24) AS t(h)",
        )
    cutoffs = Cutoffs(ZoneInfo("Europe/Madrid"))
    spec = source(path="ev_{date}.parquet", event_time="at")
    bounds = Bounds(cutoffs.of(date(2026, 1, 14)), cutoffs.of(date(2026, 1, 15)), None)
    assert seen(warehouse, spec, bounds, "Europe/Madrid") == [1323, *range(1400, 1423)]


def test_a_shard_that_drifted_is_named_before_any_write(warehouse: Warehouse, tmp_path: Path) -> None:
    for n in (1, 2):
        parquet(tmp_path / f"ev_2026010{n}.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    spec = source(path="ev_{date}.parquet", event_time="day", columns={"id": "INT64"})
    before = state(warehouse, spec)
    parquet(tmp_path / "ev_20260103.parquet", "SELECT 'x' AS id, DATE '2026-01-01' AS day")
    with pytest.raises(DataRefused, match=r"ev_20260103\.parquet") as refused:
        warehouse.source_state(spec)
    assert "expected INT64, got STRING" in str(refused.value)
    undeclared = source(path="ev_{date}.parquet", event_time="day")
    assert before.signature != state(warehouse, undeclared).signature
    assert {c.name: c.type for c in state(warehouse, undeclared).columns}["id"] == "STRING"


def test_csv_shards_share_their_types(warehouse: Warehouse, tmp_path: Path) -> None:
    """An empty column of one day must not turn the amounts of all days into text."""
    (tmp_path / "c_20260101.csv").write_text("id,amount\n1,\n")
    (tmp_path / "c_20260102.csv").write_text("id,amount\n2,7\n")
    (tmp_path / "c_20260103.csv").write_text("id,amount\n3,1.5\n")
    spec = source(path="c_{date}.csv")
    for bounds in (EVERYTHING, Bounds(None, utc(2026, 1, 2), None)):
        relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, "UTC")
        assert warehouse.describe(f"SELECT amount FROM {relation}")[0].type == "FLOAT64"


def test_a_probe_finds_the_days_whose_rows_changed(warehouse: Warehouse, tmp_path: Path) -> None:
    values = ["(1, TIMESTAMPTZ '2026-01-01 12:00+00')", "(2, TIMESTAMPTZ '2026-01-01 23:30+00')"]
    late = "(3, TIMESTAMPTZ '2026-01-02 12:00+00')"

    def probed(*chosen: str) -> dict[date, tuple[int, str]]:
        parquet(tmp_path / "o.parquet", f'SELECT * FROM (VALUES {", ".join(chosen)}) AS t(id, "at")')
        spec = source(path="o.parquet", event_time="at")
        found = warehouse.probe(spec, state(warehouse, spec), "Europe/Madrid")
        return {day.day: (day.rows, day.digest) for day in found}

    first, second = date(2026, 1, 1), date(2026, 1, 2)
    before = probed(*values, late)
    assert {day: count for day, (count, _) in before.items()} == {first: 1, second: 2}
    assert probed(late, *reversed(values)) == before
    more = probed(*values, late, late)
    assert more[first] == before[first]
    assert more[second] != before[second]
