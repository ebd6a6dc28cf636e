"""When are the project's event hooks called? Once per date, after the ledger knows what they are told."""

from __future__ import annotations

from datetime import date
from typing import Any

from augury.errors import AuguryError, HookFailed, Place
from augury.ledger.records import DateRecord, ModelRecord, Status
from augury.run.builds import context_of
from augury.run.hooks import call_hook
from augury.run.work import Work

BY_STATUS = {
    Status.SUCCEEDED: "on_completed",
    Status.HELD: "on_held",
    Status.FAILED: "on_failed",
    Status.REFUSED: "on_failed",
}


def tell_hooks(work: Work, day: date, record: DateRecord, error: AuguryError | None) -> HookFailed | None:
    """Call on_completed, on_held or on_failed. A failing hook does not undo what it was told about."""
    del error
    return _call(work, BY_STATUS.get(record.status, ""), day, {"outcome": record})


def tell_trained(work: Work, tick: date, model: ModelRecord) -> HookFailed | None:
    """Call on_trained with the new model, passed or not."""
    return _call(work, "on_trained", tick, {"model": model})


def _call(work: Work, name: str, day: date, facts: dict[str, Any]) -> HookFailed | None:
    hook = work.pipeline.event_hooks.get(name)
    if hook is None:
        return None
    offered = {"context": context_of(work, day), **facts}
    arguments = {parameter.name: offered.get(parameter.name) for parameter in hook.parameters}
    try:
        call_hook(work.definitions.project.root, work.pipeline, hook, arguments)
    except HookFailed as error:
        error.at(Place(pipeline=work.pipeline.name, date=str(day), step=name))
        work.notice(f"{error.what}; the date stays as it is", day=day, step=name)
        return error
    return None
