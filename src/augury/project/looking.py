"""What can be asked of a project without changing it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.project.opening import Opening

if TYPE_CHECKING:
    import pyarrow as pa

    from augury.ledger.records import DateRecord, RunRecord
    from augury.operations.inspecting import CompiledStep, Validation
    from augury.operations.showing import Shown
    from augury.operations.status import PipelineStatus


class Looking(Opening):
    def validate(self) -> Validation:
        """Compile every step of every pipeline. Raises SpecError with all problems."""
        from augury.operations.inspecting import validate

        return validate(self._reading)

    def compile(
        self, pipeline: str, day: date, *, step: str | None = None, version: str | None = None
    ) -> tuple[CompiledStep, ...]:
        """The SQL of a pipeline's steps on one date, as the engine gets it."""
        from augury.operations.inspecting import compile_steps

        return compile_steps(self._reading, pipeline, day, step, version)

    def query(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """Stream a SELECT over the tables of the target. Raises UsageError for anything that writes."""
        from augury.operations.querying import query

        return query(self._reading, sql)

    def show(self, pipeline: str, day: date, *, version: str | None = None, limit: int = 10) -> Shown:
        """What a date published, and how it came about."""
        from augury.operations.showing import show

        return show(self._reading, pipeline, day, version, limit)

    def status(self, pipeline: str | None = None, *, days: int = 30) -> tuple[PipelineStatus, ...]:
        from augury.operations.status import status

        self._recover()
        return status(self._reading, pipeline, days)

    def runs(self, pipeline: str | None = None, *, limit: int = 20) -> tuple[RunRecord, ...]:
        self._recover()
        return tuple(self._reading.ledger.runs(pipeline, limit=limit))

    def logs(
        self,
        *,
        day: date | None = None,
        run_id: str | None = None,
        pipeline: str | None = None,
        level: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from augury.operations.logs import logs

        return logs(self._reading, day, run_id, pipeline, level)

    def dates(self, pipeline: str, version: str | None = None) -> Mapping[date, DateRecord]:
        """The latest outcome of every run date, by date."""
        self._recover()
        spec = self._reading.pipeline(pipeline, version)
        return self._reading.ledger.date_records(spec.name, spec.version)

    def due(self, pipeline: str, version: str | None = None) -> date | None:
        """The newest run date that is due, the last one of a pipeline that has ended; None before the first."""
        from augury.operations.calendar import due_date

        return due_date(self._reading.pipeline(pipeline, version), self._clock())

    def config(self, pipeline: str | None = None) -> tuple[tuple[str, str, str], ...]:
        """Every value with where it came from: (key, value, origin)."""
        from augury.operations.configuration import config

        return config(self.spec, pipeline)
