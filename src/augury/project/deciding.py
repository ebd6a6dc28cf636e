"""Which model and which version do consumers see? Decisions of people, each one recorded."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from augury.project.opening import Opening

if TYPE_CHECKING:
    from augury.ledger.records import Decision
    from augury.operations.registry import ModelRow


class Deciding(Opening):
    def models(self, pipeline: str, *, version: str | None = None) -> tuple[ModelRow, ...]:
        from augury.operations.registry import models

        return models(self._reading, pipeline, version)

    def promote(
        self, pipeline: str, number: int, *, version: str | None = None, from_date: date | None = None
    ) -> Decision:
        from augury.operations.registry import promote

        return promote(self._changing, pipeline, number, version, from_date)

    def rollback(
        self,
        pipeline: str,
        *,
        number: int | None = None,
        version: str | None = None,
        from_date: date | None = None,
    ) -> Decision:
        from augury.operations.registry import rollback

        return rollback(self._changing, pipeline, number, version, from_date)

    def set_version(self, pipeline: str, version: str) -> Decision:
        from augury.operations.registry import set_version

        return set_version(self._changing, pipeline, version)
