"""What becomes of a job, from PENDING to DONE?

BigQuery docs: REST "Job", "Running jobs programmatically" (job ids: a second job of the same id is refused with 409),
"Managing jobs" (cancel).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augury.testing.bigquery.catalog import TableId
from augury.testing.bigquery.faults import FailJob, Faults, Slow
from augury.testing.bigquery.refusals import Refusal, broken, duplicate, missing
from augury.testing.bigquery.requests import etag
from augury.testing.bigquery.schema import Field
from augury.testing.bigquery.store import milliseconds

KINDS = ("query", "load", "copy", "extract")
CANCELLED = "Job execution was cancelled: User requested cancellation"
Perform = Callable[["Job"], None]


@dataclass
class Job:
    """One job. `condition` guards what changes after it was made."""

    project: str
    location: str
    id: str
    kind: str
    body: dict[str, Any]
    """The configuration, as it is shown."""
    file: Path | None = None
    """What a load job was given."""
    created: int = 0
    started: int | None = None
    ended: int | None = None
    state: str = "PENDING"
    error: Refusal | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    result: TableId | None = None
    """Where the rows of a query are."""
    partition: str | None = None
    """The one partition of it that holds them, as decorators are written."""
    fields: tuple[Field, ...] | None = None
    affected: int | None = None
    cursors: list[Any] = field(default_factory=list)
    """What to interrupt when somebody cancels."""
    polls: int = 0
    held_until_polls: int = 0
    cancelled: bool = False
    condition: threading.Condition = field(default_factory=threading.Condition)

    @property
    def config(self) -> dict[str, Any]:
        """The part of the configuration that belongs to the kind."""
        found: dict[str, Any] = self.body[self.kind]
        return found

    @property
    def dry(self) -> bool:
        return self.body.get("dryRun") is True

    def poll(self) -> None:
        """Somebody asks how the job is."""
        with self.condition:
            self.polls += 1
            self.condition.notify_all()

    def wait(self, seconds: float) -> bool:
        """Whether the job is over, after at most so long; at once where it is held for more polls."""
        with self.condition:
            self.condition.wait_for(lambda: self.state == "DONE" or self.polls < self.held_until_polls, seconds)
            return self.state == "DONE"

    def cancel(self) -> None:
        with self.condition:
            self.cancelled = True
            cursors = list(self.cursors)
            self.condition.notify_all()
        for cursor in cursors:
            cursor.interrupt()

    def working_with(self, cursor: Any) -> None:
        """Remember what a cancellation has to interrupt."""
        with self.condition:
            self.cursors.append(cursor)
            if self.cancelled:
                raise Refusal("stopped", CANCELLED)

    def reference(self) -> dict[str, str]:
        return {"projectId": self.project, "jobId": self.id, "location": self.location}

    def shown(self) -> dict[str, Any]:
        with self.condition:
            status: dict[str, Any] = {"state": self.state}
            if self.error is not None:
                status |= {"errorResult": self.error.proto(), "errors": [self.error.proto()]}
            times = {"creationTime": self.created, "startTime": self.started, "endTime": self.ended}
            return {
                "kind": "bigquery#job",
                "etag": etag(self.project, self.location, self.id, self.state),
                "id": f"{self.project}:{self.location}.{self.id}",
                "jobReference": self.reference(),
                "configuration": self.body,
                "status": status,
                "statistics": {**{k: str(v) for k, v in times.items() if v is not None}, **self.statistics},
                "user_email": "anonymous@augury.test",
            }


class Jobs:
    """All jobs of a server. Safe to use from several threads."""

    def __init__(self, faults: Faults) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str, str], Job] = {}
        self._faults = faults
        self._threads: list[threading.Thread] = []

    def submit(
        self,
        project: str,
        location: str,
        name: str | None,
        body: Mapping[str, Any],
        kind: str,
        file: Path | None,
        perform: Perform,
    ) -> Job:
        """Begin a job; a name that is taken is refused."""
        job_id = name or f"job_{secrets.token_urlsafe(20)}"
        job = Job(project, location, job_id, kind, {**body, "jobType": kind.upper()}, file, created=milliseconds())
        with self._lock:
            if (project, location, job_id) in self._jobs:
                raise duplicate("Job", f"{project}:{location}.{job_id}")
            self._jobs[(project, location, job_id)] = job
            fault = self._faults.begin(job_id)
            if isinstance(fault, Slow):
                job.held_until_polls = fault.polls
            thread = threading.Thread(target=self._run, args=(job, perform, fault), name=f"job {job_id}", daemon=True)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return job

    def _run(self, job: Job, perform: Perform, fault: Slow | FailJob | None) -> None:
        with job.condition:
            job.state, job.started = "RUNNING", milliseconds()
        try:
            _held(job, fault)
            if job.cancelled:
                raise Refusal("stopped", CANCELLED)
            if isinstance(fault, FailJob):
                raise Refusal(fault.reason, fault.message)
            perform(job)
            error = None
        except Refusal as refusal:
            error = refusal
        except Exception as trouble:  # noqa: BLE001 - whatever went wrong is the job's error, as in the service
            error = broken(trouble)
        if error is not None and job.cancelled:
            error = Refusal("stopped", CANCELLED)
        with job.condition:
            job.error, job.state, job.ended = error, "DONE", milliseconds()
            job.cursors.clear()
            job.condition.notify_all()
        if job.file is not None:
            job.file.unlink(missing_ok=True)

    def get(self, project: str, name: str, location: str | None) -> Job:
        """Without a location a job is looked for in the US and the EU (BigQuery docs: REST "jobs.get")."""
        with self._lock:
            for place in (location,) if location else ("US", "EU"):
                if (project, place, name) in self._jobs:
                    return self._jobs[(project, place, name)]
        raise missing("Job", f"{project}:{location + '.' if location else ''}{name}")

    def of(self, project: str) -> list[Job]:
        """Newest first."""
        with self._lock:
            return [one for one in reversed(self._jobs.values()) if one.project == project]

    def forget(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop((job.project, job.location, job.id), None)

    def stop(self, seconds: float = 20.0) -> None:
        """Cancel what runs and wait for it."""
        with self._lock:
            jobs, threads = list(self._jobs.values()), list(self._threads)
        for job in jobs:
            if job.state != "DONE":
                job.cancel()
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _held(job: Job, fault: Slow | FailJob | None) -> None:
    if not isinstance(fault, Slow):
        return
    with job.condition:
        if fault.polls:
            job.condition.wait_for(lambda: job.cancelled or job.polls >= fault.polls)
        if fault.seconds:
            job.condition.wait_for(lambda: job.cancelled, fault.seconds)
