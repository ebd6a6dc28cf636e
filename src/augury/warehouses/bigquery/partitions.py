"""What is live now, whoever made it, and also where its writer died before it could say so?"""

from __future__ import annotations

from datetime import date
from typing import Any

from augury.errors import StorageFailed
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery.jobs import DONE, Ask, Jobs
from augury.warehouses.bigquery.journal import Journal
from augury.warehouses.bigquery.names import literal, quote
from augury.warehouses.bigquery.projection import RUN_DATE
from augury.warehouses.bigquery.records import Entry, Records

INTENT = "augury_intent"
"""Label of a job: the intent that it belongs to. A job of that id with another one is somebody else's."""


class Partitions:
    """The records of a namespace, with every intent resolved that can be."""

    def __init__(self, jobs: Jobs, journal: Journal, place: BigQueryPlace) -> None:
        self._jobs = jobs
        self._journal = journal
        self._place = place

    def records(self) -> Records:
        found = self._journal.records()
        with self._journal.lock:
            waiting = [entry for entry in found.unresolved() if entry.job_id not in self._journal.mine]
        over = [ended for entry in waiting if (ended := self._resolved(entry)) is not None]
        if over:
            self._journal.later(over)
        return self._journal.known

    def live(self, table: str, day: date | None) -> Entry | None:
        return self.records().live(table, day)

    def _resolved(self, intent: Entry) -> Entry | None:
        """How the job of an intent ended; None where it runs, or may still be sent."""
        job = self._jobs.find(self._place, intent.job_id, intent.project, intent.location or None)
        return self.over(intent, job) if job is not None and job.state == DONE else None

    def over(self, intent: Entry, job: Any) -> Entry:
        """What is written down about a job that is over."""
        ended = (job.ended or job.created).timestamp()
        if job.error_result is not None or job.labels.get(INTENT) != label_of(intent):
            return intent.ended("failed", ended_at=ended)
        if intent.rows >= 0:
            return intent.ended("done", ended_at=ended)
        if job.job_type == "load":
            return intent.ended(
                "done", ended_at=ended, rows=int(job.output_rows or 0), bytes=int(job.output_bytes or 0)
            )
        rows, size = self._measured(intent)
        return intent.ended("done", ended_at=ended, rows=rows, bytes=size)

    def _measured(self, intent: Entry) -> tuple[int, int]:
        """Rows and bytes of what a query wrote: its statistics say what it read."""
        if intent.day is None or intent.sharded:
            client = self._jobs.client(self._place)
            table: Any = self._jobs.asked(lambda: client.get_table(intent.target, retry=None), or_none=True)
            return (int(table.num_rows or 0), int(table.num_bytes or 0)) if table is not None else (0, 0)
        rows = f"FROM {quote(intent.target)} WHERE {RUN_DATE} = {literal(intent.day)}"
        ask = Ask({"augury_step": "journal"}, own=True)
        counted = self._jobs.query(self._place, f"SELECT COUNT(*) AS n {rows}", ask)
        found: Any = self._jobs.asked(lambda: next(iter(counted.result(retry=None)))[0])
        # What reading everything would cost is how large it is, and costs nothing to ask.
        return int(found), int(self._jobs.dry(self._place, f"SELECT * {rows}", ask).total_bytes_processed or 0)


def unlucky(intent: Entry) -> StorageFailed:
    return StorageFailed(
        f"{intent.table}: the ids of its jobs are taken",
        why="another process writes the same partition for the same run",
        fix="Run the same command again when that one is over.",
    )


def label_of(intent: Entry) -> str:
    return intent.id
