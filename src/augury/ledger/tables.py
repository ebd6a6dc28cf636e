"""How do the records lie in the database?

Columns are called like the fields of their record, in the same order, so that one function turns rows into
records. Types are chosen for SQLite and PostgreSQL alike: times are ISO text in UTC of one length, which
sorts by time. A change here needs a script in `migrations/versions` and its number in `HEAD`; a test compares
the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from augury.ledger.records import Status

REVISIONS = ("0001",)
"""Every schema that this augury can read or bring up to date, oldest first."""
HEAD = REVISIONS[-1]

_STATUS = {status.value: status for status in Status}


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as `2026-01-15T06:00:00.000000+00:00`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: times in the ledger are UTC")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class StatusText(TypeDecorator[Status]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Status | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Status | None:
        return None if value is None else _STATUS[value]


class JsonMap(TypeDecorator[Mapping[str, Any]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str:
        return json.dumps(value or {}, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(value or "{}")
        return found


class JsonNames(TypeDecorator[tuple[str, ...]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return json.dumps(list(value or ()))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(json.loads(value or "[]"))


def _key(name: str, *extra: Any, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, *extra, primary_key=True, autoincrement=False)


def _must(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _may(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _run() -> ForeignKey:
    return ForeignKey("runs.run_id", ondelete="CASCADE")


metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    _key("run_id"),
    _must("pipeline"),
    _must("version"),
    _must("target"),
    _must("command"),
    _may("first_date", Date),
    _may("last_date", Date),
    _must("status", StatusText),
    _must("started_at", UtcTime),
    _must("host"),
    _must("pid", BigInteger),
    _must("user"),
    _must("augury_version"),
    _may("finished_at", UtcTime),
    _must("counts", JsonMap),
    _may("peak_memory", BigInteger),
    _must("detail"),
    Index("runs_by_time", "started_at"),
    Index("runs_by_status", "status"),
)

plans = Table("plans", metadata, _key("run_id", _run()), _must("plan"))

tasks = Table(
    "tasks",
    metadata,
    _key("run_id", _run()),
    _key("task"),
    _must("pipeline"),
    _must("version"),
    _may("run_date", Date),
    _must("attempt", Integer),
    _must("status", StatusText),
    _must("started_at", UtcTime),
)

steps = Table(
    "steps",
    metadata,
    _key("run_id", _run()),
    _key("task"),
    _must("pipeline"),
    _must("version"),
    _key("run_date", kind=Date),
    _key("step"),
    _key("attempt", kind=Integer),
    _must("status", StatusText),
    _must("started_at", UtcTime),
    _must("seconds", Float),
    _must("reason"),
    _must("table"),
    _may("rows", BigInteger),
    _may("bytes", BigInteger),
    _must("fingerprint"),
    _may("model_version", Integer),
    _must("detail"),
    _must("position", Integer),
    Index("steps_by_date", "pipeline", "run_date"),
)
"""`position` is the place of a step in its task; it is no field of the record."""

dates = Table(
    "dates",
    metadata,
    _key("pipeline"),
    _key("version"),
    _key("run_date", kind=Date),
    _must("status", StatusText),
    _must("run_id"),
    _must("updated_at", UtcTime),
    _may("rows", BigInteger),
    _may("model_version", Integer),
    _may("data_date", Date),
    _must("detail"),
)

partitions = Table(
    "partitions",
    metadata,
    _key("table"),
    _key("run_date", kind=Date),
    _must("pipeline"),
    _must("version"),
    _must("step"),
    _must("status", StatusText),
    _must("fingerprint"),
    _must("definition"),
    _must("run_id"),
    _must("rows", BigInteger),
    _must("built_at", UtcTime),
    _must("probe", BigInteger),
    _must("generation", BigInteger),
    _may("model_version", Integer),
    Index("partitions_by_pipeline", "pipeline", "version"),
)

definitions = Table("definitions", metadata, _key("fingerprint"), _must("file"), _must("text"))

models = Table(
    "models",
    metadata,
    _key("pipeline"),
    _key("version"),
    _key("number", kind=Integer),
    _must("tick", Date),
    _must("cutoff", UtcTime),
    _must("trained_at", UtcTime),
    _must("run_id"),
    _must("type"),
    _must("label"),
    _must("passed", Boolean),
    _must("verdict"),
    _must("fingerprint"),
    _must("folder"),
    _must("sha256"),
    _must("seed", BigInteger),
    _must("rows", BigInteger),
    _must("dates", BigInteger),
    _must("snapshot"),
    _must("metrics", JsonMap),
    _must("references", JsonMap),
    _must("features", JsonNames),
    _must("note"),
)

decisions = Table(
    "decisions",
    metadata,
    _must("at", UtcTime),
    _must("who"),
    _must("host"),
    _must("action"),
    _must("pipeline"),
    _must("version"),
    _must("subject"),
    _may("effective_from", Date),
    _must("detail"),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Index("decisions_by_pipeline", "pipeline", "version"),
)

source_probes = Table(
    "source_probes",
    metadata,
    _must("source"),
    _key("number", kind=BigInteger),
    _must("signature"),
    _must("probed_at", UtcTime),
    Index("probes_by_source", "source", "number"),
)

source_days = Table(
    "source_days",
    metadata,
    _key("source"),
    _key("day", kind=Date),
    _must("rows", BigInteger),
    _must("digest"),
    _must("changed_in", BigInteger),
)

schema_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, read and written here so that an up-to-date ledger opens without importing Alembic."""
