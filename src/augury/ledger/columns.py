"""Of which kinds are the ledger's columns?

Types are chosen for SQLite and PostgreSQL alike: times are ISO text in UTC of one length, which sorts by time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from augury.ledger.queue_records import TaskState
from augury.ledger.records import Status

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


class TaskStateText(TypeDecorator[TaskState]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: TaskState | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> TaskState | None:
        return None if value is None else TaskState(value)


class JsonMap(TypeDecorator[Mapping[str, Any]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str:
        return json.dumps(value or {}, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(value or "{}")
        return found


class MaybeJsonMap(TypeDecorator[Mapping[str, Any]]):
    """A mapping, or nothing at all, which is not the empty one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(dict(value), sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        found: dict[str, Any] | None = None if value is None else json.loads(value)
        return found


class JsonNames(TypeDecorator[tuple[str, ...]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return json.dumps(list(value or ()))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(json.loads(value or "[]"))


def key(name: str, *extra: Any, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, *extra, primary_key=True, autoincrement=False)


def must(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def may(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def of_run() -> ForeignKey:
    return ForeignKey("runs.run_id", ondelete="CASCADE")


metadata = MetaData()
"""Every table of the ledger but Alembic's own."""
