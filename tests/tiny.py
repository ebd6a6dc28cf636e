"""What is the smallest shop that can still go wrong in every way? Two pipelines over forty days of orders.

`visits` is SQL alone and takes a moment; `spend` trains a linear model. Files are plain text, so that a test replaces
the one that its story is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

FIRST = date(2024, 1, 1)
DAYS = 40
CUSTOMERS = 12

PROJECT = """\
name: shop
timezone: UTC
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: INT64 REQUIRED, ordered_at: DATE REQUIRED, amount: FLOAT64}
targets:
  dev: {path: .augury}
  prod: {path: .augury, vars: {factor: 3}}
vars: {factor: 2}
"""

VISITS = {
    "pipeline.yml": "entity: customer_id\nstart: 2024-01-05\nend: 2024-02-09\n",
    "prepare.sql": """\
select customer_id, count(*) as visits, sum(amount) as spent
from {{ source('orders') }}
group by customer_id
""",
    "post_process.sql": """\
select customer_id, visits, spent * {{ var('factor') }} as worth
from {{ ref('prepare') }}
""",
    "validation.sql": """\
select count(*) > 0 as somebody, coalesce(max(worth), 0) < 1e9 as plausible
from {{ staging() }}
""",
}

SPEND = {
    "pipeline.yml": """\
entity: customer_id
horizon: 3d
start: 2024-01-05
end: 2024-02-09
model:
  type: linear_reg
  label: spent_next
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 14d, folds: 2, seed: 7}
""",
    "prepare.sql": """\
select customer_id, count(*) as visits, sum(amount) as spent, max(amount) as largest
from {{ source('orders') }}
group by customer_id
""",
    "label.sql": """\
select customer_id, sum(amount) as spent_next
from {{ outcome('orders') }}
group by customer_id
""",
}


def orders(days: int = DAYS, customers: int = CUSTOMERS) -> str:
    """A CSV in which every customer buys each third day, for amounts that repeat every twenty."""
    lines = ["customer_id,ordered_at,amount"]
    for day in range(days):
        for customer in range(1, customers + 1):
            if (day + customer) % 3 == 0:
                lines.append(f"{customer},{FIRST + timedelta(days=day)},{1 + (7 * customer + 3 * day) % 20}.5")
    return "\n".join(lines) + "\n"


def shop(folder: Path, **pipelines: Mapping[str, str]) -> Path:
    """Write the project into `folder`; `visits` alone where no pipeline is given."""
    write(folder, "augury.yml", PROJECT)
    write(folder, "data/orders.csv", orders())
    for name, files in (pipelines or {"visits": VISITS}).items():
        for file, text in files.items():
            write(folder, f"pipelines/{name}/{file}", text)
    return folder


def write(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def edit(folder: Path, file: str, before: str, after: str) -> None:
    """Replace a piece of a file that must be there."""
    text = (folder / file).read_text("utf-8")
    assert before in text, f"{file} does not hold {before!r}"
    write(folder, file, text.replace(before, after))


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its content: equal means that nothing was written.

    Left out is what reading itself leaves: SQLite's shared memory.
    """
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
