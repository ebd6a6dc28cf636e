"""What the durable service remembers: its queue, its workers, and how far schedules were served."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _must(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def _may(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def upgrade() -> None:
    op.add_column("runs", sa.Column("origin", sa.Text(), nullable=False, server_default="foreground"))
    _queue()
    op.create_table(
        "operations",
        _must("run_id"),
        _must("task"),
        _must("step"),
        _must("name"),
        _must("poll"),
        _must("every", sa.Float),
        _must("due_at"),
        _must("deadline"),
        _must("state"),
        _may("result"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "task", "step"),
    )
    op.create_index("operations_by_name", "operations", ["name"])
    op.create_table(
        "workers",
        _must("name"),
        _must("host"),
        _must("pid", sa.Integer),
        _must("concurrency", sa.Integer),
        _must("started_at"),
        _must("heartbeat_at"),
        _must("stopping", sa.Boolean),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schedules",
        _must("pipeline"),
        _must("version"),
        _must("kind"),
        _may("handled", sa.Date),
        _may("reached", sa.Date),
        _may("looked"),
        sa.PrimaryKeyConstraint("pipeline", "version", "kind"),
    )
    op.create_table(
        "pauses",
        _must("pipeline"),
        _must("since"),
        _must("who"),
        sa.PrimaryKeyConstraint("pipeline"),
    )
    op.create_table(
        "releases",
        _must("pipeline"),
        _must("version"),
        _must("step"),
        _must("priority", sa.Integer),
        _must("at"),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("releases_by_time", "releases", ["at"])


def _queue() -> None:
    op.create_table(
        "queue",
        _must("run_id"),
        _must("task"),
        _must("pipeline"),
        _must("version"),
        _must("day", sa.Date),
        _must("step"),
        _must("priority", sa.Integer),
        _must("requested", sa.Boolean),
        _must("position", sa.Integer),
        _must("state"),
        _must("attempt", sa.Integer),
        _must("failures", sa.Integer),
        _must("starts", sa.Integer),
        _must("enqueued_at"),
        _must("not_before"),
        _must("polled_at"),
        _may("expires_at"),
        _may("released_at"),
        _must("worker"),
        _must("reason"),
        _must("facts"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "task"),
    )
    op.create_index("queue_by_state", "queue", ["state"])
    op.create_index("queue_by_date", "queue", ["pipeline", "version", "day"])
