"""When are the project's event hooks called? Once per outcome, after the ledger knows what they are told.

The ledger records the call after it was made. A process may die between the two, and nobody can tell on which side of
the call: then it is made again by the next run of the pipeline. So a hook is called once for every outcome, and after a
crash at least once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from augury.errors import HookFailed, Locked, Place, StorageFailed
from augury.events import DateFinished, ModelTrained
from augury.ledger.records import DateRecord, ModelRecord
from augury.ledger.store import Ledger
from augury.run.builds import context_of
from augury.run.hooks import call_hook
from augury.run.locking import date_lock, training_lock
from augury.run.logs import log_context
from augury.run.work import Work
from augury.spec.files import Hook, PipelineSpec

BY_STATUS = {
    "succeeded": "on_completed",
    "held": "on_held",
    "failed": "on_failed",
    "refused": "on_failed",
}
ON_TRAINED = "on_trained"

Kept = TypeVar("Kept", DateRecord, ModelRecord)


def hook_of(pipeline: PipelineSpec, record: DateRecord | ModelRecord) -> Hook | None:
    """The project's hook that is to be told of an outcome."""
    name = ON_TRAINED if isinstance(record, ModelRecord) else BY_STATUS.get(str(record.status), "")
    return pipeline.event_hooks.get(name)


def until_told(work: Work, record: Kept, *, owed: bool = True) -> Kept:
    """The record as it stands until its hook was called. Where there is no hook, or none is `owed` a call, nobody has
    to be told."""
    owed = owed and hook_of(work.pipeline, record) is not None
    return replace(record, told_at=None if owed else work.clock())


def tell_hooks(work: Work, record: DateRecord | ModelRecord) -> HookFailed | None:
    """Call on_completed, on_held, on_failed or on_trained where the project has it, and record that it was called.

    A failing hook does not undo what it was told about; its error is returned.
    """
    hook = hook_of(work.pipeline, record)
    if hook is None or record.told_at is not None:
        return None
    error = _call(work, hook, day_of(record), event_of(record))
    try:
        if isinstance(record, ModelRecord):
            work.ledger.model_was_told(record.pipeline, record.version, record.number, work.clock())
        else:
            work.ledger.date_was_told(record.pipeline, record.version, record.run_date, record.run_id, work.clock())
    except StorageFailed as lost:
        work.notice(f"{hook.function} may be called again: {lost.what}", day=day_of(record), step=hook.function)
    return error


def owed_calls(ledger: Ledger, pipeline: PipelineSpec) -> list[DateRecord | ModelRecord]:
    """Outcomes of which the project was not told, because the process of their run died first."""
    if not pipeline.event_hooks:
        return []
    untold: tuple[DateRecord | ModelRecord, ...] = (
        *ledger.untold_dates(pipeline.name, pipeline.version),
        *ledger.untold_models(pipeline.name, pipeline.version),
    )
    return [record for record in untold if hook_of(pipeline, record) is not None]


def tell_owed(work: Work, owed: Iterable[DateRecord | ModelRecord], held: Collection[date] = ()) -> list[HookFailed]:
    """Make the calls that earlier runs owe; the errors of those that failed.

    `held` are dates whose lock the caller has. What another process is at is left to it.
    """
    errors = [_tell_owed(work, record, held) for record in owed]
    return [error for error in errors if error is not None]


def _tell_owed(work: Work, record: DateRecord | ModelRecord, held: Collection[date]) -> HookFailed | None:
    hook, day = hook_of(work.pipeline, record), day_of(record)
    if hook is None:
        return None
    trained = isinstance(record, ModelRecord)
    with ExitStack() as stack:
        if trained or day not in held:
            name = training_lock(work.pipeline, day) if trained else date_lock(work.pipeline, day)
            try:
                stack.enter_context(work.locks.acquire(name, work.run_id))
            except Locked:
                return None
        if not _is_owed(work, record):
            return None
        stack.enter_context(log_context(date=day, step=hook.function))
        work.notice(f"called for run {record.run_id}, whose process died before it", day=day, step=hook.function)
        return tell_hooks(replace(work, run_id=record.run_id), record)


def _is_owed(work: Work, record: DateRecord | ModelRecord) -> bool:
    """Still, now that nobody else can make the call."""
    ask: Any = work.ledger.untold_models if isinstance(record, ModelRecord) else work.ledger.untold_dates
    return record in ask(record.pipeline, record.version)


def event_of(record: DateRecord | ModelRecord) -> DateFinished | ModelTrained:
    """What everybody is told of an outcome."""
    if isinstance(record, ModelRecord):
        return ModelTrained(record.run_id, record.pipeline, record.tick, record.number, record.passed, record.verdict)
    return DateFinished(record.run_id, record.pipeline, record.run_date, str(record.status), record.rows, record.detail)


def day_of(record: DateRecord | ModelRecord) -> date:
    """The run date or the tick."""
    return record.tick if isinstance(record, ModelRecord) else record.run_date


def _call(work: Work, hook: Hook, day: date, event: DateFinished | ModelTrained) -> HookFailed | None:
    arguments = {parameter.name: context_of(work, day, event) for parameter in hook.parameters}
    try:
        call_hook(work.definitions.project.root, work.pipeline, hook, arguments)
    except HookFailed as error:
        error.at(Place(pipeline=work.pipeline.name, date=str(day), step=hook.function))
        work.notice(f"{error.what}; the date stays as it is", day=day, step=hook.function)
        return error
    return None
