"""How does what the service remembers lie in the database? Columns are called like the fields of their record."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Float, Index, Integer, Table

from augury.ledger.columns import JsonMap, MaybeJsonMap, TaskStateText, UtcTime, key, may, metadata, must, of_run

queue = Table(
    "queue",
    metadata,
    key("run_id", of_run()),
    key("task"),
    must("pipeline"),
    must("version"),
    must("day", Date),
    must("step"),
    must("priority", Integer),
    must("requested", Boolean),
    must("position", Integer),
    must("state", TaskStateText),
    must("attempt", Integer),
    must("failures", Integer),
    must("starts", Integer),
    must("enqueued_at", UtcTime),
    must("not_before", UtcTime),
    must("polled_at", UtcTime),
    may("expires_at", UtcTime),
    may("released_at", UtcTime),
    must("worker"),
    must("reason"),
    must("facts", JsonMap),
    Index("queue_by_state", "state"),
    Index("queue_by_date", "pipeline", "version", "day"),
)

operations = Table(
    "operations",
    metadata,
    key("run_id", of_run()),
    key("task"),
    key("step"),
    must("name"),
    must("poll"),
    must("every", Float),
    must("due_at", UtcTime),
    must("deadline", UtcTime),
    must("state", JsonMap),
    may("result", MaybeJsonMap),
    Index("operations_by_name", "name"),
)

workers = Table(
    "workers",
    metadata,
    key("name"),
    must("host"),
    must("pid", Integer),
    must("concurrency", Integer),
    must("started_at", UtcTime),
    must("heartbeat_at", UtcTime),
    must("stopping", Boolean),
)

schedules = Table(
    "schedules",
    metadata,
    key("pipeline"),
    key("version"),
    key("kind"),
    may("handled", Date),
    may("reached", Date),
    may("looked", UtcTime),
)

pauses = Table("pauses", metadata, key("pipeline"), must("since", UtcTime), must("who"))

releases = Table(
    "releases",
    metadata,
    must("pipeline"),
    must("version"),
    must("step"),
    must("priority", Integer),
    must("at", UtcTime),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Index("releases_by_time", "at"),
)
