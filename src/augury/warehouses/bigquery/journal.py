"""Where is it written down what was done? In a table of the namespace, to which lines are only added.

Lines of several threads go into one INSERT: DML statements take a second each, and a table takes a limited number of
them. How a job ended is not waited for: if this process dies first, the intent is there, and the job itself says how
it ended for six months (BigQuery docs: 'Managing jobs').
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from augury.errors import AuguryError
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import refusals
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import JOURNAL, TableId
from augury.warehouses.bigquery.pacing import INSERTS, Pace
from augury.warehouses.bigquery.records import Entry, Records, from_row

_COLUMNS = (
    ("id", "STRING"),
    ("kind", "STRING"),
    ("job_id", "STRING"),
    ("table_name", "STRING"),
    ("run_date", "DATE"),
    ("run_id", "STRING"),
    ("fingerprint", "STRING"),
    ("row_count", "INT64"),
    ("body", "STRING"),
)
_MOST = 500
"""Lines of one statement: a query has at most 10,000 parameters."""


@dataclass
class _Ticket:
    """Lines that somebody waits for."""

    entries: Sequence[Entry]
    written: threading.Event = field(default_factory=threading.Event)
    error: AuguryError | None = None


class Journal:
    """The journal of one namespace. Safe to use from several threads and several processes."""

    def __init__(self, jobs: Jobs, place: BigQueryPlace, pace: Pace | None) -> None:
        assert place.project is not None
        assert place.dataset is not None
        self._jobs = jobs
        self._place = place
        self._pace = pace
        self._table = TableId(place.project, place.dataset, JOURNAL)
        self._records = Records()
        self._lock = threading.RLock()
        """For the records and the queue."""
        self._writing = threading.Lock()
        self._tickets: list[_Ticket] = []
        self._later: list[Entry] = []
        self._there = False
        self.mine: set[str] = set()
        """Ids of jobs that a thread of this process waits for."""

    # -- reading ---------------------------------------------------------------------------------------------

    def records(self) -> Records:
        """Everything that is known, by now. One request of metadata where nothing was added by others."""
        if not self._complete():
            # What a thread of this process adds just now is in the table before it is known here.
            with self._writing:
                if not self._complete():
                    with self._lock:
                        self._read()
        return self._records

    def read(self) -> Records:
        """Everything that is known, read by a query: a fence cannot rely on a number of lines, which is metadata."""
        with self._writing:
            if self._complete() and not self._there:
                return self._records
            with self._lock:
                self._read()
        return self._records

    @property
    def known(self) -> Records:
        """What was known last."""
        return self._records

    @property
    def lock(self) -> threading.RLock:
        """While it is held, the records do not change."""
        return self._lock

    def _complete(self) -> bool:
        """Whether the table has as many lines as are known here."""
        client = self._jobs.client(self._place)
        table = self._jobs.asked(lambda: client.get_table(str(self._table), retry=None), or_none=True)
        with self._lock:
            self._there = table is not None
            return table is None or table.num_rows == len(self._records.ids)

    def _read(self) -> None:
        listed = ", ".join(name for name, _ in _COLUMNS)
        job = self._jobs.query(
            self._place, f"SELECT {listed} FROM {self._table.sql}", Ask({"augury_step": "journal"}, own=True)
        )
        try:
            found = [from_row(dict(row)) for row in job.result(retry=None)]
        except refusals.ours() as error:
            raise refusals.of(error) from error
        waiting = {entry.id for entry in self._later}
        waiting.update(entry.id for ticket in self._tickets for entry in ticket.entries)
        self._records.add(found)
        # What somebody removed from the table in the meantime no longer counts.
        gone = self._records.ids - {entry.id for entry in found} - waiting
        self._records.ids -= gone

    # -- writing ---------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> None:
        """Returns when the lines can be read by everybody, and those that wait with them."""
        ticket = _Ticket(entries)
        with self._lock:
            self._tickets.append(ticket)
        with self._writing:
            if not ticket.written.is_set():
                self._flush()
        if ticket.error is not None:
            raise ticket.error

    def later(self, entries: Sequence[Entry]) -> None:
        """Known here at once; written with the next lines that are waited for, or at the end."""
        with self._lock:
            self._records.add(entries)
            # They count once they are in the table.
            self._records.ids.difference_update(entry.id for entry in entries)
            self._later.extend(entries)

    def close(self) -> None:
        if self._later:
            with self._writing:
                self._flush()

    def _flush(self) -> None:
        with self._lock:
            tickets, self._tickets = self._tickets, []
            later, self._later = self._later, []
        lines = [*later, *(entry for ticket in tickets for entry in ticket.entries)]
        try:
            self._make()
            for start in range(0, len(lines), _MOST):
                self._insert(lines[start : start + _MOST])
        except AuguryError as error:
            with self._lock:
                self._later = [*later, *self._later]
            for ticket in tickets:
                ticket.error = error
        finally:
            for ticket in tickets:
                ticket.written.set()

    def _insert(self, lines: Sequence[Entry]) -> None:
        from google.cloud.bigquery import ScalarQueryParameter

        parameters: list[Any] = []
        rows: list[str] = []
        for at, entry in enumerate(lines):
            values = (
                entry.id,
                entry.kind,
                entry.job_id,
                entry.table,
                entry.day,
                entry.run_id,
                entry.fingerprint,
                entry.rows,
                entry.body(),
            )
            rows.append("(" + ", ".join(f"@p{at}_{n}" for n in range(len(values))) + ")")
            parameters += [
                ScalarQueryParameter(f"p{at}_{n}", kind, value)
                for n, ((_, kind), value) in enumerate(zip(_COLUMNS, values, strict=True))
            ]
        listed = ", ".join(name for name, _ in _COLUMNS)
        if self._pace is not None:
            self._pace.pass_through(str(self._table), INSERTS)
        sql = f"INSERT INTO {self._table.sql} ({listed}) VALUES {', '.join(rows)}"
        self._jobs.query(self._place, sql, Ask({"augury_step": "journal"}, own=True), parameters=parameters)
        with self._lock:
            # Those that were written down later are known already, and only count from here on.
            self._records.add(lines)
            self._records.ids.update(entry.id for entry in lines)

    def _make(self) -> None:
        if self._there:
            return
        from google.cloud.bigquery import SchemaField, Table

        table = Table(str(self._table), schema=[SchemaField(name, kind) for name, kind in _COLUMNS])
        table.description = "Which version of each partition is live. Written by augury; lines are only added."
        client = self._jobs.client(self._place)
        self._jobs.asked(lambda: client.create_table(table, exists_ok=True, retry=None))
        self._there = True

    def remove(self, entries: Iterable[Entry], fences: Iterable[Entry]) -> None:
        """Take out every line about the jobs of these entries, and these fences."""
        from google.cloud.bigquery import ArrayQueryParameter

        doomed = [("job_id", entry.job_id) for entry in entries] + [("id", entry.id) for entry in fences]
        if not doomed:
            return
        with self._writing:
            self._flush()
            for start in range(0, len(doomed), _MOST):
                some = doomed[start : start + _MOST]
                sql = f"DELETE FROM {self._table.sql} WHERE job_id IN UNNEST(@jobs) OR id IN UNNEST(@ids)"
                parts = [
                    ArrayQueryParameter("jobs", "STRING", [value for name, value in some if name == "job_id"]),
                    ArrayQueryParameter("ids", "STRING", [value for name, value in some if name == "id"]),
                ]
                self._jobs.query(self._place, sql, Ask({"augury_step": "journal"}, own=True), parameters=parts)
            with self._lock:
                self._records = Records()
                if self._there:
                    self._read()
