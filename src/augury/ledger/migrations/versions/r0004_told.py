"""Which outcomes the project's hooks have been told of; of what is there already, all of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, at in (("dates", "updated_at"), ("models", "trained_at")):
        op.add_column(table, sa.Column("told_at", sa.Text(), nullable=True))
        columns = sa.table(table, sa.column("told_at"), sa.column(at))
        op.execute(columns.update().values(told_at=columns.c[at]))
