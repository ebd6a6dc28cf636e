"""What does the ledger remember of things that went wrong, and of the messages about them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from augury.ledger.records import Status


class IncidentKey(NamedTuple):
    pipeline: str
    version: str
    family: str
    """`failed`, `held`, `expired` or `overdue`."""


@dataclass(frozen=True)
class Incident:
    """Dates of one pipeline that are not well for one reason, told together. One per key: the newest."""

    pipeline: str
    version: str
    family: str
    number: int
    """1, 2, ... per key: the incident after this one has the next."""
    revision: int
    """Raised by every change, so that of two processes that decide at once one wins."""
    opened_at: datetime
    told_at: datetime
    """When it was decided to tell of it last."""
    told: int
    """How many subjects it had then."""
    subjects: tuple[str, ...]
    """Run dates, and tasks such as `train 2026-01-01`, in order; those that became well are among them."""
    detail: str = ""
    """Of its first subject: why."""
    run_id: str | None = None
    closed_at: datetime | None = None

    @property
    def key(self) -> IncidentKey:
        return IncidentKey(self.pipeline, self.version, self.family)

    @property
    def name(self) -> str:
        """Never used twice."""
        return f"{self.pipeline}/{self.version}/{self.family}/{self.number}"


@dataclass(frozen=True)
class Notice:
    """One message to one notifier, kept until it was taken."""

    id: str
    notifier: str
    message: Mapping[str, Any]
    created_at: datetime
    not_before: datetime
    """When it may be sent; whoever sends it moves this on first, so that no other does so meanwhile."""
    attempts: int = 0
    sent_at: datetime | None = None
    given_up: bool = False
    error: str = ""
    """Of the last attempt."""


@dataclass(frozen=True)
class NotWell:
    """A date, or a task that is a dead letter, and how it ended."""

    pipeline: str
    version: str
    subject: str
    status: Status
    detail: str
    run_id: str
    by_service: bool
    """The service performed it; else a person sees what a command says."""
    tried_again: bool = False
    """The service has not given it up: this is not its last word."""
