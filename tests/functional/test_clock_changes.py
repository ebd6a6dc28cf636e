"""Windows on the days on which the clock changes: every row in exactly one, whatever its times look like (S-2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.projects import Shop, day, outcomes

PROJECT = """\
name: shop
timezone: {zone}
sources:
  orders: {{path: data/orders.parquet, event_time: ordered_at}}
"""
CHANGES = [
    ("Europe/Madrid", "2026-03-29"),
    ("Europe/Madrid", "2026-10-25"),
    ("America/Sao_Paulo", "2018-11-04"),  # begins at 01:00
    ("America/Sao_Paulo", "2018-02-17"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Pacific/Apia", "2011-12-30"),  # a day that does not exist
]
EXTRACT = "select *, {{ previous_cutoff }} as begins, {{ cutoff }} as ends from {{ window('orders') }}"
COUNTED = "select customer_id, count(*) as n from {{ ref('extract') }} group by 1"


def half_hours(zone: str, changes: str) -> list[datetime]:
    """Instants around a change of the clock, in UTC."""
    middle = datetime.combine(day(changes), datetime.min.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return [middle + timedelta(minutes=30 * at) for at in range(-72, 120)]


def shop_with(root: Path, zone: str, changes: str, times: list[datetime]) -> Shop:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shop = Shop.at(root, PROJECT.format(zone=zone))
    (root / "data").mkdir()
    ids = [f"c{at:03}" for at in range(len(times))]
    pq.write_table(pa.table({"customer_id": ids, "ordered_at": times}), root / "data/orders.parquet")
    start = str(day(changes) - timedelta(days=1))
    return shop.pipeline(start=start, extract=EXTRACT, prepare=COUNTED)


@pytest.mark.parametrize("naive", [False, True], ids=["instants", "wall times"])
@pytest.mark.parametrize(("zone", "changes"), CHANGES)
def test_every_row_lies_in_exactly_one_window(tmp_path: Path, zone: str, changes: str, naive: bool) -> None:
    instants = half_hours(zone, changes)
    times = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in instants] if naive else instants
    shop = shop_with(tmp_path / "shop", zone, changes, times)
    shop.now = instants[-1] + timedelta(days=9)
    first = day(changes) - timedelta(days=1)
    result = shop.run("ltv", str(first), str(first + timedelta(days=5)))
    assert set(outcomes(result).values()) <= {"succeeded", "skipped: empty"}
    rows = shop.query("select customer_id, begins, ends from ltv_v1_extract order by customer_id")
    assert len({row["customer_id"] for row in rows}) == len(rows)
    bounds = sorted({(row["begins"], row["ends"]) for row in rows})
    assert all(end <= begin for (_, end), (begin, _) in pairwise(bounds))
    happened = {f"c{at:03}": instant for at, instant in enumerate(instants)}
    covered = [name for name, at in happened.items() if bounds[0][0] <= at < bounds[-1][1]]
    # A wall time that comes twice may wait for its second pass, but is never lost nor known too early.
    found = {row["customer_id"] for row in rows}
    assert all(happened[row["customer_id"]] < row["ends"] for row in rows)
    if naive:
        assert all(bounds[-1][1] - happened[name] <= timedelta(hours=2) for name in set(covered) - found)
    else:
        assert found == set(covered)
