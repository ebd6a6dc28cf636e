"""A small project on disk, told in a few lines: what is in it, what is asked of it, and what came out.

    shop = Shop.at(tmp_path).orders(("ann", "2026-01-01", 10))
    shop.pipeline("ltv", prepare="select customer_id, ... from {{ source('orders') }} group by all")
    shop.run("ltv", "2026-01-03")
    assert shop.published("ltv", "2026-01-03") == [...]

Every action opens the project anew, as every command does, at the instant that `now` says.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

from augury.dates import DateRange
from augury.events import Event, Listener
from augury.ledger.records import DateRecord, ModelRecord, PartitionRecord, RunRecord, Status, StepRecord
from augury.plan.steps import Plan
from augury.project import Project
from augury.run.outcome import RunResult
from augury.service.inspecting import Waiting
from augury.service.submit import Submission

AUGURY = """\
name: shop
sources:
  orders: {path: data/orders.csv, event_time: ordered_at}
"""
SPENT = """\
select customer_id, count(*) as orders, sum(amount) as spent
from {{ source('orders') }}
group by customer_id
"""
"""Features that need nothing but orders."""
REVENUE = """\
select customer_id, sum(amount) as revenue
from {{ outcome('orders') }}
group by customer_id
"""

BOOKKEEPING = ("run_date", "run_id", "version", "model_version", "model_rule", "predicted_at")
"""Columns that augury adds to published rows."""

Order = tuple[str, str, float]
"""Customer, day, amount."""


def day(text: str) -> date:
    return date.fromisoformat(text)


def days(start: str, end: str) -> tuple[date, ...]:
    """From `start` to `end`, which is excluded."""
    first = day(start)
    return tuple(first + timedelta(days=at) for at in range((day(end) - first).days))


def within(start: str, end: str | None = None) -> DateRange:
    """One date, or those up to `end`, which is excluded."""
    return DateRange(day(start), day(end)) if end else DateRange.one(day(start))


class Files(ABC):
    """The files of a project, told in few words; a subclass says where they are kept."""

    @abstractmethod
    def write(self, path: str, text: str) -> Self:
        """The file as it is from now on, its indentation taken off."""

    @abstractmethod
    def text(self, path: str) -> str: ...

    def pipeline(
        self,
        name: str = "ltv",
        settings: str = "",
        *,
        start: str = "2026-01-01",
        version: str | None = None,
        hooks: str | None = None,
        **steps: str,
    ) -> Self:
        """A pipeline of these steps; `settings` is more YAML."""
        folder = f"pipelines/{name}" + (f"/{version}" if version else "")
        self.write(f"{folder}/pipeline.yml", f"entity: customer_id\nstart: {start}\n" + dedent(settings))
        for step, sql in steps.items():
            self.write(f"{folder}/{step}.sql", sql)
        if hooks is not None:
            self.write(f"{folder}/hooks.py", hooks)
        return self

    def edit(self, path: str, old: str, new: str) -> Self:
        text = self.text(path)
        assert old in text
        return self.write(path, text.replace(old, new))


@dataclass
class Shop(Files):
    """A project folder."""

    root: Path
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    """What the clock says; actions take their own time from it."""
    events: list[Event] = field(default_factory=list)
    """What was told while it ran, in order."""
    listeners: list[Listener] = field(default_factory=list)
    """Who hears of it besides."""
    wrap: Callable[[Project], None] = lambda _: None
    """May put something between augury and its warehouse or ledger."""

    @classmethod
    def at(cls, root: Path, augury: str = AUGURY) -> Shop:
        root.mkdir(parents=True, exist_ok=True)
        return cls(root).write("augury.yml", augury)

    # -- what is in it -----------------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> Self:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return self

    def orders(self, *rows: Order, path: str = "data/orders.csv") -> Self:
        """The whole source, as CSV."""
        lines = ["customer_id,ordered_at,amount", *(f"{who},{when},{amount}" for who, when, amount in rows)]
        return self.write(path, "\n".join(lines) + "\n")

    def text(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    # -- what is asked of it -----------------------------------------------------------------------------------

    @contextmanager
    def open(self, *, target: str | None = None, variables: Mapping[str, Any] | None = None) -> Iterator[Project]:
        with Project.open(
            self.root,
            target=target,
            variables=variables,
            environment={},
            clock=lambda: self.now,
            listeners=[self.events.append, *self.listeners],
        ) as project:
            self.wrap(project)
            yield project

    def plan(self, name: str, start: str, end: str | None = None, **options: Any) -> Plan:
        with self.open() as project:
            return project.plan(name, within(start, end), **options)

    def run(self, name: str, start: str, end: str | None = None, **options: Any) -> RunResult:
        """One date, or those up to `end`; one at a time unless `max_parallel` says otherwise."""
        with self.open() as project:
            return project.run(name, within(start, end), **{"max_parallel": 1, **options})

    def train(self, name: str, tick: str, **options: Any) -> RunResult:
        with self.open() as project:
            return project.train(name, day(tick), **options)

    def submit(self, name: str, start: str, end: str | None = None, **options: Any) -> Submission:
        with self.open() as project:
            return project.submit(name, within(start, end), **options)

    def serve(self, *, seconds: float = 60.0, concurrency: int = 2) -> list[str]:
        """Serve until nothing is left to do at this instant; what the service said about itself."""
        said: list[str] = []
        stop = threading.Event()
        watch = threading.Timer(seconds, stop.set)
        watch.start()
        with self.open() as project:
            project.serve(
                stop, concurrency=concurrency, until_idle=True, tell=lambda level, text: said.append(f"{level}: {text}")
            )
        assert watch.is_alive(), f"still at work after {seconds} s: {said}"
        watch.cancel()
        return said

    def serve_until(self, true: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Serve at this instant, until something is true."""
        stop = threading.Event()
        deadline = time.monotonic() + seconds

        def watch() -> None:
            while not stop.wait(0.05):
                if true() or time.monotonic() > deadline:
                    stop.set()

        watching = threading.Thread(target=watch)
        watching.start()
        with self.open() as project:
            project.serve(stop, concurrency=2)
        watching.join()
        assert time.monotonic() < deadline, f"not true after {seconds} s"

    def tasks(self, **asked: Any) -> Sequence[Waiting]:
        with self.open() as project:
            return project.tasks(**asked)

    # -- what came out -----------------------------------------------------------------------------------------

    def query(self, sql: str) -> list[dict[str, Any]]:
        with self.open() as project, project.query(sql) as reader:
            return [row for batch in reader for row in batch.to_pylist()]

    def published(
        self, name: str, start: str, *, version: str = "v1", everything: bool = False
    ) -> list[dict[str, Any]]:
        """What one date published, sorted; without the columns that augury adds unless `everything` is wanted."""
        return self.table(f"{name}_{version}_predictions", start, everything=everything)

    def table(self, table: str, start: str | None = None, *, everything: bool = False) -> list[dict[str, Any]]:
        """The rows of a table, or of one date of it; nothing where it does not exist."""
        where = f" where run_date = '{start}'" if start else ""
        with self.open() as project:
            if not any(each.name == table for each in project._reading.warehouse.tables()):
                return []
            with project.query(f"select * from {table}{where} order by all") as reader:
                rows = reader.read_all().to_pylist()
        hidden = () if everything else BOOKKEEPING if start else BOOKKEEPING[1:]
        return [{name: value for name, value in row.items() if name not in hidden} for row in rows]

    def tables(self) -> Sequence[Any]:
        with self.open() as project:
            return project._reading.warehouse.tables()

    def statuses(self, name: str = "ltv", version: str = "v1") -> dict[str, str]:
        """How every date ended."""
        return {str(at): str(record.status) for at, record in self.dates(name, version).items()}

    def dates(self, name: str = "ltv", version: str = "v1") -> Mapping[date, DateRecord]:
        with self.open() as project:
            return project.dates(name, version)

    def models(self, name: str = "ltv") -> list[ModelRecord]:
        with self.open() as project:
            return project._reading.ledger.models(name)

    def partitions(self, name: str = "ltv", version: str = "v1") -> dict[tuple[str, date], PartitionRecord]:
        with self.open() as project:
            return project._reading.ledger.partitions(name, version)

    def steps(self, run_id: str | None = None) -> list[StepRecord]:
        with self.open() as project:
            return project._reading.ledger.steps(run_id)

    def runs(self) -> Sequence[RunRecord]:
        """Newest first."""
        with self.open() as project:
            return project.runs()

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file of data and every pointer: name to inode and time of change."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in self.root.rglob("*")
            if path.is_file() and ".augury" in path.parts and "run_date=" in str(path)
        }

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """Every partitioned table with its rows, apart from the time and the run at which they were made."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self.open() as project:
            for each in project._reading.warehouse.tables():
                if each.kind == "partitioned" and each.partitions:
                    with project.query(f"select * from {each.name} order by all") as reader:
                        rows = reader.read_all().to_pylist()
                    found[each.name] = [
                        {name: value for name, value in row.items() if name not in ("run_id", "predicted_at")}
                        for row in rows
                    ]
        return found


def steps_of(plan: Plan) -> list[tuple[str, str]]:
    """(step, date) of every planned partition in order; what only follows is left out."""
    return [(step.step, str(step.day)) for step in plan.steps()]


def reasons_of(plan: Plan, step: str) -> dict[str, str]:
    """Why each date of a step is planned."""
    return {
        str(each.day): ": ".join(part for part in (str(each.reason), each.detail) if part)
        for each in plan.steps()
        if each.step == step
    }


def outcomes(result: RunResult) -> dict[str, str]:
    return {str(outcome.run_date): str(outcome.status) for outcome in result.outcomes}


def succeeded(result: RunResult) -> bool:
    return all(outcome.status is Status.SUCCEEDED for outcome in result.outcomes) and not result.failures


def orders_of(customers: Iterable[str], every: Iterable[date], amount: float = 10.0) -> list[Order]:
    """Every customer buys on each of these days."""
    return [(customer, str(when), amount) for when in every for customer in customers]
