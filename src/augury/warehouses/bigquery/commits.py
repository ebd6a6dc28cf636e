"""How does a partition change, so that everybody knows later what was done? Intent, job, outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from augury.fences import Fence
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names, pacing, partitions, refusals
from augury.warehouses.bigquery.fences import TAKEN, Fences, fenced
from augury.warehouses.bigquery.jobs import ATTEMPTS, DONE, Jobs
from augury.warehouses.bigquery.journal import Journal
from augury.warehouses.bigquery.partitions import INTENT, Partitions
from augury.warehouses.bigquery.records import Entry

Begin = Callable[[str, Mapping[str, str]], Any]
"""Send the job with this id and these labels."""


@dataclass(frozen=True)
class Change:
    """One change of a partition, a table or a view."""

    intent: Entry
    """Without the id of its job."""
    begin: Begin
    place: BigQueryPlace
    fence: Fence | None = None
    max_bytes: int | None = None
    partitioned: bool = True
    """The job changes a partition of its table, and not a table as a whole."""


class Commits:
    """Performs the changes of one namespace."""

    def __init__(
        self,
        jobs: Jobs,
        journal: Journal,
        found: Partitions,
        fences: Fences,
        *,
        namespace: str,
        clock: Callable[[], datetime],
        pace: pacing.Pace | None,
    ) -> None:
        self._jobs = jobs
        self._journal = journal
        self._partitions = found
        self._fences = fences
        self._namespace = namespace
        self._clock = clock
        self._pace = pace

    def perform(self, change: Change) -> Entry:
        """The change as it was recorded. Raises ours; the partition is then as it was."""
        for attempt in range(1, ATTEMPTS + 1):
            intent = self._intended(change)
            self._journal.mine.add(intent.job_id)
            try:
                done = self._attempt(change, intent)
            except refusals.ours() as error:
                if attempt == ATTEMPTS or not refusals.passing(error):
                    raise refusals.of(error, limit=change.max_bytes, who=change.place.impersonate or "") from error
                self._jobs.pause(attempt)
            else:
                if done is not None:
                    return done
            finally:
                self._journal.mine.discard(intent.job_id)
        raise partitions.unlucky(change.intent)

    def forget(self, live: Iterable[Entry]) -> None:
        """Write down that these partitions are no more, where what held them was removed."""
        now = self._clock()
        gone = [
            replace(
                entry,
                kind="done",
                action="remove",
                job_id=f"none_{names.fresh_id()}_0",
                rows=0,
                created_at=now,
                # By the same clock as what it ends, which may be ahead of ours.
                ended_at=max(now.timestamp(), entry.ended_at + 0.001),
                id=names.fresh_id(),
            )
            for entry in live
        ]
        if gone:
            self._journal.append(gone)

    def pass_fence(self, fence: Fence | None) -> None:
        """Raise Fenced where somebody else owns the lock by now; for what changes nothing."""
        self._fences.check(fence)

    def _intended(self, change: Change) -> Entry:
        one = change.intent
        with self._journal.lock:
            before = self._journal.known.attempts(one.table, one.day, one.run_id, one.fingerprint)
        return replace(
            one,
            kind="intent",
            job_id=names.job_id(self._namespace, one.table, one.day, one.run_id, one.fingerprint, before + 1),
            project=change.place.project or "",
            location=change.place.location or "",
            lock=change.fence.name if change.fence else "",
            token=change.fence.token if change.fence else 0,
            created_at=self._clock(),
            noted_at=time.time(),
            id=names.fresh_id(),
        )

    def _attempt(self, change: Change, intent: Entry) -> Entry | None:
        """None where the id of the job belongs to another intent."""
        self._journal.append([intent])
        try:
            self._fences.check(change.fence)
        except BaseException:
            self._journal.later([intent.ended("failed")])
            raise
        if self._pace is not None:
            most = pacing.PARTITIONS if change.partitioned else pacing.TABLE
            self._pace.pass_through(change.intent.target, most)
        labels = {INTENT: partitions.label_of(intent)}
        try:
            job = self._jobs.submit(change.place, intent.job_id, lambda: change.begin(intent.job_id, labels))
        except refusals.ours() as error:
            if not refusals.passing(error):
                # It was refused before there was a job.
                self._journal.later([intent.ended("failed")])
            raise refusals.of(error, limit=change.max_bytes, who=change.place.impersonate or "") from error
        if job.labels.get(INTENT) != partitions.label_of(intent):
            if job.labels.get(INTENT) == TAKEN:
                self._journal.later([intent.ended("failed")])
                raise fenced(intent.lock)
            return None
        try:
            self._jobs.wait(job)
        finally:
            if job.state == DONE:
                done = self._partitions.over(intent, job)
                self._journal.later([done])
        return done
