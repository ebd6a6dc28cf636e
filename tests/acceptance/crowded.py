"""The project that acceptance tests disturb: every rule that makes dates wait for one another, and no model."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.cli_runner import called, rows, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, tiny

ALL = ("--start", "2024-01-05", "--end", "2024-01-26")
DATES = 21
LOOK_BACK = """\
select customer_id from {{ ref('prepare') }}
where customer_id in (select customer_id from {{ history('prepare', days=5) }}) or {{ run_date }} < date '2024-01-07'
"""
ACTIVE = """\
select customer_id, count(*) as visits, sum(amount) as spent
from {{ source('orders') }}
where customer_id % 12 <> day({{ run_date }}) % 12
group by customer_id
"""
WORTH = """\
select customer_id, visits, spent * {{ var('factor') }} as worth, {{ var('factor') }} as factor
from {{ ref('prepare') }} join {{ ref('filter') }} using (customer_id)
"""
TABLES = ("v1_prepare", "v1_filter", "v1_predictions_staging", "v1_predictions", "archive")


def crowded(root: Path) -> Shop:
    """`visits` with a filter that looks back; checks that read what is published would make dates wait in turn."""
    shop = tiny(root)
    shop.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, retention: 0d}")
    return shop.pipeline(
        "visits",
        "end: 2024-02-09\n",
        start="2024-01-05",
        prepare=ACTIVE,
        filter=LOOK_BACK,
        post_process=WORTH,
        validation="select count(*) > 0 as somebody, count(distinct factor) = 1 as one_factor from {{ staging() }}",
    )


def contents(shop: Shop, pipeline: str = "visits", tables: tuple[str, ...] = TABLES) -> dict[str, list[dict[str, Any]]]:
    """Every table of the pipeline, apart from which run made a row, and when."""
    return {
        table: [
            {name: value for name, value in row.items() if name not in ("run_id", "predicted_at")}
            for row in rows(f"select * from {pipeline}_{table} order by all", shop.root)
        ]
        for table in tables
    }


def runs(shop: Shop) -> list[dict[str, Any]]:
    """The latest runs, newest first, as somebody sees them who asks now."""
    answer = worked(called("runs", "--limit", "3", "--output", "json", folder=shop.root))
    found: list[dict[str, Any]] = answer.document["runs"]
    return found


def whole(shop: Shop) -> None:
    """What is published now is whole: each date is of one run, with one factor and all its rows."""
    found = rows(
        "select run_date as d, count(*) as n, count(distinct run_id) as runs, count(distinct factor) as factors "
        "from visits_v1_predictions group by 1 having runs <> 1 or factors <> 1 or n <> 11",
        shop.root,
    )
    assert not found, found


def at_work(shop: Shop) -> set[str]:
    """The runs whose process says that it lives."""
    return {path.name for path in (shop.root / NAMESPACE / "_locks").glob("run-*.lock")}


def began(shop: Shop, before: set[str], process: Any, seconds: float = 60) -> bool:
    """Wait until a new run is at work; False where its process ended first."""
    deadline = time.monotonic() + seconds
    while not at_work(shop) - before:
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "the run did not begin"
        time.sleep(0.005)
    return True


def owner_of(shop: Shop, lock: str) -> int:
    return int(json.loads((shop.root / NAMESPACE / "_locks" / lock).read_text())["pid"])
