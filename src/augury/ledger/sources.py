"""What did each source hold when it was last looked at, and which of its days changed since?

Probes count 1, 2, ... over all sources together, so that one number in a partition's record says what its
build could see of every source: a day with a higher `changed_in` came too late for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from augury.ledger import tables
from augury.ledger.database import columns_of, records, row_of
from augury.ledger.part import Part
from augury.ledger.records import SourceDay, SourceProbe
from augury.ledger.verbs import once, repeatable


class Sources(Part):
    @once
    def record_probe(
        self, source: str, signature: str, at: datetime, days: Iterable[tuple[date, int, str]]
    ) -> SourceProbe:
        """Record what a probe found: rows and digest per event day of the whole source.

        Days that are new, differ or vanished since the probe before get its number as `changed_in`. A
        vanished day stays, with 0 rows and no digest.
        """
        found = {day: (rows, digest) for day, rows, digest in days}
        with self._database.write() as connection:
            self._database.alone(connection, "probes")
            known = {item.day: item for item in _days(connection, source)}
            probe = SourceProbe(source, _latest_number(connection) + 1, signature, at)
            gone = dict.fromkeys(known.keys() - found.keys(), (0, ""))
            changed = [
                {"source": source, "day": day, "rows": rows, "digest": digest, "changed_in": probe.number}
                for day, (rows, digest) in {**found, **gone}.items()
                if day not in known or (known[day].rows, known[day].digest) != (rows, digest)
            ]
            connection.execute(tables.source_probes.insert(), row_of(probe))
            if changed:
                connection.execute(self._database.upsert(tables.source_days), changed)
        return probe

    @repeatable
    def source_days(self, source: str, changed_after: int = 0) -> list[SourceDay]:
        """The days of a source as last seen, ascending; with a probe's number only those changed after it."""
        with self._database.read() as connection:
            return _days(connection, source, changed_after)

    @repeatable
    def late_days(self, source: str) -> list[SourceDay]:
        """The days that appeared, changed or vanished after the first probe of the source, ascending."""
        of = tables.source_probes.c
        with self._database.read() as connection:
            first = connection.scalar(select(func.min(of.number)).where(of.source == source))
            return [] if first is None else _days(connection, source, first)

    @repeatable
    def latest_probe(self, source: str) -> SourceProbe | None:
        """The latest probe of a source; None where it was never probed."""
        of = tables.source_probes.c
        query = columns_of(SourceProbe, tables.source_probes).where(of.source == source)
        with self._database.read() as connection:
            found = records(connection, SourceProbe, query.order_by(of.number.desc()).limit(1))
        return found[0] if found else None

    @repeatable
    def latest_probe_number(self) -> int:
        """The number of the latest probe of any source; 0 where there is none."""
        with self._database.read() as connection:
            return _latest_number(connection)


def _latest_number(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(tables.source_probes.c.number))) or 0)


def _days(connection: Connection, source: str, changed_after: int = 0) -> list[SourceDay]:
    of = tables.source_days.c
    query = columns_of(SourceDay, tables.source_days).where(of.source == source, of.changed_in > changed_after)
    return records(connection, SourceDay, query.order_by(of.day))
