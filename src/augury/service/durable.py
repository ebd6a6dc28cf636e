"""Who performs a released task to its end, even where its process dies? DBOS, which is imported here only.

A released task is one workflow, whose id holds run, task and attempt: releasing it twice starts it once. In one process
(SQLite) a workflow is started at once on a thread; with several (PostgreSQL) it goes through a DBOS queue from which
every worker takes what it has threads for. A process that comes back under the name it had goes on with its workflows.
What a workflow does is decided by the ledger: one that was given up there ends without doing anything.

DBOS pickles by default; arguments here are texts and numbers, kept as JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from augury.errors import PluginError, StorageFailed

QUEUE = "augury"
WORKFLOW = "augury_task"
POLL_SECONDS = 0.05
"""How often a worker of several looks for work; one indexed query."""
VERSION = "1"
"""Pinned: by default DBOS hashes the code, and work queued by other code would wait for ever."""
RECOVERIES = 100
"""DBOS gives up after so many deaths; the ledger does so before, and says why."""


@dataclass(frozen=True)
class Released:
    """One attempt of one task, out with the workers."""

    run_id: str
    task: str
    attempt: int

    @property
    def workflow(self) -> str:
        return f"{self.run_id}/{self.task}/{self.attempt}"


Perform = Callable[[Released], None]


class Durable:
    """The one DBOS of this process, from `launch` to `stop`."""

    def __init__(self, url: str, executor: str, *, schema: str, concurrency: int, shared: bool) -> None:
        """`executor` is the name of this process among all that use the database; `shared`: there may be several."""
        self._url = url
        self._executor = executor
        self._schema = schema
        self._concurrency = concurrency
        self._shared = shared
        self._dbos: Any = None
        self._workflow: Any = None

    def launch(self, perform: Perform, *, listen: bool = True) -> None:
        """Open the database, take up what this executor left, and begin to take work.

        Raises PluginError where the library is missing and StorageFailed where the database cannot be used.
        """
        try:
            from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
            from sqlalchemy.exc import SQLAlchemyError
        except ImportError as error:
            raise PluginError(
                "the service needs a library that is not installed", why=str(error), fix="pip install 'augury[service]'"
            ) from error
        _speak_through_logging()
        config: DBOSConfig = {
            "name": "augury",
            "system_database_url": self._url,
            "dbos_system_schema": self._schema,
            "executor_id": self._executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": self._concurrency + 4,
            "log_level": "ERROR",
        }
        try:
            self._dbos = DBOS(config=config)
            self._workflow = DBOS.workflow(name=WORKFLOW, max_recovery_attempts=RECOVERIES)(_workflow_of(perform))
            if not listen:
                DBOS.listen_queues([])
            DBOS.launch()
            if self._shared:
                DBOS.register_queue(
                    QUEUE,
                    worker_concurrency=self._concurrency,
                    polling_interval_sec=POLL_SECONDS,
                    on_conflict="always_update",
                )
        except (SQLAlchemyError, OSError) as error:
            raise StorageFailed(
                "the database of the service cannot be used",
                why=str(getattr(error, "orig", error)).strip(),
                fix="Check that it runs and that this user may write to it." if self._shared else self._mend_file(),
            ) from error

    def _mend_file(self) -> str:
        file = self._url.removeprefix("sqlite:///")
        return (
            f"Check that this user may write {file}. A damaged one: move it away, the ledger knows what is to be done."
        )

    def start(self, released: Released) -> None:
        """Have a released task performed, here or by another worker. Doing it twice starts it once.

        Raises StorageFailed where the database does not take it.
        """
        from dbos import DBOS, SetWorkflowID

        run_id, task, attempt = released.run_id, released.task, released.attempt
        try:
            with SetWorkflowID(released.workflow):
                if self._shared:
                    DBOS.enqueue_workflow(QUEUE, self._workflow, run_id, task, attempt)
                else:
                    DBOS.start_workflow(self._workflow, run_id, task, attempt)
        except Exception as error:
            # Its own errors have no public base, and whatever came, the task holds a slot.
            why = str(getattr(error, "orig", error)).strip()
            raise StorageFailed("a task could not be handed to the workers", why=why) from error

    def give_up(self, released: Iterable[Released]) -> None:
        """Attempts that the ledger gave up shall not be recovered by a process that comes back.

        Raises StorageFailed where the database cannot be used.
        """
        from dbos import DBOS

        ids = [each.workflow for each in released]
        try:
            if ids:
                DBOS.cancel_workflows(ids)
        except Exception as error:
            why = str(getattr(error, "orig", error)).strip()
            raise StorageFailed("attempts that were given up could not be cancelled", why=why) from error

    def tidy(self, keep: int = 1000) -> None:
        """Forget all but the newest finished workflows: the ledger remembers what came of them.

        Raises StorageFailed where the database cannot be used.
        """
        from dbos import DBOS

        try:
            done = DBOS.list_workflows(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                sort_desc=True,
                offset=keep,
                limit=10 * keep,
                load_input=False,
                load_output=False,
            )
            if ids := [each.workflow_id for each in done]:
                DBOS.delete_workflows(ids)
        except Exception as error:
            why = str(getattr(error, "orig", error)).strip()
            raise StorageFailed("old workflows could not be removed", why=why) from error

    def stop(self) -> None:
        """Take nothing more, and wait for nothing."""
        from dbos import DBOS

        if self._dbos is not None:
            DBOS.destroy(destroy_registry=True)
            self._dbos = None


def _workflow_of(perform: Perform) -> Callable[[str, str, int], None]:
    def augury_task(run_id: str, task: str, attempt: int) -> None:
        perform(Released(run_id, task, attempt))

    return augury_task


def _speak_through_logging() -> None:
    """DBOS writes to stderr by itself; here it speaks like every other library."""
    logger = logging.getLogger("dbos")
    logger.addHandler(logging.NullHandler())
    logger.propagate = True
