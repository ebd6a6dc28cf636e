"""Which version of each partition is live, by what was written down about the jobs that made them? Pure.

Before a job that changes a partition is sent, its intent is written down, with the id that the job will have. So the
live version is the one whose job ended last among those that succeeded, whoever wrote down, or died before writing
down, how it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from augury.warehouses.bigquery.names import fresh_id
from augury.warehouses.contract import Partition, TableColumn

Kind = Literal["intent", "done", "failed", "fence"]
Action = Literal["write", "remove", "view", "unview", ""]


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    kind: Kind
    job_id: str = ""
    """Of the job that was intended; empty for a fence."""
    project: str = ""
    location: str = ""
    """Where that job runs."""
    table: str = ""
    day: date | None = None
    action: Action = ""
    target: str = ""
    """`project.dataset.table` that the job changes; for a view the table that it shows."""
    run_id: str = ""
    fingerprint: str = ""
    rows: int = -1
    """-1 while nobody has counted them."""
    bytes: int = 0
    columns: tuple[TableColumn, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    lock: str = ""
    token: int = 0
    created_at: datetime | None = None
    """By the writer's clock."""
    ended_at: float = 0.0
    """When its job ended, by BigQuery's clock, in seconds."""
    noted_at: float = 0.0
    """When the intent was written down, by the clock of its machine, in seconds."""
    id: str = field(default_factory=fresh_id)

    def body(self) -> str:
        """What has no column of its own, as JSON."""
        return json.dumps(
            {
                "project": self.project,
                "location": self.location,
                "action": self.action,
                "target": self.target,
                "bytes": self.bytes,
                "columns": [[column.name, column.type] for column in self.columns],
                "facts": {name: _plain(value) for name, value in self.facts.items()},
                "description": self.description,
                "lock": self.lock,
                "token": self.token,
                "created_at": self.created_at.isoformat() if self.created_at else None,
                "ended_at": self.ended_at,
                "noted_at": self.noted_at,
            },
            separators=(",", ":"),
        )

    def ended(self, kind: Kind, **changes: Any) -> Entry:
        """How the job of this intent ended."""
        return replace(self, kind=kind, id=fresh_id(), **changes)

    def partition(self) -> Partition:
        assert self.created_at is not None
        shown = f"{self.target}${self.day:%Y%m%d}" if self.day and not self.sharded else self.target
        return Partition(
            table=self.table,
            day=self.day,
            run_id=self.run_id,
            fingerprint=self.fingerprint,
            rows=max(self.rows, 0),
            bytes=self.bytes,
            columns=self.columns,
            created_at=self.created_at,
            path=shown,
            facts=dict(self.facts),
        )

    @property
    def attempt(self) -> int:
        """As the id of its job says: lines of older attempts may have been removed."""
        return int(self.job_id.rpartition("_")[2])

    @property
    def sharded(self) -> bool:
        return self.day is not None and self.target.endswith(f"_{self.day:%Y%m%d}")


def from_row(row: Mapping[str, Any]) -> Entry:
    """The entry of a row of the journal's table."""
    body = json.loads(row["body"])
    created = body.pop("created_at")
    body["columns"] = tuple(TableColumn(name, kind) for name, kind in body["columns"])
    return Entry(
        kind=row["kind"],
        job_id=row["job_id"] or "",
        table=row["table_name"] or "",
        day=row["run_date"],
        run_id=row["run_id"] or "",
        fingerprint=row["fingerprint"] or "",
        rows=row["row_count"],
        created_at=datetime.fromisoformat(created) if created else None,
        id=row["id"],
        **body,
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


class Records:
    """What is known of the journal. Whoever uses it from several threads holds a lock."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._open: dict[str, Entry] = {}
        """Intents of which nobody wrote down how their job ended, by its id."""
        self._over: dict[str, Entry] = {}
        """How each job ended, by its id."""
        self._newest: dict[str, dict[date | None, Entry]] = {}
        """By table and day: the change whose job ended last."""
        self._views: dict[str, Entry] = {}
        self._fences: dict[str, Entry] = {}
        """The highest token of each lock."""
        self._old_fences: list[Entry] = []
        self._attempts: dict[tuple[str, date | None, str, str], int] = {}

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.id not in self.ids:
                self.ids.add(entry.id)
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.kind == "fence":
            self._raise(entry)
        elif entry.kind == "intent":
            if entry.job_id not in self._over:
                self._open[entry.job_id] = entry
            version = (entry.table, entry.day, entry.run_id, entry.fingerprint)
            self._attempts[version] = max(self._attempts.get(version, 0), entry.attempt)
        elif entry.job_id not in self._over:
            self._over[entry.job_id] = entry
            self._open.pop(entry.job_id, None)
            if entry.kind == "done":
                self._done(entry)

    def _raise(self, entry: Entry) -> None:
        found = self._fences.get(entry.lock)
        newest = entry if found is None or found.token < entry.token else found
        self._old_fences += [one for one in (found, entry) if one is not None and one is not newest]
        self._fences[entry.lock] = newest

    def _done(self, entry: Entry) -> None:
        if entry.action in ("view", "unview"):
            before = self._views.get(entry.table)
            if before is None or before.ended_at <= entry.ended_at:
                self._views[entry.table] = entry
            return
        days = self._newest.setdefault(entry.table, {})
        found = days.get(entry.day)
        if found is None or found.ended_at <= entry.ended_at:
            days[entry.day] = entry

    # -- what is asked ---------------------------------------------------------------------------------------

    def unresolved(self) -> tuple[Entry, ...]:
        """Intents of which nobody wrote down how their job ended."""
        return tuple(self._open.values())

    def attempts(self, table: str, day: date | None, run_id: str, fingerprint: str) -> int:
        """The number of the last attempt at a write."""
        return self._attempts.get((table, day, run_id, fingerprint), 0)

    def token(self, lock: str) -> int:
        """The highest that an owner of a lock came with."""
        return self._fences[lock].token if lock in self._fences else 0

    def old_fences(self) -> tuple[Entry, ...]:
        """Lines of tokens that a higher one followed."""
        return tuple(self._old_fences)

    def live(self, table: str, day: date | None) -> Entry | None:
        found = self._newest.get(table, {}).get(day)
        return found if found is not None and found.action == "write" else None

    def of_table(self, table: str) -> dict[date | None, Entry]:
        """Live partitions, by day ascending; a table that is one whole comes first."""
        found = {day: entry for day, entry in self._newest.get(table, {}).items() if entry.action == "write"}
        return dict(sorted(found.items(), key=lambda pair: pair[0] or date.min))

    def tables(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self._newest if self.of_table(name)))

    def view(self, name: str) -> Entry | None:
        found = self._views.get(name)
        return found if found is not None and found.action == "view" else None

    def views(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self._views if self.view(name) is not None))

    def superseded(self, before: float) -> tuple[Entry, ...]:
        """Entries that say nothing any more and ended before an instant: of older versions and failed jobs."""
        newest = {entry.job_id for days in self._newest.values() for entry in days.values()}
        newest.update(entry.job_id for entry in self._views.values())
        return tuple(entry for job_id, entry in self._over.items() if job_id not in newest and entry.ended_at < before)
