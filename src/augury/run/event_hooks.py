"""When are the project's event hooks called? Once per date, after the ledger knows what they are told."""

from __future__ import annotations

from datetime import date

from augury.errors import HookFailed, Place
from augury.events import DateFinished, ModelTrained
from augury.run.builds import context_of
from augury.run.hooks import call_hook
from augury.run.work import Work

BY_STATUS = {
    "succeeded": "on_completed",
    "held": "on_held",
    "failed": "on_failed",
    "refused": "on_failed",
}


def tell_hooks(work: Work, event: DateFinished | ModelTrained) -> HookFailed | None:
    """Call on_completed, on_held, on_failed or on_trained where the project has it.

    A failing hook does not undo what it was told about; its error is returned.
    """
    if isinstance(event, ModelTrained):
        return _call(work, "on_trained", event.tick, event)
    return _call(work, BY_STATUS.get(event.status, ""), event.run_date, event)


def _call(work: Work, name: str, day: date, event: DateFinished | ModelTrained) -> HookFailed | None:
    hook = work.pipeline.event_hooks.get(name)
    if hook is None:
        return None
    arguments = {parameter.name: context_of(work, day, event) for parameter in hook.parameters}
    try:
        call_hook(work.definitions.project.root, work.pipeline, hook, arguments)
    except HookFailed as error:
        error.at(Place(pipeline=work.pipeline.name, date=str(day), step=name))
        work.notice(f"{error.what}; the date stays as it is", day=day, step=name)
        return error
    return None
