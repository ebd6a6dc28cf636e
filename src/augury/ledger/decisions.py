"""What did people decide, who and when? Rows are only ever appended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select

from augury.fences import Fence
from augury.ledger import tables
from augury.ledger.database import columns_of, records, row_of
from augury.ledger.leases import check_fence
from augury.ledger.part import Part
from augury.ledger.records import Decision
from augury.ledger.verbs import once, repeatable

SET_VERSION = "set-version"


class Decisions(Part):
    @once
    def decide(self, decision: Decision, *, fence: Fence | None = None) -> Decision:
        """Append a decision and return it with its id; later decisions have higher ones. Raises Fenced."""
        row = row_of(decision)
        row.pop("id")
        with self._database.write() as connection:
            check_fence(connection, fence)
            key = connection.execute(tables.decisions.insert(), row).inserted_primary_key
        assert key is not None
        return replace(decision, id=key[0])

    @repeatable
    def decisions(
        self,
        pipeline: str | None = None,
        version: str | None = None,
        actions: Collection[str] | None = None,
    ) -> list[Decision]:
        """Oldest first, so that replaying them in order gives today's state."""
        of = tables.decisions.c
        query = columns_of(Decision, tables.decisions)
        if pipeline is not None:
            query = query.where(of.pipeline == pipeline)
        if version is not None:
            query = query.where(of.version == version)
        if actions is not None:
            query = query.where(of.action.in_(sorted(actions)))
        with self._database.read() as connection:
            return records(connection, Decision, query.order_by(of.id))

    @repeatable
    def current_version(self, pipeline: str) -> str | None:
        """The subject of the last set-version decision; None where nobody decided."""
        of = tables.decisions.c
        query = (
            select(of.subject).where(of.pipeline == pipeline, of.action == SET_VERSION).order_by(of.id.desc()).limit(1)
        )
        with self._database.read() as connection:
            found: str | None = connection.scalar(query)
        return found
