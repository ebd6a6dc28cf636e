"""May this writer still change a partition, or did somebody take its lock over?

BigQuery has no lock that a writer could hold while its job runs. But a job's id can be taken once only. A writer writes
down its intent, with its token and the id that its job will have, and looks at the tokens after that. A new owner
writes down his token and looks at the intents after that. Whatever the order, one of them sees the other: either the
writer stops, or the new owner takes the id of the writer's job for a query that does nothing, or finds that job there
and waits for its end. So once he is told that he may begin, no job of an older owner can.
"""

from __future__ import annotations

from augury.errors import Fenced, Locked
from augury.fences import Fence
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import refusals
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.journal import Journal
from augury.warehouses.bigquery.partitions import INTENT
from augury.warehouses.bigquery.records import Entry

PATIENCE = 60.0
"""Seconds that a new owner waits for a job that is under way."""
TAKEN = "taken"
"""The intent of a job that took an id away from a writer."""


class Fences:
    """The fences of one namespace."""

    def __init__(self, jobs: Jobs, journal: Journal, place: BigQueryPlace) -> None:
        self._jobs = jobs
        self._journal = journal
        self._place = place

    def check(self, fence: Fence | None) -> None:
        """Raise Fenced where somebody else is the owner by now; asked once the intent can be read."""
        if fence is not None and self._journal.read().token(fence.name) > fence.token:
            raise fenced(fence.name)

    def raise_to(self, fence: Fence) -> None:
        """Refuse every writer with a lower token from now on. Raises Locked where one of them does not end."""
        known = self._journal.read().token(fence.name)
        if known > fence.token:
            raise Fenced(
                f"{fence.name} belongs to another run by now",
                why=f"it came with {known}, this one with {fence.token}; if there is no other run, the ledger was "
                "begun anew by a server whose clock is behind",
            )
        if known < fence.token:
            self._journal.append([Entry("fence", lock=fence.name, token=fence.token)])
        records = self._journal.read()
        with self._journal.lock:
            older = [entry for entry in records.unresolved() if entry.lock == fence.name and entry.token < fence.token]
        for intent in older:
            self.end(intent)

    def end(self, intent: Entry) -> None:
        """When this returns, the job of an intent is over, or can never begin. Raises Locked where it does not end."""
        place = self._place.model_copy(update={"project": intent.project, "location": intent.location or None})
        config = self._jobs.configured(Ask({}, own=True))
        config.labels = {**config.labels, INTENT: TAKEN}
        try:
            job = self._jobs.submit(
                place, intent.job_id, lambda: self._jobs.begin(place, "SELECT 1", config, intent.job_id)
            )
        except refusals.ours() as error:
            raise refusals.of(error) from error
        try:
            self._jobs.wait(job, PATIENCE)
        except TimeoutError:
            raise _stuck(intent) from None
        except refusals.ours():
            # It failed: over as well.
            return


def fenced(lock: str) -> Fenced:
    return Fenced(f"{lock} belongs to another run by now")


def _stuck(intent: Entry) -> Locked:
    error = Locked(f"{intent.lock}: its last owner is in the middle of a write", None)
    error.why = f"its job {intent.job_id} in {intent.project} still runs"
    error.fix = f"Wait for it or cancel it (bq cancel {intent.job_id}), then run the same command again."
    return error
