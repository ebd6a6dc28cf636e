"""Which tick does `augury train` mean, and can it be trained?"""

from __future__ import annotations

from datetime import date

from augury import plugins
from augury.errors import UsageError
from augury.operations.opened import Opened
from augury.plan.graph import BY_HAND
from augury.plan.steps import Request
from augury.plan.ticks import Ticks


def train_request(opened: Opened, name: str, tick: date | None, version: str | None) -> Request:
    """A request for one explicit tick; the latest run date by default.

    Raises UsageError where the pipeline trains no model, where the tick lies in the future, or where no label is
    closed by then.
    """
    pipeline = opened.pipeline(name, version)
    model = pipeline.settings.model
    if model is None:
        raise UsageError(f"{name} is SQL alone: it has no model to train")
    if not model.in_sql and not plugins.load("models", model.type).trains:
        raise UsageError(f"{name} brings a model file: there is nothing to train", why=f"model.type is {model.type}")
    today = opened.today(pipeline)
    end = pipeline.settings.end
    if tick is None:
        tick = pipeline.grid.at_or_before(today)
    if tick is None or tick < pipeline.settings.start:
        raise UsageError(f"{tick or today} lies before the start of {name}, {pipeline.settings.start}")
    if end is not None and tick >= end:
        raise UsageError(f"{tick} is not before the end of {name}, {end} (excluded)")
    if pipeline.cutoffs.of(tick) > opened.clock():
        raise UsageError(f"{tick} lies in the future", fix=f"The latest tick is {today}.")
    if not any(map(pipeline.has, BY_HAND)) and not Ticks(pipeline).training_dates(tick):
        horizon = pipeline.settings.horizon
        raise UsageError(
            f"tick {tick} has no training date: no label is closed by then",
            why=f"labels look {horizon} days ahead, and run dates start on {pipeline.settings.start}",
        )
    return Request(name, pipeline.version, (), ticks=(tick,))
