"""The ledger: where is it opened, and what can be asked of it?

    ledger = Ledger.open(folder / "_ledger.db")      # or Ledger.connect("postgresql://...", "shop", "prod")
    ledger.begin_run(run, plan.to_json())

Each verb is one transaction. A ledger may be used by several threads, and by any number of processes at once.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from augury.ledger import sqlite
from augury.ledger.decisions import Decisions
from augury.ledger.incidents import Incidents
from augury.ledger.leases import Leases
from augury.ledger.models import Models
from augury.ledger.operations import Operations
from augury.ledger.partitions import Partitions
from augury.ledger.queue import Queue
from augury.ledger.runs import Runs
from augury.ledger.service import Service
from augury.ledger.sources import Sources
from augury.ledger.tasks import Tasks
from augury.ledger.told import Told


class Ledger(Runs, Tasks, Partitions, Models, Decisions, Sources, Queue, Operations, Service, Leases, Told, Incidents):
    """Runs, tasks, partitions, models, decisions, sources, leases, incidents and the queue of the service over one
    database."""

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """The ledger in a SQLite file, brought up to date if an older augury wrote it.

        An absent file is made; with `create=False` nothing is, and the ledger is an empty one in memory.
        Raises StorageFailed (not writable, damaged, not a ledger) and CannotStart (written by a newer
        augury).
        """
        return cls(sqlite.open_file(path, create=create))

    @classmethod
    def connect(cls, url: str, project: str, namespace: str, *, create: bool = True) -> Self:
        """The ledger of one namespace of one project at a `postgresql://` address, brought up to date if an older
        augury wrote it.

        An absent one is made; with `create=False` nothing is, and the ledger is an empty one in memory.
        Raises StorageFailed (not to be reached, not to be written), CannotStart (written by a newer augury) and
        PluginError (its driver is not installed).
        """
        from augury.ledger import postgres

        found = postgres.open_database(url, project, namespace, create=create)
        return cls(found or sqlite.open_memory())

    @classmethod
    def absent(cls) -> Self:
        """An empty ledger in memory: what a project without one has. Also the fake for tests."""
        return cls(sqlite.open_memory())

    @property
    def place(self) -> str:
        """The file or the address, for messages; never with a password."""
        return self._database.place

    @property
    def may_write(self) -> bool:
        """This user has the right to."""
        return self._database.may_write

    @property
    def shared(self) -> bool:
        """Whether processes on several machines may use it: a database server, not a file."""
        return self._database.engine.dialect.name != "sqlite"

    def close(self) -> None:
        """Hand file or connections back; of a file, the last one to do so folds the log into it."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
