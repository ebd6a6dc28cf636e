"""A small shop, and a way to type commands in it: for tests of the command line."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.cli.main import main

PROJECT = """\
name: shop
timezone: UTC
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: INT64, ordered_at: DATE, amount: FLOAT64}
targets: {dev: {path: .augury}, prod: {path: .augury}}
"""
PIPELINE = """\
entity: customer_id
horizon: 7d
start: 2024-01-01
end: 2024-05-01
model:
  type: linear_reg
  label: spent
  missing_label: zero
  train: {schedule: "0 0 1 * *", every: 7d, window: 60d, folds: 2}
  gate: {mean_absolute_error: "<= 1000"}
"""
PREPARE = """\
select customer_id, count(*) as orders, sum(amount) as total
from {{ source('orders') }} group by customer_id
"""
LABEL = "select customer_id, sum(amount) as spent from {{ outcome('orders') }} group by customer_id\n"
VALIDATION = "select count(*) > 0 as anyone, min(predicted_spent) > -1000 as not_absurd from {{ staging() }}\n"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shop:
    """A project in a folder, and what typing a command in it answers."""

    folder: Path
    capsys: pytest.CaptureFixture[str] | None = None

    def type(self, *words: str) -> Answer:
        assert self.capsys is not None
        self.capsys.readouterr()
        with contextlib.chdir(self.folder):
            code = main(list(words))
        return Answer(code, *self.capsys.readouterr())

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    @property
    def files(self) -> set[str]:
        """Everything below the project, as paths."""
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}


def orders(customers: int = 20, days: int = 120) -> str:
    """Each customer buys every few days, the amount growing with the customer's number."""
    first = date(2024, 1, 1)
    rows = [
        f"{customer},{first + timedelta(days=day)},{customer * 1.5 + day % 3}"
        for day in range(days)
        for customer in range(1, customers + 1)
        if (day + customer) % 4 == 0
    ]
    return "\n".join(["customer_id,ordered_at,amount", *rows, ""])


def make_shop(folder: Path, capsys: pytest.CaptureFixture[str] | None = None) -> Shop:
    shop = Shop(folder, capsys)
    shop.write("augury.yml", PROJECT)
    shop.write("data/orders.csv", orders())
    for name, text in (
        ("pipeline.yml", PIPELINE),
        ("prepare.sql", PREPARE),
        ("label.sql", LABEL),
        ("validation.sql", VALIDATION),
    ):
        shop.write(f"pipelines/spend/{name}", text)
    return shop
