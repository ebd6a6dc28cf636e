"""What does Alembic run the scripts with? The connection that `upgrade` was called with."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,  # SQLite changes a table by building it anew
    transaction_per_migration=False,
)
context.run_migrations()
