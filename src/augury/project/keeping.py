"""What keeps a target in order? Copies, cleaning, forgetting, and the doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.dates import DateRange
from augury.project.opening import Opening

if TYPE_CHECKING:
    from augury.operations.doctor import Finding
    from augury.operations.housekeeping import Change


class Keeping(Opening):
    def copy(self, pattern: str, to: str, *, dry_run: bool = False) -> tuple[Change, ...]:
        from augury.operations.housekeeping import copy

        return copy(self._reading if dry_run else self._changing, pattern, to, dry_run)

    def clean(
        self,
        *,
        step: str,
        pipeline: str | None = None,
        within: DateRange | None = None,
        version: str | None = None,
        dry_run: bool = False,
    ) -> tuple[Change, ...]:
        from augury.operations.housekeeping import clean

        return clean(self._reading if dry_run else self._changing, pipeline, step, within, version, dry_run)

    def reset(
        self,
        *,
        pipeline: str | None = None,
        version: str | None = None,
        within: DateRange | None = None,
        dry_run: bool = False,
    ) -> tuple[Change, ...]:
        from augury.operations.housekeeping import reset

        return reset(self._reading if dry_run else self._changing, pipeline, version, within, dry_run)

    def doctor(self, *, fix: bool = False) -> tuple[Finding, ...]:
        from augury.operations.doctor import doctor
        from augury.service.doctor import CHECKS

        return doctor(self._writing if fix else self._reading, fix, CHECKS)
