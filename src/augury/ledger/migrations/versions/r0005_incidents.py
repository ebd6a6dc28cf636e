"""What went wrong and is not well yet, and the messages about it; dates are found by how they ended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _must(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def _may(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def upgrade() -> None:
    op.create_table(
        "incidents",
        _must("pipeline"),
        _must("version"),
        _must("family"),
        _must("number", sa.Integer),
        _must("revision", sa.Integer),
        _must("opened_at"),
        _must("told_at"),
        _must("told", sa.Integer),
        _must("subjects"),
        _must("detail"),
        _may("run_id"),
        _may("closed_at"),
        sa.PrimaryKeyConstraint("pipeline", "version", "family"),
    )
    op.create_table(
        "notices",
        _must("id"),
        _must("notifier"),
        _must("message"),
        _must("created_at"),
        _must("not_before"),
        _must("attempts", sa.Integer),
        _may("sent_at"),
        _must("given_up", sa.Boolean),
        _must("error"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notices_by_sent", "notices", ["sent_at", "given_up"])
    op.create_index("dates_by_status", "dates", ["status"])
