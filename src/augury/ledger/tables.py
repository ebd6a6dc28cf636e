"""How do the records lie in the database?

Columns are called like the fields of their record, in the same order, so that one function turns rows into
records. A change here needs a script in `migrations/versions` and its number in `HEAD`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

import augury.ledger.incident_tables
import augury.ledger.queue_tables  # noqa: F401  so that whoever makes the tables makes those as well
from augury.ledger.columns import JsonMap, JsonNames, StatusText, UtcTime, key, may, metadata, must, of_run

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every schema that this augury can read or bring up to date, oldest first."""
HEAD = REVISIONS[-1]

runs = Table(
    "runs",
    metadata,
    key("run_id"),
    must("pipeline"),
    must("version"),
    must("target"),
    must("command"),
    may("first_date", Date),
    may("last_date", Date),
    must("status", StatusText),
    must("started_at", UtcTime),
    must("host"),
    must("pid", BigInteger),
    must("user"),
    must("augury_version"),
    may("finished_at", UtcTime),
    must("counts", JsonMap),
    may("peak_memory", BigInteger),
    must("detail"),
    Column("origin", Text, nullable=False, server_default="foreground"),
    Index("runs_by_time", "started_at"),
    Index("runs_by_status", "status"),
)

plans = Table("plans", metadata, key("run_id", of_run()), must("plan"))

tasks = Table(
    "tasks",
    metadata,
    key("run_id", of_run()),
    key("task"),
    must("pipeline"),
    must("version"),
    may("run_date", Date),
    must("attempt", Integer),
    must("status", StatusText),
    must("started_at", UtcTime),
)

steps = Table(
    "steps",
    metadata,
    key("run_id", of_run()),
    key("task"),
    must("pipeline"),
    must("version"),
    key("run_date", kind=Date),
    key("step"),
    key("attempt", kind=Integer),
    must("status", StatusText),
    must("started_at", UtcTime),
    must("seconds", Float),
    must("reason"),
    must("table"),
    may("rows", BigInteger),
    may("bytes", BigInteger),
    must("fingerprint"),
    may("model_version", Integer),
    must("detail"),
    must("position", Integer),
    Index("steps_by_date", "pipeline", "run_date"),
)
"""`position` is the place of a step in its task; it is no field of the record."""

dates = Table(
    "dates",
    metadata,
    key("pipeline"),
    key("version"),
    key("run_date", kind=Date),
    must("status", StatusText),
    must("run_id"),
    must("updated_at", UtcTime),
    may("rows", BigInteger),
    may("model_version", Integer),
    may("data_date", Date),
    must("detail"),
    may("told_at", UtcTime),
    Index("dates_by_status", "status"),
)

partitions = Table(
    "partitions",
    metadata,
    key("table"),
    key("run_date", kind=Date),
    must("pipeline"),
    must("version"),
    must("step"),
    must("status", StatusText),
    must("fingerprint"),
    must("definition"),
    must("run_id"),
    must("rows", BigInteger),
    must("built_at", UtcTime),
    must("probe", BigInteger),
    must("generation", BigInteger),
    may("model_version", Integer),
    Index("partitions_by_pipeline", "pipeline", "version"),
)

definitions = Table("definitions", metadata, key("fingerprint"), must("file"), must("text"))

models = Table(
    "models",
    metadata,
    key("pipeline"),
    key("version"),
    key("number", kind=Integer),
    must("tick", Date),
    must("cutoff", UtcTime),
    must("trained_at", UtcTime),
    must("run_id"),
    must("type"),
    must("label"),
    must("passed", Boolean),
    must("verdict"),
    must("fingerprint"),
    must("folder"),
    must("sha256"),
    must("seed", BigInteger),
    must("rows", BigInteger),
    must("dates", BigInteger),
    must("snapshot"),
    must("metrics", JsonMap),
    must("references", JsonMap),
    must("features", JsonNames),
    must("note"),
    may("told_at", UtcTime),
)

decisions = Table(
    "decisions",
    metadata,
    must("at", UtcTime),
    must("who"),
    must("host"),
    must("action"),
    must("pipeline"),
    must("version"),
    must("subject"),
    may("effective_from", Date),
    must("detail"),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Index("decisions_by_pipeline", "pipeline", "version"),
)

source_probes = Table(
    "source_probes",
    metadata,
    must("source"),
    key("number", kind=BigInteger),
    must("signature"),
    must("probed_at", UtcTime),
    Index("probes_by_source", "source", "number"),
)

source_days = Table(
    "source_days",
    metadata,
    key("source"),
    key("day", kind=Date),
    must("rows", BigInteger),
    must("digest"),
    must("changed_in", BigInteger),
)

leases = Table(
    "leases",
    metadata,
    key("name"),
    must("owner"),
    must("token", BigInteger),
    must("expires_at", UtcTime),
    must("info"),
)

schema_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, read and written here so that an up-to-date ledger opens without importing Alembic."""
