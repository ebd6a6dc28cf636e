"""What do the subjects of the ledger share? The database, and nothing else."""

from __future__ import annotations

from augury.ledger.database import Database


class Part:
    """Verbs about one subject. A ledger is all of them over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
