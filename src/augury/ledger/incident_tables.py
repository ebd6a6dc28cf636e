"""How do incidents and the messages about them lie in the database? Columns are called like the fields of records."""

from __future__ import annotations

from sqlalchemy import Boolean, Index, Integer, Table

from augury.ledger.columns import JsonMap, JsonNames, UtcTime, key, may, metadata, must

incidents = Table(
    "incidents",
    metadata,
    key("pipeline"),
    key("version"),
    key("family"),
    must("number", Integer),
    must("revision", Integer),
    must("opened_at", UtcTime),
    must("told_at", UtcTime),
    must("told", Integer),
    must("subjects", JsonNames),
    must("detail"),
    may("run_id"),
    may("closed_at", UtcTime),
)

notices = Table(
    "notices",
    metadata,
    key("id"),
    must("notifier"),
    must("message", JsonMap),
    must("created_at", UtcTime),
    must("not_before", UtcTime),
    must("attempts", Integer),
    may("sent_at", UtcTime),
    must("given_up", Boolean),
    must("error"),
    Index("notices_by_sent", "sent_at", "given_up"),
)
