"""What does the ledger remember? One frozen value per kind of row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Status(StrEnum):
    """How a date, a step or a run ended. Nothing stays `running` after its process died."""

    QUEUED = "queued"
    """The service will do it."""
    RUNNING = "running"
    """Its process is alive."""
    SUCCEEDED = "succeeded"
    """Done; a date is published."""
    SKIPPED_EMPTY = "skipped: empty"
    """The source had no rows."""
    SKIPPED_MISSING = "skipped: missing"
    """There is no source yet."""
    SKIPPED_NO_POPULATION = "skipped: no population"
    """Nobody passed the filter."""
    HELD = "held"
    """A check or a gate said no; the last good partition stays."""
    REFUSED = "refused"
    """A limit was reached before publishing."""
    FAILED = "failed"
    """Something that was tried went wrong; the last good partition stays."""
    BLOCKED = "blocked"
    """Something that it needs failed, was held by another run or was not built."""
    LOCKED = "locked"
    """Another run owns it."""
    EXPIRED = "expired"
    """Waited longer than it was allowed to."""
    CANCELLED = "cancelled"
    """A person stopped it."""
    CRASHED = "crashed"
    """Its process died."""

    @property
    def complete(self) -> bool:
        """Counts as done for whoever waits for it: succeeded or skipped."""
        return self is Status.SUCCEEDED or self.value.startswith("skipped")


FOREGROUND = "foreground"
"""Origin of a run that one process performs by itself."""


@dataclass(frozen=True)
class RunRecord:
    run_id: str
    pipeline: str
    version: str
    target: str
    command: str
    """As typed, secrets masked."""
    first_date: date | None
    last_date: date | None
    """Both included."""
    status: Status
    started_at: datetime
    host: str
    pid: int
    user: str
    augury_version: str
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """Requested dates by status."""
    peak_memory: int | None = None
    """Bytes."""
    detail: str = ""
    origin: str = FOREGROUND
    """Who performs it: a process of its own, or the service, for a `schedule` or a person's `submit`."""


@dataclass(frozen=True)
class StepRecord:
    run_id: str
    task: str
    """Key of the task, e.g. `1998-01-15` or `train 1998-01-01`."""
    pipeline: str
    version: str
    run_date: date
    step: str
    attempt: int
    status: Status
    started_at: datetime
    seconds: float
    reason: str = ""
    """Why the plan had it."""
    table: str = ""
    rows: int | None = None
    bytes: int | None = None
    fingerprint: str = ""
    model_version: int | None = None
    detail: str = ""
    """One line: the error, the failing checks, the duplicates dropped."""


@dataclass(frozen=True)
class DateRecord:
    """The latest outcome of a run date."""

    pipeline: str
    version: str
    run_date: date
    status: Status
    run_id: str
    updated_at: datetime
    rows: int | None = None
    model_version: int | None = None
    data_date: date | None = None
    """The last local day that its data covers: run date - lag - 1."""
    detail: str = ""
    told_at: datetime | None = None
    """When the project's hook was told, or that nobody had to be; None while a call is owed."""


@dataclass(frozen=True)
class PartitionRecord:
    """What a partition was built from. Its data lies in the warehouse."""

    table: str
    run_date: date
    pipeline: str
    version: str
    step: str
    status: Status
    """succeeded or one of the skipped ones."""
    fingerprint: str
    """Of everything that decides the content: definition, bounds and inputs."""
    definition: str
    """Fingerprint of the definition alone (a key of `definitions`)."""
    run_id: str
    rows: int
    built_at: datetime
    probe: int = 0
    """The latest source probe that the build could see."""
    generation: int = 0
    """The probe whose late data the build took in; part of the fingerprint."""
    model_version: int | None = None


@dataclass(frozen=True)
class ModelRecord:
    """One trained model. Its verdict is never decided again."""

    pipeline: str
    version: str
    number: int
    """`model_version` on every row: 1, 2, ... per pipeline and version."""
    tick: date
    cutoff: datetime
    trained_at: datetime
    run_id: str
    type: str
    label: str
    passed: bool
    verdict: str
    """Why the gate let it pass or not, in one line."""
    fingerprint: str
    folder: str
    sha256: str
    """Of the model card, which holds those of the files."""
    seed: int
    rows: int
    dates: int
    """Training dates."""
    snapshot: str
    """Fingerprint of the training set."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Metric to {mean, std, folds}."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Reference name to the SHA-256 of the version it learned from."""
    features: tuple[str, ...] = ()
    note: str = ""
    told_at: datetime | None = None
    """As of a date: None while a call of `on_trained` is owed."""


@dataclass(frozen=True)
class Decision:
    """Something a person decided: promote, rollback, set-version, accept, clean, copy, reset."""

    at: datetime
    who: str
    host: str
    action: str
    pipeline: str
    version: str
    subject: str
    """A model version, a pipeline version, a check, a table."""
    effective_from: date | None = None
    """For promote and rollback: the first run date that it counts for."""
    detail: str = ""
    id: int | None = None


@dataclass(frozen=True)
class SourceDay:
    """One event day of a source at its latest probe."""

    source: str
    day: date
    rows: int
    digest: str
    changed_in: int
    """The probe that first saw these rows. Probes count 1, 2, ... over all sources together."""


@dataclass(frozen=True)
class SourceProbe:
    source: str
    number: int
    signature: str
    probed_at: datetime


@dataclass(frozen=True)
class Definition:
    """The text behind a definition's fingerprint, kept so that a plan can say which line changed."""

    fingerprint: str
    file: str
    text: str
