"""How did a run end? One value per requested date, and the exit code that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from augury.errors import AuguryError, ExitCode, first_that_applies
from augury.ledger.records import ModelRecord, Status
from augury.plan.steps import Plan

EXIT_CODES = {
    Status.HELD: ExitCode.HELD,
    Status.REFUSED: ExitCode.REFUSED,
    Status.FAILED: ExitCode.FAILED,
    Status.BLOCKED: ExitCode.FAILED,
    Status.CRASHED: ExitCode.FAILED,
    Status.CANCELLED: ExitCode.FAILED,
    Status.EXPIRED: ExitCode.FAILED,
    Status.LOCKED: ExitCode.LOCKED,
}


@dataclass(frozen=True)
class DateOutcome:
    run_date: date
    status: Status
    rows: int | None = None
    model_version: int | None = None
    model_rule: str = ""
    detail: str = ""
    """One line: what held it, failed or was skipped."""
    error: AuguryError | None = None


@dataclass(frozen=True)
class RunResult:
    run_id: str | None
    """None where there was nothing to do."""
    plan: Plan
    outcomes: tuple[DateOutcome, ...] = ()
    """One per requested date that had something to do, ascending."""
    trained: tuple[ModelRecord, ...] = ()
    """Models trained by this run, by tick."""
    failures: tuple[AuguryError, ...] = ()
    """Errors of tasks that were not requested dates: trainings, history."""
    seconds: float = 0.0
    peak_memory: int = 0
    """Bytes, of the process."""
    resumed: str | None = None
    """The crashed run whose stored plan this one finished."""
    counts: dict[str, int] = field(default_factory=dict)
    """Requested dates by status; those with nothing to do as `up to date` or `left as they are`."""

    @property
    def exit_code(self) -> ExitCode:
        codes = [EXIT_CODES.get(outcome.status, ExitCode.DONE) for outcome in self.outcomes]
        codes += [error.exit_code for error in self.failures]
        # A tick that a date needs and that fails its gate is passed over; one that was asked for is the outcome.
        codes += [ExitCode.HELD for model in self.trained if model.tick in self.plan.request.ticks and not model.passed]
        return first_that_applies(codes)
