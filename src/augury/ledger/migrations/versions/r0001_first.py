"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _must(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def _may(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _of_run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE")


def upgrade() -> None:
    _runs()
    _results()
    _models_and_decisions()
    _sources()


def _runs() -> None:
    op.create_table(
        "runs",
        _must("run_id"),
        _must("pipeline"),
        _must("version"),
        _must("target"),
        _must("command"),
        _may("first_date", sa.Date),
        _may("last_date", sa.Date),
        _must("status"),
        _must("started_at"),
        _must("host"),
        _must("pid", sa.BigInteger),
        _must("user"),
        _must("augury_version"),
        _may("finished_at"),
        _must("counts"),
        _may("peak_memory", sa.BigInteger),
        _must("detail"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("runs_by_time", "runs", ["started_at"])
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_table("plans", _must("run_id"), _must("plan"), sa.PrimaryKeyConstraint("run_id"), _of_run())
    op.create_table(
        "tasks",
        _must("run_id"),
        _must("task"),
        _must("pipeline"),
        _must("version"),
        _may("run_date", sa.Date),
        _must("attempt", sa.Integer),
        _must("status"),
        _must("started_at"),
        sa.PrimaryKeyConstraint("run_id", "task"),
        _of_run(),
    )
    op.create_table(
        "steps",
        _must("run_id"),
        _must("task"),
        _must("pipeline"),
        _must("version"),
        _must("run_date", sa.Date),
        _must("step"),
        _must("attempt", sa.Integer),
        _must("status"),
        _must("started_at"),
        _must("seconds", sa.Float),
        _must("reason"),
        _must("table"),
        _may("rows", sa.BigInteger),
        _may("bytes", sa.BigInteger),
        _must("fingerprint"),
        _may("model_version", sa.Integer),
        _must("detail"),
        _must("position", sa.Integer),
        sa.PrimaryKeyConstraint("run_id", "task", "run_date", "step", "attempt"),
        _of_run(),
    )
    op.create_index("steps_by_date", "steps", ["pipeline", "run_date"])


def _results() -> None:
    op.create_table(
        "dates",
        _must("pipeline"),
        _must("version"),
        _must("run_date", sa.Date),
        _must("status"),
        _must("run_id"),
        _must("updated_at"),
        _may("rows", sa.BigInteger),
        _may("model_version", sa.Integer),
        _may("data_date", sa.Date),
        _must("detail"),
        sa.PrimaryKeyConstraint("pipeline", "version", "run_date"),
    )
    op.create_table(
        "partitions",
        _must("table"),
        _must("run_date", sa.Date),
        _must("pipeline"),
        _must("version"),
        _must("step"),
        _must("status"),
        _must("fingerprint"),
        _must("definition"),
        _must("run_id"),
        _must("rows", sa.BigInteger),
        _must("built_at"),
        _must("probe", sa.BigInteger),
        _must("generation", sa.BigInteger),
        _may("model_version", sa.Integer),
        sa.PrimaryKeyConstraint("table", "run_date"),
    )
    op.create_index("partitions_by_pipeline", "partitions", ["pipeline", "version"])
    op.create_table(
        "definitions",
        _must("fingerprint"),
        _must("file"),
        _must("text"),
        sa.PrimaryKeyConstraint("fingerprint"),
    )


def _models_and_decisions() -> None:
    op.create_table(
        "models",
        _must("pipeline"),
        _must("version"),
        _must("number", sa.Integer),
        _must("tick", sa.Date),
        _must("cutoff"),
        _must("trained_at"),
        _must("run_id"),
        _must("type"),
        _must("label"),
        _must("passed", sa.Boolean),
        _must("verdict"),
        _must("fingerprint"),
        _must("folder"),
        _must("sha256"),
        _must("seed", sa.BigInteger),
        _must("rows", sa.BigInteger),
        _must("dates", sa.BigInteger),
        _must("snapshot"),
        _must("metrics"),
        _must("references"),
        _must("features"),
        _must("note"),
        sa.PrimaryKeyConstraint("pipeline", "version", "number"),
    )
    op.create_table(
        "decisions",
        _must("at"),
        _must("who"),
        _must("host"),
        _must("action"),
        _must("pipeline"),
        _must("version"),
        _must("subject"),
        _may("effective_from", sa.Date),
        _must("detail"),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("decisions_by_pipeline", "decisions", ["pipeline", "version"])


def _sources() -> None:
    op.create_table(
        "source_probes",
        _must("source"),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        _must("signature"),
        _must("probed_at"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("probes_by_source", "source_probes", ["source", "number"])
    op.create_table(
        "source_days",
        _must("source"),
        _must("day", sa.Date),
        _must("rows", sa.BigInteger),
        _must("digest"),
        _must("changed_in", sa.BigInteger),
        sa.PrimaryKeyConstraint("source", "day"),
    )
