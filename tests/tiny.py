"""What is the smallest shop that can still go wrong in every way? Two pipelines over forty days of orders.

`visits` is SQL alone and takes a moment; `spend` trains a linear model. A test replaces the file that its story is
about.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

from tests.projects import Order, Shop

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

FEATURES = """\
select customer_id, count(*) as visits, sum(amount) as spent
from {{ source('orders') }}
group by customer_id
"""
WORTH = """\
select customer_id, visits, spent * {{ var('factor') }} as worth
from {{ ref('prepare') }}
"""
CHECKS = """\
select count(*) > 0 as somebody, coalesce(max(worth), 0) < 1e9 as plausible
from {{ staging() }}
"""
LABEL = """\
select customer_id, sum(amount) as spent_next
from {{ outcome('orders') }}
group by customer_id
"""
LEARNING = """\
horizon: 3d
end: 2024-02-09
model:
  type: linear_reg
  label: spent_next
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 14d, folds: 2, seed: 7}
"""

VISITS, SPEND = "pipelines/visits", "pipelines/spend"
NAMESPACE, PROD = Path(".augury/dev"), Path(".augury/prod")
RUN = ("run", "visits", "--date", "2024-01-13")


def orders(days: int = DAYS, customers: int = CUSTOMERS) -> list[Order]:
    """Every customer buys each third day, for amounts that repeat every twenty."""
    return [
        (str(customer), str(FIRST + timedelta(days=at)), 1.5 + (7 * customer + 3 * at) % 20)
        for at in range(days)
        for customer in range(1, customers + 1)
        if (at + customer) % 3 == 0
    ]


def tiny(root: Path, *, visits: bool = True, spend: bool = False) -> Shop:
    """The files of the project; nothing has run yet."""
    shop = Shop.at(root, PROJECT).orders(*orders())
    if visits:
        shop.pipeline(
            "visits",
            "end: 2024-02-09\n",
            start="2024-01-05",
            prepare=FEATURES,
            post_process=WORTH,
            validation=CHECKS,
        )
    if spend:
        shop.pipeline("spend", LEARNING, start="2024-01-05", prepare=FEATURES, label=LABEL)
    return shop


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its content: equal means that nothing was written.

    Left out is what reading itself leaves: SQLite's shared memory, and what was learned about a CSV.
    """
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal")) and path.parent.name != "_sources"
    }


def data(folder: Path) -> dict[str, str]:
    """The partitions below a folder, pointers included: what readers of any table may see."""
    return {name: digest for name, digest in everything(folder).items() if "run_date=" in name or "_latest/" in name}
